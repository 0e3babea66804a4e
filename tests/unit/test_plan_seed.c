/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start takes for in force where an agent has died between a run and its rows. That it is
 * always one of two whole sets, tests/unit/test_plan_random.c tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "imitation.h"
#include "wanted.h"

struct bench {
	struct imitation maps;
	struct planner *planner;
};

static int begin(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	imitation_init(&b->maps);
	b->planner = imitation_planner(&b->maps);
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	planner_free(b->planner);
	free(b);
	return 0;
}

/* Applies the plan up to the first write of this kind, or after it; frees the table. */
static void become_until(struct bench *b, struct table want, int last)
{
	_cleanup_(plan_done) struct plan plan = { 0 };

	assert_int_equal(planner_make(b->planner, &want, &plan), 0);
	for (size_t i = 0; i < plan.ops.n; i++) {
		imitation_apply(&b->maps, &plan.ops.list[i]);
		if ((int)plan.ops.list[i].kind == last)
			break;
	}
	table_done(&want);
}

static void become(struct bench *b, struct table want)
{
	become_until(b, want, -1);
}

/* Compares with "ip:port[*weight] ..." */
static void seed_is(const struct bench *b, const char *name, const char *backends)
{
	_cleanup_(table_done) struct table wanted =
		WANTED({ name, "127.254.0.1:80", PROTOCOL_TCP, backends });
	struct table_service seed = imitation_seed(&b->maps, name);
	const struct table_service *want = &wanted.services[0];

	assert_int_equal(seed.n_backends, want->n_backends);
	for (size_t i = 0; i < seed.n_backends; i++) {
		const struct endpoint *e = &seed.backends[i].endpoint;

		assert_int_equal(addr_port_compare(&e->at, &want->backends[i].endpoint.at), 0);
		assert_int_equal(e->weight, want->backends[i].endpoint.weight);
	}
	free(seed.backends);
}

#define ONE(backends) WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, backends })

static void rows_tell_what_the_slots_do_not(void **state)
{
	struct table want = ONE("10.0.0.1:3000*2 10.0.0.2:3000*5 [2001:db8::1]:3000");
	struct bench *b = *state;

	want.services[0].backends[1].share = 0;
	become(b, want);
	seed_is(b, "a", "10.0.0.1:3000*2 10.0.0.2:3000*5 [2001:db8::1]:3000");
}

static void a_run_counts_before_its_rows_are_there(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000 10.0.0.2:3000*2"));
	become_until(b, ONE("10.0.0.2:3000*2 10.0.0.3:3000 [2001:db8::1]:3000"), PLAN_RUN);
	seed_is(b, "a", "10.0.0.2:3000*2 10.0.0.3:3000 [2001:db8::1]:3000");
}

static void a_removed_backend_does_not_come_back_with_its_row(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000 10.0.0.2:3000"));
	become_until(b, ONE("10.0.0.2:3000"), PLAN_RUN);
	seed_is(b, "a", "10.0.0.2:3000");
	assert_int_equal(b->maps.n_backends, 2);
}

static void a_new_service_is_known_by_name_when_it_comes_into_force(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000"));
	become_until(b,
		     WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			    { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000 10.0.0.3:3000" }),
		     PLAN_RUN);
	seed_is(b, "b", "10.0.0.2:3000 10.0.0.3:3000");
}

static void a_new_service_that_did_not_come_into_force_is_empty(void **state)
{
	struct bench *b = *state;

	become_until(b, ONE("10.0.0.1:3000"), PLAN_SERVICE_PUT);
	seed_is(b, "a", "");
}

/* Their ids change hands: neither may take the other's run, or the other's rows, for its own. */
static void services_that_swap_addresses_keep_to_their_own(void **state)
{
	struct bench *b = *state;
	_cleanup_(plan_done) struct plan plan = { 0 };
	_cleanup_(table_done) struct table want =
		WANTED({ "a", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.1:3000" },
		       { "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" });

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	assert_int_equal(planner_make(b->planner, &want, &plan), 0);
	for (size_t i = 0; i < plan.ops.n; i++) {
		imitation_apply(&b->maps, &plan.ops.list[i]);
		seed_is(b, "a", "10.0.0.1:3000");
		seed_is(b, "b", "10.0.0.2:3000");
	}
}

static void a_run_that_cannot_be_one_is_not_followed(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000"));
	b->maps.runs[1] = SHUNT_RUN(IMITATION_CELLS - 1, 5, 0);
	seed_is(b, "a", "10.0.0.1:3000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_tell_what_the_slots_do_not),
		TEST(a_run_counts_before_its_rows_are_there),
		TEST(a_removed_backend_does_not_come_back_with_its_row),
		TEST(a_new_service_is_known_by_name_when_it_comes_into_force),
		TEST(a_new_service_that_did_not_come_into_force_is_empty),
		TEST(services_that_swap_addresses_keep_to_their_own),
		TEST(a_run_that_cannot_be_one_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
