/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan_internal.h"

void plan_state_done(struct plan_state *s)
{
	free(s->fronts.list);
	free(s->services.list);
	free(s->backends.list);
	free(s->runs.list);
	memset(&s->fronts, 0, sizeof(s->fronts));
	memset(&s->services, 0, sizeof(s->services));
	memset(&s->backends, 0, sizeof(s->backends));
	memset(&s->runs, 0, sizeof(s->runs));
}

int plan_front_compare(const void *a, const void *b)
{
	const struct plan_front *left = a, *right = b;

	return memcmp(&left->key, &right->key, sizeof(left->key));
}

int plan_service_compare(const void *a, const void *b)
{
	const struct plan_service *left = a, *right = b;

	return strcmp(left->name, right->name);
}

struct addr_port plan_backend_at(const struct shunt_backend *b)
{
	struct addr_port at = { .port = b->port };

	at.addr = b->family == FAMILY_IPV6 ? addr_from_ipv6(b->ipv6) : addr_from_ipv4(b->ipv4);
	return at;
}

void plan_backend_set_addr(struct shunt_backend *b, const struct addr *a)
{
	if (addr_is_ipv4(a)) {
		b->family = FAMILY_IPV4;
		memcpy(b->ipv4, a->octets + 12, sizeof(b->ipv4));
	} else {
		b->family = FAMILY_IPV6;
		memcpy(b->ipv6, a->octets, sizeof(b->ipv6));
	}
}

/* As addr_port_compare of plan_backend_at, which most pairs, of one family, can do without. */
static int compare_at(const struct shunt_backend *a, const struct shunt_backend *b)
{
	struct addr_port at_a, at_b;
	int order;

	if (a->family != b->family) {
		at_a = plan_backend_at(a);
		at_b = plan_backend_at(b);
		return addr_port_compare(&at_a, &at_b);
	}
	if (a->family == FAMILY_IPV6)
		order = memcmp(a->ipv6, b->ipv6, sizeof(a->ipv6));
	else
		order = memcmp(a->ipv4, b->ipv4, sizeof(a->ipv4));
	return order ? order : (int)a->port - (int)b->port;
}

int plan_backend_compare(const void *a, const void *b)
{
	const struct plan_backend *left = a, *right = b;
	int order;

	if (left->info.service_id != right->info.service_id)
		return left->info.service_id < right->info.service_id ? -1 : 1;
	order = compare_at(&left->info, &right->info);
	if (order)
		return order;
	return left->id < right->id ? -1 : left->id > right->id;
}

int plan_run_compare(const void *a, const void *b)
{
	const struct plan_run *left = a, *right = b;

	return left->service_id < right->service_id ? -1 : left->service_id > right->service_id;
}

/* Most are in order already: ids are given out in the order of names. */
static void sort(void *list, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < n; i++) {
		const char *row = (const char *)list + i * size;

		if (compare(row - size, row) > 0) {
			qsort(list, n, size, compare);
			return;
		}
	}
}

#define SORT(rows, compare) sort((rows).list, (rows).n, sizeof((rows).list[0]), compare)

void plan_state_sort(struct plan_state *s)
{
	SORT(s->fronts, plan_front_compare);
	SORT(s->services, plan_service_compare);
	SORT(s->backends, plan_backend_compare);
	SORT(s->runs, plan_run_compare);
}

struct plan_run *plan_state_run(const struct plan_state *s, uint32_t service_id)
{
	struct plan_run key = { .service_id = service_id };

	if (s->runs.n == 0)
		return NULL;
	return bsearch(&key, s->runs.list, s->runs.n, sizeof(key), plan_run_compare);
}

const struct plan_front *plan_state_front(const struct plan_state *s, const struct plan_front *row)
{
	if (s->fronts.n == 0)
		return NULL;
	return bsearch(row, s->fronts.list, s->fronts.n, sizeof(*row), plan_front_compare);
}

size_t plan_state_backends(const struct plan_state *s, uint32_t service_id)
{
	size_t low = 0, high = s->backends.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (s->backends.list[middle].info.service_id < service_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t plan_fronts_at(const struct plan_state *s, const struct shunt_address *address)
{
	size_t low = 0, high = s->fronts.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (memcmp(&s->fronts.list[middle].key.address, address, sizeof(*address)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
