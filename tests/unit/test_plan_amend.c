/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for what has changed makes the very writes that a plan for everything makes: two planners
 * go through random histories side by side, one told all and one told only the changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/plan_look.h"
#include "imitation.h"
#include "wishes.h"

#define HISTORIES 400
#define STEPS 60
#define ROUNDS_MAX 12 /* of grace periods until nothing is put off */

struct side {
	struct imitation maps;
	struct planner *planner;
};

/* What the second planner is to be told: what has changed, and what was not settled. */
struct news {
	bool told[WISHES_NAMES];
};

struct pair {
	struct side full, part;
	struct wishes wishes;
	struct news news;
	unsigned int seed, step;
	size_t writes, amended, left_out, deferred, refused;
};

/* --- the two plans are one -------------------------------------------------------------------- */

static bool same_payload(const struct plan_op *a, const struct plan_op *b)
{
	switch (a->kind) {
	case PLAN_CELLS:
		return a->n == b->n && memcmp(a->cells, b->cells, a->n * sizeof(*a->cells)) == 0;
	case PLAN_ADDR6:
		return memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
	case PLAN_RULES:
		return memcmp(a->rules, b->rules, sizeof(*a->rules)) == 0;
	case PLAN_FRONT_PUT:
	case PLAN_FRONT_DELETE:
		return memcmp(&a->key, &b->key, sizeof(a->key)) == 0;
	case PLAN_BACKEND_PUT:
		return memcmp(a->backend, b->backend, sizeof(*a->backend)) == 0;
	case PLAN_SERVICE_PUT:
		return streq(a->service->name, b->service->name) &&
		       memcmp(&a->service->info, &b->service->info, sizeof(a->service->info)) == 0;
	case PLAN_SERVICE_DELETE:
		return streq(a->service->name, b->service->name);
	case PLAN_BACKEND_DELETE:
	case PLAN_COUNTERS_ZERO:
		return true;
	case PLAN_LOAD_BORN:
	case PLAN_RUN:
	case PLAN_PREFIX4:
	case PLAN_PREFIX6:
		return a->word == b->word;
	}
	return false;
}

static void same_plans(const struct pair *p, const struct plan *full, const struct plan *part)
{
	for (size_t i = 0; i < MIN(full->ops.n, part->ops.n); i++) {
		const struct plan_op *a = &full->ops.list[i], *b = &part->ops.list[i];

		if (a->kind != b->kind || a->index != b->index || !same_payload(a, b))
			fail_msg("seed %u step %u: write %zu is of kind %d at %u, not %d at %u",
				 p->seed, p->step, i, b->kind, b->index, a->kind, a->index);
	}
	if (full->ops.n != part->ops.n)
		fail_msg("seed %u step %u: %zu writes, not %zu", p->seed, p->step, part->ops.n,
			 full->ops.n);
	if (full->deferred != part->deferred || full->refused.n != part->refused.n)
		fail_msg("seed %u step %u: deferred %d, refused %zu, not %d, %zu", p->seed, p->step,
			 part->deferred, part->refused.n, full->deferred, full->refused.n);
	for (size_t i = 0; i < full->refused.n; i++) {
		assert_string_equal(full->refused.list[i].name, part->refused.list[i].name);
		assert_int_equal(full->refused.list[i].error, part->refused.list[i].error);
	}
}

static void same_use(const struct pair *p)
{
	struct plan_use full = planner_use(p->full.planner), part = planner_use(p->part.planner);

	if (memcmp(&full, &part, sizeof(full)) != 0)
		fail_msg("seed %u step %u: the rows in use differ", p->seed, p->step);
	assert_int_equal(planner_wants_grace(p->full.planner),
			 planner_wants_grace(p->part.planner));
}

/* --- what is told ----------------------------------------------------------------------------- */

static struct table changes_of(const struct pair *p)
{
	struct wishes changed = p->wishes;

	for (size_t i = 0; i < WISHES_NAMES; i++)
		changed.by_name[i].there &= p->news.told[i];
	return wishes_table(&changed);
}

static size_t gone_of(const struct pair *p, const char *names[WISHES_NAMES])
{
	size_t n = 0;

	for (size_t i = 0; i < WISHES_NAMES; i++) {
		if (p->news.told[i] && !p->wishes.by_name[i].there)
			names[n++] = wishes_names[i];
	}
	return n;
}

