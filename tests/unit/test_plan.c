/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the planner one by one; tests/unit/test_plan_random.c tries them all together. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "imitation.h"
#include "wanted.h"

struct bench {
	struct imitation maps;
	struct planner *planner;
	struct plan plan; /* the last one */
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

	plan_done(&b->plan);
	planner_free(b->planner);
	free(b);
	return 0;
}

/* Plans and applies; frees the table. */
static void become(struct bench *b, struct table want)
{
	plan_done(&b->plan);
	assert_int_equal(planner_make(b->planner, &want, &b->plan), 0);
	for (size_t i = 0; i < b->plan.ops.n; i++)
		imitation_apply(&b->maps, &b->plan.ops.list[i]);
	table_done(&want);
}

static void rest(struct bench *b)
{
	planner_grace_begin(b->planner);
	imitation_grace_begin(&b->maps);
	planner_grace_end(b->planner);
	imitation_grace_end(&b->maps);
}

static size_t count(const struct bench *b, enum plan_op_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < b->plan.ops.n; i++)
		n += b->plan.ops.list[i].kind == kind;
	return n;
}

static uint32_t id_at(const struct bench *b, const char *vip, uint8_t protocol)
{
	struct addr_port to = wanted_address(vip);

	return imitation_find(&b->maps, &to, protocol);
}

static uint32_t row_id(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < b->maps.n_services; i++) {
		if (streq(b->maps.services[i].name, name))
			return b->maps.services[i].info.id;
	}
	return 0;
}

static uint32_t backend_id(const struct bench *b, const char *at)
{
	struct addr_port wanted = wanted_address(at);

	for (size_t i = 0; i < b->maps.n_backends; i++) {
		const struct shunt_backend *info = &b->maps.backends[i].info;

		if (memcmp(info->ipv4, wanted.addr.octets + 12, 4) == 0 &&
		    info->port == wanted.port)
			return b->maps.backends[i].id;
	}
	return 0;
}

static void is_refused(const struct bench *b, const char *name, int error)
{
	assert_int_equal(b->plan.refused.n, 1);
	assert_string_equal(b->plan.refused.list[0].name, name);
	assert_int_equal(b->plan.refused.list[0].error, error);
}

#define ONE(backends) WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, backends })

static void are_kinds(const struct bench *b, const enum plan_op_kind *wanted, size_t n)
{
	assert_int_equal(b->plan.ops.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b->plan.ops.list[i].kind, wanted[i]);
}

static void a_new_service_becomes_reachable_last(void **state)
{
	static const enum plan_op_kind wanted[] = {
		PLAN_ADDR6, PLAN_CELLS,	  PLAN_COUNTERS_ZERO, PLAN_RULES,	PLAN_SERVICE_PUT,
		PLAN_RUN,   PLAN_PREFIX4, PLAN_FRONT_PUT,     PLAN_BACKEND_PUT, PLAN_BACKEND_PUT,
	};
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000 [2001:db8::1]:3000"));
	are_kinds(b, wanted, ARRAY_SIZE(wanted));
}

static void a_service_that_goes_is_unreachable_first(void **state)
{
	static const enum plan_op_kind wanted[] = {
		PLAN_FRONT_DELETE, PLAN_PREFIX4, PLAN_RUN, PLAN_SERVICE_DELETE, PLAN_BACKEND_DELETE,
	};
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000"));
	become(b, (struct table){ 0 });
	are_kinds(b, wanted, ARRAY_SIZE(wanted));
}

/* Rows are written by system calls; nobody waits for these who connects. */
static void a_change_is_in_force_before_people_are_told(void **state)
{
	static const enum plan_op_kind wanted[] = {
		PLAN_CELLS, PLAN_RUN, PLAN_BACKEND_PUT, PLAN_SERVICE_PUT, PLAN_BACKEND_DELETE,
	};
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000 10.0.0.2:3000"));
	become(b, ONE("10.0.0.2:3000 10.0.0.3:3000"));
	are_kinds(b, wanted, ARRAY_SIZE(wanted));
}

