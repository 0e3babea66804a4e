/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan_internal.h"

#include <errno.h>

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->ops.n; i++) {
		struct plan_op *op = &p->ops.list[i];

		if (op->kind == PLAN_SERVICE_PUT || op->kind == PLAN_SERVICE_DELETE)
			free(op->service);
	}
	free(p->ops.list);
	for (size_t i = 0; i < p->refused.n; i++)
		free(p->refused.list[i].name);
	free(p->refused.list);
	*p = (struct plan){ 0 };
}

struct plan_op *plan_add(struct plan *plan, enum plan_op_kind kind, uint32_t index)
{
	struct plan_op *op;

	if (util_grow(&plan->ops.list, &plan->ops.capacity, plan->ops.n + 1, sizeof(*op)) < 0)
		return NULL;
	op = &plan->ops.list[plan->ops.n++];
	*op = (struct plan_op){ .kind = kind, .index = index };
	return op;
}

int plan_refuse(struct plan *plan, const char *name, int error)
{
	char *copy = NULL;

	if (util_grow(&plan->refused.list, &plan->refused.capacity, plan->refused.n + 1,
		      sizeof(*plan->refused.list)) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	plan->refused.list[plan->refused.n].name = copy;
	plan->refused.list[plan->refused.n++].error = error;
	return 0;
}

void planner_free(struct planner *p)
{
	if (!p)
		return;
	plan_state_done(&p->have);
	pool_done(&p->ids);
	pool_done(&p->slots);
	pool_done(&p->addrs6);
	pool_done(&p->backend_ids);
	free(p);
}

/* Where a run's IPv6 addresses begin, if they lie in a row as this planner writes them. */
static bool run_addrs6(const struct planner *p, shunt_run run, uint32_t *ret_start)
{
	uint32_t first = SHUNT_RUN_BASE(run) + 1 + SHUNT_RUN_COUNT4(run);
	uint32_t start = p->memory.cells[first].slot.address;

	for (uint32_t i = 0; i < SHUNT_RUN_COUNT6(run); i++) {
		if (p->memory.cells[first + i].slot.address != start + i)
			return false;
	}
	*ret_start = start;
	return true;
}

/* Takes a run that is in force out of the pools; false if it cannot be one. */
static bool run_claim(struct planner *p, shunt_run run)
{
	uint32_t base = SHUNT_RUN_BASE(run), count6 = SHUNT_RUN_COUNT6(run);
	uint32_t length = 1 + SHUNT_RUN_COUNT4(run) + count6;
	uint32_t start;

	if (pool_claim(&p->slots, base, length) < 0)
		return false;
	if (count6 == 0)
		return true;
	if (run_addrs6(p, run, &start) && pool_claim(&p->addrs6, start, count6) == 0)
		return true;
	pool_untake(&p->slots, base, length);
	return false;
}

/* An id is in use if any row names it; repeats are as they should be. */
static uint32_t id_claim(struct planner *p, uint32_t id)
{
	if (id == 0 || id >= p->limits.services)
		return 0;
	(void)pool_claim(&p->ids, id, 1);
	return id;
}

/*
 * Everything in the maps was written by a planner, but perhaps by one that died, or by a bug: what
 * cannot be right is marked (id 0, run 0), and the first plan writes it anew or removes it.
 */
static void planner_claim(struct planner *p)
{
	struct plan_state *have = &p->have;

	for (size_t i = 0; i < have->services.n; i++) {
		struct shunt_service *info = &have->services.list[i].info;

		info->id = id_claim(p, info->id);
	}
	for (size_t i = 0; i < have->fronts.n; i++)
		(void)id_claim(p, have->fronts.list[i].service_id);
	for (size_t i = 0; i < have->runs.n; i++) {
		struct plan_run *run = &have->runs.list[i];

		(void)id_claim(p, run->service_id);
		if (!run_claim(p, run->run))
			run->run = 0;
	}
	for (size_t i = 0; i < have->runs.n; i++) {
		shunt_run run = have->runs.list[i].run;

		if (run)
			p->generation = MAX(p->generation,
					    p->memory.cells[SHUNT_RUN_BASE(run)].head.generation);
	}
	for (size_t i = 0; i < have->backends.n; i++)
		(void)pool_claim(&p->backend_ids, have->backends.list[i].id, 1);
}

int planner_new(const struct plan_limits *limits, const struct plan_memory *memory,
		struct plan_state *have, struct planner **ret)
{
	_cleanup_(planner_free_p) struct planner *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->limits = *limits;
	p->generation = limits->generation;
	p->memory = *memory;
	/* 0 is no service, no backend, and the run of an empty service would be 0 in cell 0 */
	if (pool_init(&p->ids, 1, limits->services) < 0 ||
	    pool_init(&p->slots, 1, limits->slots) < 0 ||
	    pool_init(&p->addrs6, 0, limits->addrs6) < 0 ||
	    pool_init(&p->backend_ids, 1, limits->backends) < 0)
		return -ENOMEM;
	p->have = *have;
	*have = (struct plan_state){ 0 };
	plan_state_sort(&p->have);
	planner_claim(p);
	*ret = TAKE_PTR(p);
	return 0;
}

/* How many of the wanted backends are not there yet; both lists are sorted. */
static uint32_t backends_added(const struct plan_state *have, const struct decision *d)
{
	size_t at = plan_state_backends(have, d->id);
	uint32_t added = 0;

	for (size_t i = 0; i < d->want->n_backends; i++) {
		const struct addr_port *wanted = &d->want->backends[i].endpoint.at;
		int order = 1;

		for (; at < have->backends.n && order > 0; at++) {
			struct addr_port there = plan_backend_at(&have->backends.list[at].info);

			if (have->backends.list[at].info.service_id != d->id)
				break;
			order = addr_port_compare(wanted, &there);
			if (order < 0)
				break;
		}
		added += order != 0;
	}
	return added;
}

/* Room for the backends that are new, beside those that go only after them? */
static int backends_fit(struct planner *p, struct decision *d, uint32_t *planned, struct plan *plan)
{
	uint32_t added = backends_added(&p->have, d);

	if (p->backend_ids.used + *planned + added < p->limits.backends) {
		*planned += added;
		return 0;
	}
	d->kept = true;
	if (d->writes_run) {
		pool_untake(&p->slots, SHUNT_RUN_BASE(d->run), (uint32_t)d->slots.n + 1);
		if (d->slots.count6 > 0)
			pool_untake(&p->addrs6, d->addrs6, d->slots.count6);
	}
	if (d->is_new)
		pool_untake(&p->ids, d->id, 1);
	return plan_refuse(plan, d->want->name, -ENOSPC);
}

int planner_make(struct planner *p, const struct table *want, struct plan *ret)
{
	_cleanup_(decisions_done) struct decisions decisions = { 0 };
	_cleanup_(plan_state_done) struct plan_state next = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	uint32_t planned = 0;
	int r = plan_match(p, want, &decisions, &plan);

	for (size_t i = 0; i < decisions.n && r == 0; i++) {
		struct decision *d = &decisions.list[i];

		if (!d->kept)
			r = plan_run_decide(p, d, &plan);
		if (r == 0 && !d->kept)
			r = backends_fit(p, d, &planned, &plan);
	}
	if (r == 0)
		r = plan_rows(p, &decisions, &next);
	if (r == 0)
		r = plan_diff(p, &decisions, &next, &plan);
	if (r < 0)
		return r;
	if (plan.refused.n > 0 && planner_wants_grace(p)) /* there may be room then */
		plan.deferred = true;
	plan_state_done(&p->have);
	p->have = next;
	next = (struct plan_state){ 0 };
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

bool planner_wants_grace(const struct planner *p)
{
	return p->front_resting || p->any_port_resting || pool_is_resting(&p->ids) ||
	       pool_is_resting(&p->slots) || pool_is_resting(&p->addrs6);
}

void planner_grace_begin(struct planner *p)
{
	p->front_waiting = p->front_resting;
	p->front_resting = false;
	p->any_port_waiting = p->any_port_resting;
	p->any_port_resting = false;
	pool_grace_begin(&p->ids);
	pool_grace_begin(&p->slots);
	pool_grace_begin(&p->addrs6);
}

void planner_grace_end(struct planner *p)
{
	p->front_waiting = false;
	p->any_port_waiting = false;
	pool_grace_end(&p->ids);
	pool_grace_end(&p->slots);
	pool_grace_end(&p->addrs6);
}

const struct plan_state *planner_state(const struct planner *p)
{
	return &p->have;
}

uint32_t planner_slots_used(const struct planner *p)
{
	return p->slots.used;
}

uint32_t planner_addrs6_used(const struct planner *p)
{
	return p->addrs6.used;
}
