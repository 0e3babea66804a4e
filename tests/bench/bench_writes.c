/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to bring a change into the maps: the stores into mappings, all that is written
 * until the change is in force, and the rows for people; beside the system calls that others use.
 */
#include "base/util.h"
#include "crowd.h"
#include "map_writes.h"
#include "measure.h"
#include "playground.h"

#define SERVICES 10000
#define BACKENDS 10
#define LARGE 1000 /* backends of the service that is rewritten whole */
#define LOADS 12   /* rounds of either */
#define CHANGES 80

enum part {
	PART_STORES,   /* every write by mapping, whatever its place in the plan */
	PART_IN_FORCE, /* all writes up to the last one that a connect() sees */
	PART_ROWS,     /* the rest of PART_STORES */
	PART_PLAN,     /* making the plan: not a write */
	PARTS,
};

struct change {
	const char *title, *unit;
	double unit_ns, bar;
	clock_fn *clock;
	bool amends; /* the plan is told only what changes */
	struct measure parts[PARTS];
};

/* --- the parts of a plan ---------------------------------------------------------------------- */

static bool is_for_people(const struct plan_op *op)
{
	return op->kind == PLAN_BACKEND_PUT || op->kind == PLAN_BACKEND_DELETE ||
	       op->kind == PLAN_SERVICE_PUT || op->kind == PLAN_SERVICE_DELETE;
}

static bool is_seen(const struct plan_op *op)
{
	return op->kind == PLAN_RUN || op->kind == PLAN_FRONT_PUT;
}

/* How many writes it takes until all is in force. */
static size_t count_until_in_force(const struct plan *plan)
{
	size_t n = plan->ops.n;

	while (n > 0 && !is_seen(&plan->ops.list[n - 1]))
		n--;
	return n;
}

/* Puts the rows for people behind everything else, in the same order; how many come before them. */
static size_t put_rows_last(struct plan *plan)
{
	struct plan_op *sorted = calloc(plan->ops.n + 1, sizeof(*sorted));
	size_t n = 0, stores;

	require(sorted);
	for (size_t i = 0; i < plan->ops.n; i++) {
		if (!is_for_people(&plan->ops.list[i]))
			sorted[n++] = plan->ops.list[i];
	}
	stores = n;
	for (size_t i = 0; i < plan->ops.n; i++) {
		if (is_for_people(&plan->ops.list[i]))
			sorted[n++] = plan->ops.list[i];
	}
	free(plan->ops.list);
	plan->ops.list = sorted;
	return stores;
}

static void apply_part(struct agent *a, const struct plan *plan, size_t from, size_t to)
{
	const struct plan part = { .ops = { plan->ops.list + from, to - from, to - from } };

	require(dataplane_apply(a->dataplane, &part) == 0);
}

static void add(struct change *c, enum part part, uint64_t ns)
{
	measure_add(&c->parts[part], (double)ns / c->unit_ns);
}

/* Odd rounds measure the plan in its own order, even ones by what is written. */
static void change_to(struct agent *a, const struct table *want, struct change *c, int round)
{
	_cleanup_(plan_done) struct plan plan = { 0 };
	uint64_t begun, planned, first, rest;
	size_t split;

	begun = c->clock();
	if (c->amends)
		require(planner_amend(a->planner, want, &(struct plan_gone){ 0 }, &plan) == 0);
	else
		require(planner_make(a->planner, want, &plan) == 0);
	add(c, PART_PLAN, c->clock() - begun);
	require(!plan.deferred && plan.refused.n == 0);
	split = round % 2 ? count_until_in_force(&plan) : put_rows_last(&plan);
	planned = c->clock();
	apply_part(a, &plan, 0, split);
	first = c->clock();
	apply_part(a, &plan, split, plan.ops.n);
	rest = c->clock();
	add(c, round % 2 ? PART_IN_FORCE : PART_STORES, first - planned);
	if (round % 2 == 0)
		add(c, PART_ROWS, rest - first);
	agent_grace(a);
}

/* --- the alternatives ------------------------------------------------------------------------- */

enum alternative {
	HASH_ONE_BY_ONE,
	HASH_IN_BATCH,
	ARRAY_ONE_BY_ONE,
	ARRAY_IN_BATCH,
	INNER_MAP,
	ALTERNATIVES,
};

static void measure_alternatives(struct measure *rows, const struct change *c, uint32_t n)
{
	const uint64_t ns[ALTERNATIVES] = {
		[HASH_ONE_BY_ONE] = map_writes_ns(MAP_KIND_HASH, false, n, c->clock),
		[HASH_IN_BATCH] = map_writes_ns(MAP_KIND_HASH, true, n, c->clock),
		[ARRAY_ONE_BY_ONE] = map_writes_ns(MAP_KIND_ARRAY, false, n, c->clock),
		[ARRAY_IN_BATCH] = map_writes_ns(MAP_KIND_ARRAY, true, n, c->clock),
		[INNER_MAP] = map_writes_inner_ns(n, c->clock),
	};

	for (size_t i = 0; i < ALTERNATIVES; i++)
		measure_add(&rows[i], (double)ns[i] / c->unit_ns);
}

