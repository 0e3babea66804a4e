/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which id a wanted service takes. An id belongs to an address first and to a name second: a
 * service that is renamed keeps its id, so that its front need not change and no connect is lost.
 */
#include "core/plan_internal.h"

#include <errno.h>

void decisions_done(struct decisions *d)
{
	for (size_t i = 0; i < d->n; i++)
		slots_done(&d->list[i].slots);
	free(d->list);
	*d = (struct decisions){ 0 };
}

static struct addr_port service_vip(const struct shunt_service *s)
{
	struct addr_port vip = { .port = (uint16_t)s->port };

	vip.addr = s->family == FAMILY_IPV6 ? addr_from_ipv6(s->ipv6) : addr_from_ipv4(s->ipv4);
	return vip;
}

static int compare_vip(const struct addr_port *a, uint32_t protocol_a, const struct addr_port *b,
		       uint32_t protocol_b)
{
	int order = addr_port_compare(a, b);

	return order ? order : (int)protocol_a - (int)protocol_b;
}

static int compare_by_vip(const void *a, const void *b)
{
	const struct plan_service *left = *(const struct plan_service *const *)a;
	const struct plan_service *right = *(const struct plan_service *const *)b;
	struct addr_port vip_left = service_vip(&left->info);
	struct addr_port vip_right = service_vip(&right->info);

	return compare_vip(&vip_left, left->info.protocol, &vip_right, right->info.protocol);
}

static const struct plan_service *find_by_vip(const struct plan_service **sorted, size_t n,
					      const struct table_service *want)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct addr_port vip = service_vip(&sorted[middle]->info);
		int order = compare_vip(&vip, sorted[middle]->info.protocol, &want->vip,
					want->protocol);

		if (order == 0)
			return sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int compare_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct plan_service *)row)->name);
}

static const struct plan_service *find_by_name(const struct plan_state *have, const char *name)
{
	if (have->services.n == 0)
		return NULL;
	return bsearch(name, have->services.list, have->services.n, sizeof(struct plan_service),
		       compare_name);
}

static void take_over(struct decision *d, const struct plan_service *had,
		      const struct plan_state *have, bool *taken)
{
	const struct plan_service *named = find_by_name(have, d->want->name);
	const struct plan_run *run = plan_state_run(have, had->info.id);

	/* a start after a crash in the middle of a renaming finds the id under both names */
	if (named && named->info.id == had->info.id)
		had = named;
	d->had = had;
	d->id = had->info.id;
	d->run = run ? run->run : 0;
	d->renamed = !streq(had->name, d->want->name);
	taken[d->id] = true;
}

static int match_new(struct planner *p, struct decision *d, struct plan *plan)
{
	int r = pool_take(&p->ids, 1, &d->id);

	if (r == 0) {
		d->is_new = true;
		return 0;
	}
	d->kept = true;
	if (r == -EAGAIN) {
		plan->deferred = true;
		return 0;
	}
	return plan_refuse(plan, d->want->name, r);
}

static void match_old(const struct plan_state *have, const struct plan_service **sorted,
		      struct decisions *made, bool *taken)
{
	for (size_t i = 0; i < made->n; i++) {
		const struct plan_service *had = find_by_vip(sorted, have->services.n,
							     made->list[i].want);

		if (had && had->info.id != 0 && !taken[had->info.id])
			take_over(&made->list[i], had, have, taken);
	}
	for (size_t i = 0; i < made->n; i++) {
		const struct plan_service *had = find_by_name(have, made->list[i].want->name);

		if (made->list[i].id == 0 && had && had->info.id != 0 && !taken[had->info.id])
			take_over(&made->list[i], had, have, taken);
	}
}

int plan_match(struct planner *p, const struct table *want, struct decisions *ret,
	       struct plan *plan)
{
	_cleanup_(decisions_done) struct decisions made = { 0 };
	_cleanup_free_ const struct plan_service **sorted = NULL;
	_cleanup_free_ bool *taken = calloc(p->limits.services, sizeof(*taken));
	size_t n = p->have.services.n;
	int r = 0;

	made.list = calloc(MAX(want->n, 1U), sizeof(*made.list));
	sorted = calloc(MAX(n, 1U), sizeof(*sorted));
	if (!taken || !made.list || !sorted)
		return -ENOMEM;
	made.n = want->n;
	for (size_t i = 0; i < want->n; i++)
		made.list[i].want = &want->services[i];
	for (size_t i = 0; i < n; i++)
		sorted[i] = &p->have.services.list[i];
	qsort(sorted, n, sizeof(struct plan_service *), compare_by_vip);
	match_old(&p->have, sorted, &made, taken);
	for (size_t i = 0; i < made.n && r == 0; i++) {
		if (made.list[i].id == 0)
			r = match_new(p, &made.list[i], plan);
	}
	if (r < 0)
		return r;
	*ret = made;
	made = (struct decisions){ 0 };
	return 0;
}
