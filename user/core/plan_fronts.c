/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fronts, and the prefix bits before them. What can be written now and what has to wait:
 *
 * - The kernel may give a new front the memory of one that was deleted or overwritten, which a
 *   reader may still hold. So none is put between that and the end of a grace period.
 * - A front that moves to another service is overwritten, as the last one put: its address leads
 *   to the old service or to the new one, never to none. One in a grace period.
 * - A reader asks for the exact port and then for any port. So a front stays until the one that
 *   takes its place at the address is in force, and one for any port for a grace period more.
 */
#include "core/plan_internal.h"

#include <errno.h>

static bool is_same(const struct plan_front *a, const struct plan_front *b)
{
	return a && a->service_id == b->service_id;
}

/*
 * Has `old`, which is no longer wanted, to stay because of one that is to take its place?
 * `settled` is what will be in force after this plan.
 */
static bool front_stays(struct planner *p, const struct plan_state *wanted,
			const struct plan_state *settled, const struct plan_front *old)
{
	bool any_port = old->key.port == 0, stays = false;

	for (size_t i = plan_fronts_at(wanted, &old->key.address); i < wanted->fronts.n; i++) {
		const struct plan_front *now = &wanted->fronts.list[i];
		bool in_force;

		if (memcmp(&now->key.address, &old->key.address, sizeof(now->key.address)) != 0)
			break;
		if (now->key.protocol != old->key.protocol || (now->key.port == 0) == any_port)
			continue;
		in_force = is_same(plan_state_front(settled, now), now);
		stays |= !in_force;
		if (!any_port)
			continue;
		if (!is_same(plan_state_front(&p->have, now), now)) {
			p->any_port_resting |= in_force;
			stays = true;
		}
		stays |= p->any_port_resting || p->any_port_waiting;
	}
	return stays;
}

static int front_append(struct plan_state *s, const struct plan_front *row)
{
	if (util_grow(&s->fronts.list, &s->fronts.capacity, s->fronts.n + 1, sizeof(*row)) < 0)
		return -ENOMEM;
	s->fronts.list[s->fronts.n++] = *row;
	return 0;
}

/* How many claim the key of the i-th: of two one had to keep what it had, for lack of room. */
static size_t claims(const struct plan_state *wanted, size_t i)
{
	const struct plan_front *list = wanted->fronts.list;
	size_t n = 1;

	while (i + n < wanted->fronts.n && plan_front_compare(&list[i], &list[i + n]) == 0)
		n++;
	return n;
}

static int fronts_keep_wanted(const struct planner *p, const struct plan_state *wanted,
			      struct plan_state *settled, struct plan *plan)
{
	bool blocked = p->front_resting || p->front_waiting, moved = false;
	int r = 0;

	for (size_t i = 0, n; i < wanted->fronts.n && r == 0; i += n) {
		const struct plan_front *now = &wanted->fronts.list[i];
		const struct plan_front *old = plan_state_front(&p->have, now);

		n = claims(wanted, i);
		if (!old && !blocked && n == 1) {
			r = front_append(settled, now);
		} else if (old && !blocked && !moved && n == 1) {
			r = front_append(settled, now);
			moved = !is_same(old, now);
		} else {
			r = old ? front_append(settled, old) : 0;
			plan->deferred |= n > 1 || !is_same(old, now);
		}
	}
	return r;
}

static int fronts_keep_old(struct planner *p, const struct plan_state *wanted,
			   struct plan_state *settled, struct plan *plan)
{
	const struct plan_state *have = &p->have;
	_cleanup_free_ bool *stays = calloc(MAX(have->fronts.n, 1U), sizeof(*stays));
	int r = 0;

	if (!stays)
		return -ENOMEM;
	for (size_t i = 0; i < have->fronts.n; i++) {
		const struct plan_front *old = &have->fronts.list[i];

		stays[i] = !plan_state_front(wanted, old) && front_stays(p, wanted, settled, old);
	}
	for (size_t i = 0; i < have->fronts.n && r == 0; i++) {
		plan->deferred |= stays[i];
		if (stays[i])
			r = front_append(settled, &have->fronts.list[i]);
	}
	return r;
}

static int backends_keep(const struct plan_state *have, uint32_t service_id,
			 struct plan_state *next)
{
	for (size_t i = plan_state_backends(have, service_id); i < have->backends.n; i++) {
		const struct plan_backend *row = &have->backends.list[i];

		if (row->info.service_id != service_id)
			break;
		if (util_grow(&next->backends.list, &next->backends.capacity, next->backends.n + 1,
			      sizeof(*row)) < 0)
			return -ENOMEM;
		next->backends.list[next->backends.n++] = *row;
	}
	return 0;
}

/* A front that stays for a while keeps the run that it leads to, and the ids that are in it. */
static int runs_keep(const struct plan_state *have, struct plan_state *next)
{
	int r = 0;

	for (size_t i = 0; i < next->fronts.n && r == 0; i++) {
		uint32_t id = next->fronts.list[i].service_id;
		const struct plan_run *run = plan_state_run(have, id);

		if (!run || run->run == 0 || plan_state_run(next, id))
			continue;
		if (util_grow(&next->runs.list, &next->runs.capacity, next->runs.n + 1,
			      sizeof(*run)) < 0)
			return -ENOMEM;
		next->runs.list[next->runs.n++] = *run;
		r = backends_keep(have, id, next);
		plan_state_sort(next);
	}
	return r;
}

int plan_fronts_settle(struct planner *p, struct plan_state *next, struct plan *plan)
{
	_cleanup_(plan_state_done) struct plan_state settled = { 0 };
	int r;

	r = fronts_keep_wanted(p, next, &settled, plan);
	if (r == 0)
		r = fronts_keep_old(p, next, &settled, plan);
	if (r < 0)
		return r;
	free(next->fronts.list);
	memcpy(&next->fronts, &settled.fronts, sizeof(next->fronts));
	memset(&settled.fronts, 0, sizeof(settled.fronts));
	plan_state_sort(next);
	r = plan_book_move_fronts(&p->book, &p->have, next);
	return r < 0 ? r : runs_keep(&p->have, next);
}

static int front_write(struct plan *plan, enum plan_op_kind kind, const struct plan_front *row)
{
	struct plan_op *op = plan_add(plan, kind, row->service_id);

	if (!op)
		return -ENOMEM;
	op->key = row->key;
	return 0;
}

int plan_fronts_put(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	const struct plan_front *moved = NULL;
	int r = 0;

	for (size_t i = 0; i < next->fronts.n && r == 0; i++) {
		const struct plan_front *now = &next->fronts.list[i];
		const struct plan_front *old = plan_state_front(&p->have, now);

		if (!old)
			r = front_write(plan, PLAN_FRONT_PUT, now);
		else if (old->service_id != now->service_id)
			moved = now;
	}
	if (r < 0 || !moved)
		return r;
	p->front_resting = true;
	return front_write(plan, PLAN_FRONT_PUT, moved);
}

int plan_fronts_delete(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < p->have.fronts.n && r == 0; i++) {
		const struct plan_front *old = &p->have.fronts.list[i];

		if (plan_state_front(next, old))
			continue;
		p->front_resting = true;
		r = front_write(plan, PLAN_FRONT_DELETE, old);
	}
	return r;
}