static void print_all(struct change *c, struct measure *alternatives)
{
	static const char *const words[PARTS] = {
		[PART_STORES] = "stores by mapping",
		[PART_IN_FORCE] = "all writes until it is in force",
		[PART_ROWS] = "the rows for people",
		[PART_PLAN] = "making the plan",
	};
	static const char *const others[ALTERNATIVES] = {
		[HASH_ONE_BY_ONE] = "instead: so many rows into a kernel hash, one by one",
		[HASH_IN_BATCH] = "instead: into a kernel hash, in one batch",
		[ARRAY_ONE_BY_ONE] = "instead: into an array, one by one",
		[ARRAY_IN_BATCH] = "instead: into an array, in one batch",
		[INNER_MAP] =
			"instead: a filled inner map put in place; it waits for a grace period",
	};
	const struct measure_table table = { c->title, c->unit, RELATION_NONE, NULL, 2 };

	measure_print_head(&table);
	c->parts[PART_STORES].bar = c->bar;
	for (size_t i = 0; i < PARTS; i++) {
		c->parts[i].what = words[i];
		measure_print(&table, &c->parts[i]);
	}
	for (size_t i = 0; i < ALTERNATIVES; i++) {
		alternatives[i].what = others[i];
		measure_print(&table, &alternatives[i]);
	}
}

/* --- the changes ------------------------------------------------------------------------------ */

static void bench_load(struct agent *a)
{
	struct change load = {
		.title = "10,000 services x 10 backends from a plan into the maps",
		.unit = "ms of CPU",
		.unit_ns = 1e6,
		.bar = 10,
		.clock = measure_cpu_ns,
	};
	struct measure alternatives[ALTERNATIVES] = { 0 };
	int rounds = measure_rounds(LOADS);

	for (int round = 0; round < rounds; round++) {
		_cleanup_(table_done) struct table want = { 0 };

		agent_become(a, (struct table){ 0 });
		agent_grace(a);
		crowd_add(&want, SERVICES, BACKENDS, PROTOCOL_TCP, (uint32_t)round);
		table_sort(&want);
		change_to(a, &want, &load, round);
		measure_alternatives(alternatives, &load, SERVICES * BACKENDS);
	}
	print_all(&load, alternatives);
}

static void bench_one_backend(struct agent *a)
{
	struct change one = {
		.title = "one backend changed among 100,000",
		.unit = "us",
		.unit_ns = 1e3,
		.bar = 1,
		.clock = measure_now_ns,
		.amends = true,
	};
	struct measure alternatives[ALTERNATIVES] = { 0 };
	_cleanup_(table_done) struct table want = { 0 };
	int rounds = measure_rounds(CHANGES);

	crowd_add(&want, SERVICES, BACKENDS, PROTOCOL_TCP, 0);
	table_sort(&want);
	agent_make(a, &want);
	agent_grace(a);
	for (int round = 0; round < rounds; round++) {
		struct table_service *changed = &want.services[(round * 1237) % SERVICES];
		struct table of_it = { changed, 1, 1 };

		crowd_replace(changed, 5, (uint32_t)round);
		table_sort(&of_it);
		change_to(a, &of_it, &one, round);
		measure_alternatives(alternatives, &one, 1);
	}
	print_all(&one, alternatives);
}

static void bench_large_service(struct agent *a)
{
	struct change whole = {
		.title = "a service of 1,000 backends rewritten",
		.unit = "us",
		.unit_ns = 1e3,
		.bar = 2,
		.clock = measure_now_ns,
	};
	struct measure alternatives[ALTERNATIVES] = { 0 };
	int rounds = measure_rounds(CHANGES);

	agent_become(a, (struct table){ 0 });
	agent_grace(a);
	for (int round = 0; round < rounds; round++) {
		_cleanup_(table_done) struct table want = { 0 };

		crowd_add(&want, 1, LARGE, PROTOCOL_TCP, (uint32_t)round % 30);
		table_sort(&want);
		change_to(a, &want, &whole, round);
		measure_alternatives(alternatives, &whole, LARGE);
	}
	print_all(&whole, alternatives);
}

static void bench_graces(struct agent *a)
{
	const struct measure_table table = { "between the changes, off the loop", "us",
					     RELATION_NONE, NULL, 2 };
	struct measure grace = { .what = "a grace period" };
	int rounds = measure_rounds(CHANGES);

	for (int round = 0; round < rounds; round++) {
		uint64_t begun = measure_now_ns();

		require(dataplane_wait_grace(a->dataplane) == 0);
		measure_add(&grace, (double)(measure_now_ns() - begun) / 1e3);
	}
	measure_print_table(&table, &grace, 1);
}

int main(void)
{
	_cleanup_free_ char *inside = NULL;
	struct agent a;

	playground_enter();
	inside = playground_make_cgroup("inside");
	agent_init(&a);
	a.options.cgroup = inside;
	if (agent_start(&a) < 0)
		diag_print(&a.problems, "bench: ", stderr);
	require(a.error == 0);
	bench_one_backend(&a);
	bench_large_service(&a);
	bench_load(&a);
	bench_graces(&a);
	agent_end(&a);
	playground_leave();
	return 0;
}
