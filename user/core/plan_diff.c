/* SPDX-License-Identifier: Apache-2.0 */
/* The writes from one state of the rows to the next, in the order that core/plan.h promises. */
#include "core/plan_internal.h"

#include <errno.h>

static int word_add(struct plan *plan, enum plan_op_kind kind, uint32_t index, uint64_t word)
{
	struct plan_op *op = plan_add(plan, kind, index);

	if (!op)
		return -ENOMEM;
	op->word = word;
	return 0;
}

/* --- runs: the cells of new ones, the stores, what goes --------------------------------------- */

static int cells_add(const struct decisions *decisions, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < decisions->n && r == 0; i++) {
		const struct decision *d = &decisions->list[i];

		if (d->writes_run && !d->kept)
			r = plan_run_write(d, plan);
	}
	return r;
}

static int born_add(const struct planner *p, const struct decisions *decisions, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < decisions->n && r == 0; i++) {
		if (!decisions->list[i].kept)
			r = plan_backends_born(p, &decisions->list[i], plan);
	}
	return r;
}

static struct shunt_rules rules_of(const struct table_service *want)
{
	struct shunt_rules rules = want->rules;

	rules.backends = 0;
	for (size_t i = 0; i < want->n_backends; i++)
		rules.backends += want->backends[i].share > 0;
	return rules;
}

static int rules_add(const struct planner *p, const struct decisions *decisions, struct plan *plan)
{
	for (size_t i = 0; i < decisions->n; i++) {
		const struct decision *d = &decisions->list[i];
		struct shunt_rules rules = rules_of(d->want);
		struct plan_op *op;

		if (d->kept || memcmp(&p->memory.policies[d->id].rules, &rules, sizeof(rules)) == 0)
			continue;
		op = plan_add(plan, PLAN_RULES, d->id);
		if (!op)
			return -ENOMEM;
		op->rules = malloc(sizeof(rules));
		if (!op->rules)
			return -ENOMEM;
		*op->rules = rules;
	}
	return 0;
}

static int counters_add(const struct decisions *decisions, struct plan *plan)
{
	for (size_t i = 0; i < decisions->n; i++) {
		const struct decision *d = &decisions->list[i];

		if (d->kept || !(d->is_new || d->renamed))
			continue;
		if (!plan_add(plan, PLAN_COUNTERS_ZERO, d->id))
			return -ENOMEM;
	}
	return 0;
}

static void run_release(struct planner *p, shunt_run run)
{
	uint32_t base = SHUNT_RUN_BASE(run), count6 = SHUNT_RUN_COUNT6(run);
	uint32_t first6 = base + 1 + SHUNT_RUN_COUNT4(run);

	if (run == 0)
		return;
	pool_release(&p->slots, base, 1 + SHUNT_RUN_COUNT4(run) + count6);
	if (count6 > 0)
		pool_release(&p->addrs6, p->memory.cells[first6].slot.address, count6);
}

static int runs_add(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	for (size_t i = 0; i < next->runs.n; i++) {
		const struct plan_run *now = &next->runs.list[i];
		const struct plan_run *old = plan_state_run(&p->have, now->service_id);

		if (old && old->run == now->run)
			continue;
		if (word_add(plan, PLAN_RUN, now->service_id, now->run) < 0)
			return -ENOMEM;
		if (old)
			run_release(p, old->run);
	}
	return 0;
}

static void id_mark(struct planner *p, uint32_t id, bool taken)
{
	if (id > 0 && id < p->limits.services)
		p->known[id].taken = taken;
}

/* The ids that the rows name. */
static void ids_mark(struct planner *p, const struct plan_state *s, bool taken)
{
	for (size_t i = 0; i < s->runs.n; i++)
		id_mark(p, s->runs.list[i].service_id, taken);
	for (size_t i = 0; i < s->services.n; i++)
		id_mark(p, s->services.list[i].info.id, taken);
	for (size_t i = 0; i < s->fronts.n; i++)
		id_mark(p, s->fronts.list[i].service_id, taken);
}

/* Unless it is marked: then it is there still, or has been removed already. */
static int id_remove(struct planner *p, uint32_t id, struct plan *plan)
{
	const struct plan_run *run = plan_state_run(&p->have, id);

	if (id == 0 || id >= p->limits.services || p->known[id].taken)
		return 0;
	id_mark(p, id, true);
	if (run && word_add(plan, PLAN_RUN, id, 0) < 0)
		return -ENOMEM;
	if (run)
		run_release(p, run->run);
	pool_release(&p->ids, id, 1);
	return 0;
}

static int ids_remove(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	const struct plan_state *have = &p->have;
	int r = 0;

	ids_mark(p, next, true);
	for (size_t i = 0; i < have->runs.n && r == 0; i++)
		r = id_remove(p, have->runs.list[i].service_id, plan);
	for (size_t i = 0; i < have->services.n && r == 0; i++)
		r = id_remove(p, have->services.list[i].info.id, plan);
	for (size_t i = 0; i < have->fronts.n && r == 0; i++)
		r = id_remove(p, have->fronts.list[i].service_id, plan);
	ids_mark(p, next, false);
	ids_mark(p, have, false);
	return r;
}

/* --- backends and services: rows for people --------------------------------------------------- */

