/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs have found out of backends, and what they count against limits. */
#include "kernel/internal.h"

#include <errno.h>

uint64_t dataplane_news(const struct dataplane *d)
{
	return __atomic_load_n(&d->prefixes->news, __ATOMIC_RELAXED);
}

bool dataplane_health(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		      struct shunt_health *ret)
{
	if (backend_id >= d->maps[MAP_HEALTH].capacity || d->health[backend_id].born != born)
		return false;
	*ret = d->health[backend_id];
	return true;
}

bool dataplane_load(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		    struct shunt_load *ret)
{
	if (backend_id >= d->maps[MAP_LOADS].capacity || d->loads[backend_id].born != born)
		return false;
	*ret = d->loads[backend_id];
	return true;
}

void dataplane_policy(const struct dataplane *d, uint32_t service_id, struct shunt_policy *ret)
{
	*ret = service_id < d->maps[MAP_POLICIES].capacity ? d->policies[service_id]
							   : (struct shunt_policy){ 0 };
}

uint64_t dataplane_look(const struct dataplane *d, uint32_t service_id)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;
	uint64_t look = 0;

	for (unsigned int cpu = 0; cpu < d->cpus && service_id < stride; cpu++)
		look |= __atomic_load_n(&d->counters[cpu * stride + service_id].look,
					__ATOMIC_RELAXED);
	return look;
}

void dataplane_set_look(const struct dataplane *d, uint32_t service_id, uint64_t look)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;

	for (unsigned int cpu = 0; cpu < d->cpus && service_id < stride; cpu++)
		__atomic_store_n(&d->counters[cpu * stride + service_id].look, look,
				 __ATOMIC_RELAXED);
}

/* Backends that leave, or get and lose their share, while they are ejected nobody else counts. */
void dataplane_settle_ejected(const struct dataplane *d, uint32_t service_id, uint32_t seen,
			      uint32_t ejected)
{
	if (service_id < d->maps[MAP_POLICIES].capacity)
		(void)__atomic_compare_exchange_n(&d->policies[service_id].ejected, &seen, ejected,
						  false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void dataplane_end_ejection(const struct dataplane *d, uint32_t backend_id, uint32_t born)
{
	if (backend_id < d->maps[MAP_HEALTH].capacity && d->health[backend_id].born == born)
		__atomic_store_n(&d->health[backend_id].eject_until, 0, __ATOMIC_RELAXED);
}

/* --- by tasks --------------------------------------------------------------------------------- */

struct avoided {
	struct dataplane_avoided *list; /* owned */
	size_t n, capacity;
	uint64_t now_ns;
};

static void avoided_done(struct avoided *a)
{
	free(a->list);
}

static int avoided_add(void *user, const void *key, const void *value)
{
	const struct shunt_accusation_key *k = key;
	struct shunt_accusation accusation;
	struct avoided *a = user;

	memcpy(&accusation, value, sizeof(accusation));
	if (accusation.eject_until <= a->now_ns)
		return 0;
	if (util_grow(&a->list, &a->capacity, a->n + 1, sizeof(*a->list)) < 0)
		return -ENOMEM;
	a->list[a->n++] = (struct dataplane_avoided){ k->backend_id, k->born, 1 };
	return 0;
}

static int compare_avoided(const void *a, const void *b)
{
	const struct dataplane_avoided *left = a, *right = b;

	if (left->backend_id != right->backend_id)
		return left->backend_id < right->backend_id ? -1 : 1;
	return left->born < right->born ? -1 : left->born > right->born;
}

int dataplane_avoided(const struct dataplane *d, uint64_t now_ns, struct dataplane_avoided **ret,
		      size_t *ret_n)
{
	_cleanup_(avoided_done) struct avoided a = { .now_ns = now_ns };
	int r = map_walk(&d->maps[MAP_ACCUSATIONS], avoided_add, &a);
	size_t n = 0;

	if (r < 0)
		return r;
	if (a.n > 0)
		qsort(a.list, a.n, sizeof(*a.list), compare_avoided);
	for (size_t i = 0; i < a.n; i++) {
		if (n > 0 && compare_avoided(&a.list[n - 1], &a.list[i]) == 0)
			a.list[n - 1].tasks++;
		else
			a.list[n++] = a.list[i];
	}
	*ret = TAKE_PTR(a.list);
	*ret_n = n;
	return 0;
}