static bool is_refused(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->refused.n; i++) {
		if (streq(plan->refused.list[i].name, name))
			return true;
	}
	return false;
}

static void note(struct pair *p, const struct plan *plan)
{
	for (size_t i = 0; i < WISHES_NAMES; i++) {
		p->left_out += !p->news.told[i] && p->wishes.by_name[i].there;
		p->news.told[i] = (plan->deferred && p->news.told[i]) ||
				  is_refused(plan, wishes_names[i]);
	}
	p->writes += plan->ops.n;
	p->deferred += plan->deferred;
	p->refused += plan->refused.n > 0;
	p->amended++;
}

/* --- histories -------------------------------------------------------------------------------- */

static void apply(struct side *s, const struct plan *plan)
{
	for (size_t i = 0; i < plan->ops.n; i++)
		imitation_apply(&s->maps, &plan->ops.list[i]);
}

/* Returns whether something is put off. */
static bool plan_both(struct pair *p)
{
	_cleanup_(table_done) struct table all = wishes_table(&p->wishes);
	_cleanup_(table_done) struct table changes = changes_of(p);
	_cleanup_(plan_done) struct plan full = { 0 }, part = { 0 };
	const char *names[WISHES_NAMES];
	struct plan_gone gone = { names, gone_of(p, names) };

	assert_int_equal(planner_make(p->full.planner, &all, &full), 0);
	assert_int_equal(planner_amend(p->part.planner, &changes, &gone, &part), 0);
	same_plans(p, &full, &part);
	same_use(p);
	apply(&p->full, &full);
	apply(&p->part, &part);
	note(p, &part);
	return part.deferred;
}

static void rest(struct side *s)
{
	planner_grace_begin(s->planner);
	imitation_grace_begin(&s->maps);
	planner_grace_end(s->planner);
	imitation_grace_end(&s->maps);
}

static void change(struct pair *p, unsigned int *seed)
{
	struct wishes before = p->wishes;
	bool waits = true;

	wishes_mutate(&p->wishes, seed, p->seed % 4 == 0);
	for (size_t i = 0; i < WISHES_NAMES; i++)
		p->news.told[i] |= wishes_differ(&before.by_name[i], &p->wishes.by_name[i]);
	(void)plan_both(p);
	if (wishes_below(seed, 3) == 0) /* the next news comes first */
		return;
	for (int round = 0; waits && round < ROUNDS_MAX; round++) {
		rest(&p->full);
		rest(&p->part);
		waits = plan_both(p);
	}
}

/* The first plan is of all: its services may be those that a start has found. */
static void side_begin(struct side *s, const struct table *want)
{
	_cleanup_(plan_done) struct plan plan = { 0 };

	imitation_init(&s->maps);
	s->planner = imitation_planner(&s->maps);
	assert_int_equal(planner_make(s->planner, want, &plan), 0);
	apply(s, &plan);
}

static void side_end(struct side *s)
{
	planner_free(s->planner);
	s->planner = NULL;
}

static void live(struct pair *p)
{
	_cleanup_(table_done) struct table none = { 0 };
	unsigned int seed = p->seed;

	p->wishes = (struct wishes){ 0 };
	p->news = (struct news){ 0 };
	side_begin(&p->full, &none);
	side_begin(&p->part, &none);
	for (p->step = 0; p->step < STEPS; p->step++)
		change(p, &seed);
	side_end(&p->full);
	side_end(&p->part);
}

static void what_changed_is_planned_as_everything_would_be(void **state)
{
	struct pair *p = *state;

	for (p->seed = 1; p->seed <= HISTORIES; p->seed++)
		live(p);
	/* or the test would have shown nothing */
	assert_true(p->writes > p->amended && p->left_out > p->amended);
	assert_true(p->deferred > HISTORIES && p->refused > HISTORIES);
	print_message("%zu plans, %zu writes, %zu services left out, %zu deferred, %zu refused\n",
		      p->amended, p->writes, p->left_out, p->deferred, p->refused);
}

static int begin(void **state)
{
	*state = calloc(1, sizeof(struct pair));
	return *state ? 0 : -1;
}

static int end(void **state)
{
	struct pair *p = *state;

	side_end(&p->full);
	side_end(&p->part);
	free(p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_changed_is_planned_as_everything_would_be,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