static void loads_begin_at_zero_where_they_are_counted(void **state)
{
	struct bench *b = *state;
	struct table want = ONE("10.0.0.1:3000 10.0.0.2:3000");

	become(b, want);
	assert_int_equal(count(b, PLAN_LOAD_BORN), 0);
	want = ONE("10.0.0.2:3000 10.0.0.3:3000");
	want.services[0].head_flags = SHUNT_HEAD_LOADS;
	become(b, want);
	assert_int_equal(count(b, PLAN_LOAD_BORN), 2); /* of the one that stays as well */
	want = ONE("10.0.0.2:3000 10.0.0.4:3000");
	want.services[0].head_flags = SHUNT_HEAD_LOADS;
	become(b, want);
	assert_int_equal(count(b, PLAN_LOAD_BORN), 1);
}

static void what_is_as_wanted_needs_no_writes(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000*3 10.0.0.2:3000 [2001:db8::1]:3000"));
	become(b, ONE("10.0.0.1:3000*3 10.0.0.2:3000 [2001:db8::1]:3000"));
	assert_int_equal(b->plan.ops.n, 0);
	planner_free(b->planner);
	b->planner = imitation_planner(&b->maps);
	become(b, ONE("10.0.0.1:3000*3 10.0.0.2:3000 [2001:db8::1]:3000"));
	assert_int_equal(b->plan.ops.n, 0);
}

/* Its run would be the word 0, which stands for no service, if it lay in cell 0. */
static void a_service_without_backends_is_a_service(void **state)
{
	struct bench *b = *state;
	struct addr_port to = wanted_address("127.254.0.1:80");

	become(b, ONE(""));
	assert_int_not_equal(imitation_resolve(&b->maps, &to, IPPROTO_TCP), 0);
}

static void backends_change_by_one_store(void **state)
{
	struct bench *b = *state;
	uint32_t first, second;

	become(b, ONE("10.0.0.1:3000 10.0.0.2:3000"));
	first = backend_id(b, "10.0.0.1:3000");
	second = backend_id(b, "10.0.0.2:3000");
	become(b, ONE("10.0.0.2:3000 10.0.0.3:3000"));
	assert_int_equal(count(b, PLAN_RUN), 1);
	assert_int_equal(count(b, PLAN_FRONT_PUT) + count(b, PLAN_FRONT_DELETE), 0);
	assert_int_equal(backend_id(b, "10.0.0.2:3000"), second);
	assert_int_not_equal(backend_id(b, "10.0.0.3:3000"), first);
	assert_int_equal(backend_id(b, "10.0.0.1:3000"), 0);
	assert_true(planner_wants_grace(b->planner));
}

