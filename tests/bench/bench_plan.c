/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to plan a change, by how many services there are that do not change: crowds of
 * different sizes take turns. The maps are plain memory here; what writes cost, bench_writes tells.
 */
#include "base/util.h"
#include "core/plan.h"
#include "crowd.h"
#include "measure.h"
#include "playground.h"

#define BACKENDS 10
#define ROUNDS 200
#define WHOLE_ROUNDS 12

static const uint32_t sizes[] = { 100, 1000, 10000 };

#define SIZES ARRAY_SIZE(sizes)

/* So many services in force, one of which is changed at a time. */
struct crowd {
	struct table want;
	struct plan_memory memory;
	union shunt_cell *cells;
	struct shunt_policy *policies;
	struct planner *planner;
};

static const struct plan_limits limits = {
	.services = SHUNT_SERVICES_MAX,
	.slots = SHUNT_SLOTS_MAX,
	.addrs6 = SHUNT_ADDRS6_MAX,
	.backends = SHUNT_BACKENDS_MAX,
};

static void apply(struct crowd *c, const struct plan *plan)
{
	for (size_t i = 0; i < plan->ops.n; i++) {
		const struct plan_op *op = &plan->ops.list[i];

		if (op->kind == PLAN_CELLS)
			memcpy(&c->cells[op->index], op->cells, op->n * sizeof(*op->cells));
		else if (op->kind == PLAN_RULES)
			c->policies[op->index].rules = *op->rules;
	}
	planner_grace_begin(c->planner);
	planner_grace_end(c->planner);
}

static uint64_t make(struct crowd *c)
{
	_cleanup_(plan_done) struct plan plan = { 0 };
	uint64_t begun = measure_cpu_ns(), taken;

	require(planner_make(c->planner, &c->want, &plan) == 0);
	taken = measure_cpu_ns() - begun;
	apply(c, &plan);
	return taken;
}

static uint64_t amend(struct crowd *c, const struct table *want, const struct plan_gone *gone)
{
	_cleanup_(plan_done) struct plan plan = { 0 };
	uint64_t begun = measure_cpu_ns(), taken;

	require(planner_amend(c->planner, want, gone, &plan) == 0);
	taken = measure_cpu_ns() - begun;
	require(plan.ops.n > 0 && !plan.deferred);
	apply(c, &plan);
	return taken;
}

static void crowd_begin(struct crowd *c, uint32_t size)
{
	struct plan_state nothing = { 0 };

	c->cells = calloc(limits.slots, sizeof(*c->cells));
	c->policies = calloc(limits.services, sizeof(*c->policies));
	require(c->cells && c->policies);
	c->memory = (struct plan_memory){ .cells = c->cells, .policies = c->policies };
	crowd_add(&c->want, size, BACKENDS, PROTOCOL_TCP, 0);
	table_sort(&c->want);
	require(planner_new(&limits, &c->memory, &nothing, &c->planner) == 0);
	(void)make(c);
}

static void crowd_end(struct crowd *c)
{
	planner_free(c->planner);
	table_done(&c->want);
	free(c->cells);
	free(c->policies);
}

/* --- the changes ------------------------------------------------------------------------------ */

static double replace_us(struct crowd *c, int round)
{
	struct table_service *changed = &c->want.services[(size_t)round * 7919 % c->want.n];
	const struct table want = { changed, 1, 1 };

	crowd_replace(changed, BACKENDS - 1, (uint32_t)round);
	return (double)amend(c, &want, &(struct plan_gone){ 0 }) / 1e3;
}

/* The service goes, and comes again. */
static double succeed_us(struct crowd *c, int round)
{
	struct table_service *changed = &c->want.services[(size_t)round * 7919 % c->want.n];
	const struct table want = { changed, 1, 1 }, nothing = { 0 };
	const char *name = changed->name;
	uint64_t ns = amend(c, &nothing, &(struct plan_gone){ &name, 1 });

	return (double)(ns + amend(c, &want, &(struct plan_gone){ 0 })) / 1e3;
}

static void bench_change(struct crowd crowds[SIZES], const char *title,
			 double (*change_us)(struct crowd *, int))
{
	static const char *const words[SIZES] = { "of 100 services", "of 1,000", "of 10,000" };
	const struct measure_table table = { title, "us of CPU", RELATION_RATIO, "to 100", 2 };
	struct measure rows[SIZES] = { 0 };
	int rounds = measure_rounds(ROUNDS);

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < SIZES; i++)
			measure_add(&rows[i], change_us(&crowds[i], round));
	}
	for (size_t i = 0; i < SIZES; i++) {
		rows[i].what = words[i];
		rows[i].base = i > 0 ? &rows[0] : NULL;
	}
	measure_print_table(&table, rows, SIZES);
}

static void bench_whole(struct crowd *c)
{
	const struct measure_table table = { "planning all of 10,000 services, though one changes",
					     "ms of CPU", RELATION_NONE, NULL, 2 };
	struct measure row = { .what = "as a start does, and a reload" };
	int rounds = measure_rounds(WHOLE_ROUNDS);

	for (int round = 0; round < rounds; round++) {
		crowd_replace(&c->want.services[round], BACKENDS - 1, 1000 + (uint32_t)round);
		measure_add(&row, (double)make(c) / 1e6);
	}
	measure_print_table(&table, &row, 1);
}

int main(void)
{
	struct crowd crowds[SIZES] = { 0 };

	for (size_t i = 0; i < SIZES; i++)
		crowd_begin(&crowds[i], sizes[i]);
	bench_change(crowds, "planning a change of one backend", replace_us);
	bench_whole(&crowds[SIZES - 1]);
	bench_change(crowds, "planning that a service goes, and that it comes", succeed_us);
	bench_whole(&crowds[SIZES - 1]);
	for (size_t i = 0; i < SIZES; i++)
		crowd_end(&crowds[i]);
	return 0;
}