static int backends_put(const struct planner *p, const struct plan_state *next, struct plan *plan)
{
	const struct plan_state *have = &p->have;
	size_t at = 0;

	for (size_t i = 0; i < next->backends.n; i++) {
		const struct plan_backend *now = &next->backends.list[i];
		struct plan_op *op;

		while (at < have->backends.n &&
		       plan_backend_compare(&have->backends.list[at], now) < 0)
			at++;
		if (at < have->backends.n &&
		    plan_backend_compare(&have->backends.list[at], now) == 0 &&
		    memcmp(&have->backends.list[at].info, &now->info, sizeof(now->info)) == 0)
			continue;
		op = plan_add(plan, PLAN_BACKEND_PUT, now->id);
		if (!op)
			return -ENOMEM;
		op->backend = &now->info;
	}
	return 0;
}

static int backends_delete(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	const struct plan_state *have = &p->have;
	size_t at = 0;

	for (size_t i = 0; i < have->backends.n; i++) {
		const struct plan_backend *old = &have->backends.list[i];

		while (at < next->backends.n &&
		       plan_backend_compare(&next->backends.list[at], old) < 0)
			at++;
		if (at < next->backends.n &&
		    plan_backend_compare(&next->backends.list[at], old) == 0)
			continue;
		if (!plan_add(plan, PLAN_BACKEND_DELETE, old->id))
			return -ENOMEM;
		pool_release(&p->backend_ids, old->id, 1);
	}
	return 0;
}

static int service_add(struct plan *plan, enum plan_op_kind kind, const struct plan_service *row)
{
	struct plan_op *op = plan_add(plan, kind, row->info.id);

	if (!op)
		return -ENOMEM;
	op->service = row;
	return 0;
}

static const struct plan_service *service_find(const struct plan_state *s,
					       const struct plan_service *row)
{
	if (s->services.n == 0)
		return NULL;
	return bsearch(row, s->services.list, s->services.n, sizeof(*row), plan_service_compare);
}

/* Of services whose name nobody had, or of the others. */
static int services_put(const struct planner *p, const struct plan_state *next, bool new_names,
			struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < next->services.n && r == 0; i++) {
		const struct plan_service *now = &next->services.list[i];
		const struct plan_service *old = service_find(&p->have, now);

		if (new_names ? !old
			      : old && memcmp(&old->info, &now->info, sizeof(now->info)) != 0)
			r = service_add(plan, PLAN_SERVICE_PUT, now);
	}
	return r;
}

static int services_delete(const struct planner *p, const struct plan_state *next,
			   struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < p->have.services.n && r == 0; i++) {
		const struct plan_service *old = &p->have.services.list[i];

		if (!service_find(next, old))
			r = service_add(plan, PLAN_SERVICE_DELETE, old);
	}
	return r;
}

/* One family's words: with `clear` to what is to be, else to what is to be and what has been. */
static int prefix_words(struct plan *plan, enum plan_op_kind kind, const uint64_t *old,
			const uint64_t *now, bool clear)
{
	int r = 0;

	for (uint32_t i = 0; i < SHUNT_PREFIX_WORDS && r == 0; i++) {
		uint64_t both = old[i] | now[i];

		if (clear ? both != now[i] : both != old[i])
			r = word_add(plan, kind, i, clear ? now[i] : both);
	}
	return r;
}

/* From what is written to what the book says, if that is not the same as before. */
static int prefixes_add(const struct planner *p, bool clear, struct plan *plan)
{
	const struct plan_state *have = &p->have;
	const struct plan_book *book = &p->book;
	int r;

	if (!book->prefixes_changed)
		return 0;
	r = prefix_words(plan, PLAN_PREFIX4, have->prefixes4, book->prefixes4, clear);
	return r < 0 ? r
		     : prefix_words(plan, PLAN_PREFIX6, have->prefixes6, book->prefixes6, clear);
}

/* What makes services appear or change: from the runs on it is in force. */
static int publish(struct planner *p, const struct decisions *decisions,
		   const struct plan_state *next, struct plan *plan)
{
	int r = cells_add(decisions, plan);

	if (r == 0)
		r = born_add(p, decisions, plan);
	if (r == 0)
		r = counters_add(decisions, plan);
	if (r == 0)
		r = rules_add(p, decisions, plan);
	if (r == 0)
		r = services_put(p, next, true, plan);
	if (r == 0)
		r = runs_add(p, next, plan);
	if (r == 0)
		r = prefixes_add(p, false, plan);
	if (r == 0)
		r = plan_fronts_put(p, next, plan);
	return r;
}

/* What takes the rest away. */
static int withdraw(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	int r = plan_fronts_delete(p, next, plan);

	if (r == 0)
		r = prefixes_add(p, true, plan);
	if (r == 0)
		r = ids_remove(p, next, plan);
	return r;
}

/* What tells people, and a next start, of it: no row goes before the one that takes its place. */
static int record(struct planner *p, const struct plan_state *next, struct plan *plan)
{
	int r = backends_put(p, next, plan);

	if (r == 0)
		r = services_put(p, next, false, plan);
	if (r == 0)
		r = services_delete(p, next, plan);
	if (r == 0)
		r = backends_delete(p, next, plan);
	return r;
}

int plan_diff(struct planner *p, const struct decisions *decisions, struct plan_state *next,
	      struct plan *plan)
{
	int r = plan_fronts_settle(p, next, plan);

	if (r == 0)
		r = publish(p, decisions, next, plan);
	if (r == 0)
		r = withdraw(p, next, plan);
	if (r == 0)
		r = record(p, next, plan);
	return r;
}