static void a_renamed_service_keeps_its_front_and_counts_anew(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000"));
	become(b, WANTED({ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" }));
	assert_int_equal(count(b, PLAN_FRONT_PUT) + count(b, PLAN_FRONT_DELETE), 0);
	assert_int_equal(count(b, PLAN_RUN), 1); /* of a new generation */
	assert_int_equal(count(b, PLAN_COUNTERS_ZERO), 1);
	assert_int_equal(count(b, PLAN_SERVICE_PUT) + count(b, PLAN_SERVICE_DELETE), 2);
}

static void services_that_swap_addresses_leave_the_fronts_alone(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	become(b, WANTED({ "a", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	assert_int_equal(count(b, PLAN_FRONT_PUT) + count(b, PLAN_FRONT_DELETE), 0);
	assert_int_equal(count(b, PLAN_RUN), 2);
}

static void a_key_that_changes_services_is_overwritten_in_place(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.2:3000" }));
	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000" }));
	assert_int_equal(count(b, PLAN_FRONT_PUT), 1);
	assert_int_equal(count(b, PLAN_FRONT_DELETE), 0);
	assert_false(b->plan.deferred);
	assert_int_equal(id_at(b, "127.254.0.1:80", IPPROTO_UDP),
			 id_at(b, "127.254.0.1:80", IPPROTO_TCP));
}

static void of_two_keys_that_change_services_one_waits_for_a_grace_period(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" },
			 { "c", "127.254.0.3:80", PROTOCOL_TCP, "10.0.0.3:3000" }));
	for (int round = 0; round < 2; round++) {
		become(b, WANTED({ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" },
				 { "c", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.3:3000" }));
		assert_int_equal(b->plan.deferred, round == 0);
		assert_in_range(count(b, PLAN_FRONT_PUT), 0, 1);
		assert_int_equal(b->maps.n_fronts, 2);
		rest(b);
	}
	assert_int_equal(id_at(b, "127.254.0.1:80", IPPROTO_TCP), row_id(b, "b"));
	assert_int_equal(id_at(b, "127.254.0.1:80", IPPROTO_UDP), row_id(b, "c"));
}

static void after_a_deletion_new_fronts_wait_for_a_grace_period(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000"));
	become(b, WANTED({ "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	assert_int_equal(id_at(b, "127.254.0.1:80", IPPROTO_TCP), 0);
	become(b, WANTED({ "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" },
			 { "c", "127.254.0.3:80", PROTOCOL_TCP, "10.0.0.3:3000" }));
	assert_true(b->plan.deferred);
	assert_int_equal(id_at(b, "127.254.0.3:80", IPPROTO_TCP), 0);
	rest(b);
	become(b, WANTED({ "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" },
			 { "c", "127.254.0.3:80", PROTOCOL_TCP, "10.0.0.3:3000" }));
	assert_false(b->plan.deferred);
	assert_int_not_equal(id_at(b, "127.254.0.3:80", IPPROTO_TCP), 0);
}

/* A reader may have missed the exact port before it was there. */
static void an_any_port_front_outlives_its_successor_by_a_grace_period(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1", PROTOCOL_TCP, "10.0.0.1" }));
	for (int round = 0; round < 2; round++) {
		become(b, ONE("10.0.0.1:3000"));
		assert_int_equal(b->plan.deferred, round == 0);
		assert_int_equal(b->maps.n_fronts, round == 0 ? 2 : 1);
		assert_int_equal(planner_wants_grace(b->planner), true);
		rest(b);
	}
	assert_int_equal(id_at(b, "127.254.0.1:81", IPPROTO_TCP), 0);
}

static void what_a_front_that_stays_leads_to_stays_with_it(void **state)
{
	struct bench *b = *state;
	uint32_t old;

	become(b, WANTED({ "a", "127.254.0.1", PROTOCOL_TCP, "10.0.0.1:3000" }));
	old = backend_id(b, "10.0.0.1:3000");
	become(b, WANTED({ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	assert_true(b->plan.deferred);
	assert_int_equal(backend_id(b, "10.0.0.1:3000"), old);
	rest(b);
	become(b, WANTED({ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	assert_int_equal(backend_id(b, "10.0.0.1:3000"), 0);
}

static void what_does_not_fit_is_refused_by_name_and_keeps_what_it_had(void **state)
{
	struct bench *b = *state;
	uint32_t before;

	become(b, ONE("10.0.0.1:3000"));
	before = backend_id(b, "10.0.0.1:3000");
	become(b, ONE("10.0.0.1:3000*999 10.0.0.2:3000"));
	is_refused(b, "a", -ENOSPC);
	assert_int_equal(b->plan.ops.n, 0);
	assert_int_equal(backend_id(b, "10.0.0.1:3000"), before);
	become(b, ONE("10.0.0.1:3000"));
	assert_int_equal(b->plan.refused.n + b->plan.ops.n, 0);
}

static void one_that_does_not_fit_takes_no_other_with_it(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000*999 10.0.0.2:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	is_refused(b, "a", -ENOSPC);
	assert_int_not_equal(id_at(b, "127.254.0.2:80", IPPROTO_TCP), 0);
	assert_int_equal(b->maps.n_services, 1);
}

/* All replaced needs as many new backend ids as there are old ones, for a while. */
static void backends_all_replaced_count_twice_against_the_limit(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:1 10.0.0.1:2 10.0.0.1:3 10.0.0.1:4 10.0.0.1:5 10.0.0.1:6 "
		      "10.0.0.1:7 10.0.0.1:8 10.0.0.1:9 10.0.0.1:10"));
	become(b, ONE("10.0.0.2:1 10.0.0.2:2 10.0.0.2:3 10.0.0.2:4 10.0.0.2:5 10.0.0.2:6 "
		      "10.0.0.2:7 10.0.0.2:8 10.0.0.2:9 10.0.0.2:10"));
	is_refused(b, "a", -ENOSPC);
	assert_int_not_equal(backend_id(b, "10.0.0.1:1"), 0);
}

static void a_run_waits_for_room_that_is_resting(void **state)
{
	struct bench *b = *state;

	become(b, ONE("10.0.0.1:3000*31 10.0.0.2:3000"));
	become(b, ONE("10.0.0.1:3000"));
	become(b, ONE("10.0.0.1:3000*31 10.0.0.2:3000"));
	assert_true(b->plan.deferred);
	assert_int_equal(b->plan.refused.n + b->plan.ops.n, 0);
	rest(b);
	become(b, ONE("10.0.0.1:3000*31 10.0.0.2:3000"));
	assert_false(b->plan.deferred);
	assert_int_equal(count(b, PLAN_RUN), 1);
}

static void rows_that_cannot_be_right_are_written_anew(void **state)
{
	struct bench *b = *state;

	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	planner_free(b->planner);
	b->maps.runs[1] = SHUNT_RUN(IMITATION_CELLS - 1, 5, 0); /* beyond the end */
	b->maps.services[1].info.id = 4000000000;
	b->planner = imitation_planner(&b->maps);
	b->maps.runs[1] = 0; /* for the imitation does not look beyond it */
	become(b, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			 { "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }));
	/* the broken one, and the other in a new generation,
	 * for nobody knows whose its counters are */
	assert_int_equal(count(b, PLAN_RUN), 2);
	assert_int_equal(count(b, PLAN_SERVICE_PUT), 2);
	assert_int_equal(count(b, PLAN_FRONT_PUT) + count(b, PLAN_FRONT_DELETE), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_service_becomes_reachable_last),
		TEST(a_service_that_goes_is_unreachable_first),
		TEST(a_change_is_in_force_before_people_are_told),
		TEST(loads_begin_at_zero_where_they_are_counted),
		TEST(what_is_as_wanted_needs_no_writes),
		TEST(a_service_without_backends_is_a_service),
		TEST(backends_change_by_one_store),
		TEST(a_renamed_service_keeps_its_front_and_counts_anew),
		TEST(services_that_swap_addresses_leave_the_fronts_alone),
		TEST(a_key_that_changes_services_is_overwritten_in_place),
		TEST(of_two_keys_that_change_services_one_waits_for_a_grace_period),
		TEST(after_a_deletion_new_fronts_wait_for_a_grace_period),
		TEST(an_any_port_front_outlives_its_successor_by_a_grace_period),
		TEST(what_a_front_that_stays_leads_to_stays_with_it),
		TEST(what_does_not_fit_is_refused_by_name_and_keeps_what_it_had),
		TEST(one_that_does_not_fit_takes_no_other_with_it),
		TEST(backends_all_replaced_count_twice_against_the_limit),
		TEST(a_run_waits_for_room_that_is_resting),
		TEST(rows_that_cannot_be_right_are_written_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
