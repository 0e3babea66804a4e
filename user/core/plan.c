/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan_internal.h"

#include <assert.h>
#include <errno.h>

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->ops.n; i++) {
		struct plan_op *op = &p->ops.list[i];

		if (op->kind == PLAN_CELLS)
			free(op->cells);
		else if (op->kind == PLAN_RULES)
			free(op->rules);
	}
	free(p->ops.list);
	free(p->backends);
	free(p->services);
	free(p->gone);
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
	plan_book_done(&p->book);
	free(p->known);
	pool_done(&p->ids);
	pool_done(&p->slots);
	pool_done(&p->addrs6);
	pool_done(&p->backend_ids);
	free(p);
}

int planner_new(const struct plan_limits *limits, const struct plan_memory *memory,
		struct plan_state *have, struct planner **ret)
{
	_cleanup_(planner_free_p) struct planner *p = calloc(1, sizeof(*p));
	int r;

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
	p->known = calloc(limits->services, sizeof(*p->known));
	if (!p->known || plan_book_init(&p->book, limits->services) < 0)
		return -ENOMEM;
	p->is_new = true;
	p->book.prefixes_changed = true; /* whatever bits a start has found */
	p->have = *have;
	*have = (struct plan_state){ 0 };
	plan_state_sort(&p->have);
	r = plan_claim(p);
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

/* I8: a service gets all it needs, or stays as it is. */
static int decide(struct planner *p, struct decision *d, struct plan *plan)
{
	int r = plan_backends_decide(p, d);

	if (r == 0) {
		r = plan_run_decide(p, d);
		if (r < 0)
			plan_backends_undo(p, d);
	}
	if (r == 0 || r == -ENOMEM)
		return r;
	d->kept = true;
	if (d->is_new)
		pool_untake(&p->ids, d->id, 1);
	if (r == -EAGAIN) {
		plan->deferred = true;
		return 0;
	}
	return plan_refuse(plan, d->want->name, r);
}

/* The rows have been written down; what the programs read stays. */
static void view_end(struct planner *p)
{
	plan_state_done(&p->have);
	if (p->book.prefixes_changed) {
		memcpy(p->have.prefixes4, p->book.prefixes4, sizeof(p->have.prefixes4));
		memcpy(p->have.prefixes6, p->book.prefixes6, sizeof(p->have.prefixes6));
	}
	p->book.prefixes_changed = false;
	p->is_new = false;
}

/* From p->have. */
static int make(struct planner *p, const struct table *want, struct plan *ret)
{
	_cleanup_(decisions_done) struct decisions decisions = { 0 };
	_cleanup_(plan_state_done) struct plan_state next = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	int r = plan_match(p, want, &decisions, &plan);

	for (size_t i = 0; i < decisions.n && r == 0; i++) {
		if (!decisions.list[i].kept)
			r = decide(p, &decisions.list[i], &plan);
	}
	if (r == 0)
		r = plan_rows(p, &decisions, &next);
	if (r == 0)
		r = plan_diff(p, &decisions, &next, &plan);
	if (r == 0)
		r = plan_book_replace(&p->book, &p->have, &next);
	if (r < 0)
		return r;
	if (plan.refused.n > 0 && planner_wants_grace(p)) /* there may be room then */
		plan.deferred = true;
	plan.backends = TAKE_PTR(next.backends.list);
	plan.services = TAKE_PTR(next.services.list);
	plan.gone = TAKE_PTR(p->have.services.list);
	view_end(p);
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

int planner_make(struct planner *p, const struct table *want, struct plan *ret)
{
	int r = p->is_new ? 0 : plan_view_all(p);

	return r < 0 ? r : make(p, want, ret);
}

int planner_amend(struct planner *p, const struct table *want, const struct plan_gone *gone,
		  struct plan *ret)
{
	int r;

	assert(!p->is_new);
	r = plan_view_some(p, want, gone);
	return r < 0 ? r : make(p, want, ret);
}

bool planner_wants_grace(const struct planner *p)
{
	return p->front_resting || p->any_port_resting || pool_is_resting(&p->ids) ||
	       pool_is_resting(&p->slots) || pool_is_resting(&p->addrs6) ||
	       pool_is_resting(&p->backend_ids);
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
	pool_grace_begin(&p->backend_ids);
}

void planner_grace_end(struct planner *p)
{
	p->front_waiting = false;
	p->any_port_waiting = false;
	pool_grace_end(&p->ids);
	pool_grace_end(&p->slots);
	pool_grace_end(&p->addrs6);
	pool_grace_end(&p->backend_ids);
}
