/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/demand.h"

#define MINUTE_MS 60000
#define SERVICE 3

static struct demand demand_of_four(void)
{
	struct demand d = { 0 };

	assert_int_equal(demand_follow(&d, SERVICE), 0);
	assert_int_equal(demand_follow(&d, SERVICE), 0);
	assert_int_equal(d.n, 4);
	return d;
}

/* So many connects to the last of them at that time. */
static bool count(struct demand *d, uint64_t connects, uint64_t now_ms)
{
	const uint64_t all[] = { 0, 0, 0, connects };

	return demand_count(d, 0, ARRAY_SIZE(all), all, now_ms);
}

static void a_service_is_assumed_to_be_used_at_first_and_idle_when_nobody_has(void **state)
{
	_cleanup_(demand_done) struct demand d = demand_of_four();

	(void)state;
	assert_int_equal(demand_of(&d, SERVICE, 1000, 1000), PACE_ASSUMED);
	assert_false(count(&d, 0, 2000));
	assert_int_equal(demand_of(&d, SERVICE, 1000, 1000 + DEMAND_ASSUMED_MS - 1), PACE_ASSUMED);
	assert_int_equal(demand_of(&d, SERVICE, 1000, 1000 + DEMAND_ASSUMED_MS), PACE_IDLE);
	assert_int_equal(demand_of(&d, 77, 1000, 1000 + DEMAND_ASSUMED_MS), PACE_IDLE);
}

static void a_connect_makes_it_used_for_ten_minutes(void **state)
{
	_cleanup_(demand_done) struct demand d = demand_of_four();
	uint64_t now_ms = 60 * MINUTE_MS;

	(void)state;
	assert_true(count(&d, 1, now_ms));
	assert_int_equal(demand_of(&d, SERVICE, 1, now_ms), PACE_IN_USE);
	assert_int_equal(demand_of(&d, SERVICE - 1, 1, now_ms), PACE_IDLE);
	assert_false(count(&d, 1, now_ms + MINUTE_MS)); /* no more than before */
	assert_false(count(&d, 5, now_ms + 2 * MINUTE_MS));
	now_ms += 2 * MINUTE_MS;
	assert_int_equal(demand_of(&d, SERVICE, 1, now_ms + DEMAND_IDLE_AFTER_MS - 1), PACE_IN_USE);
	assert_int_equal(demand_of(&d, SERVICE, 1, now_ms + DEMAND_IDLE_AFTER_MS), PACE_IDLE);
	assert_true(count(&d, 6, now_ms + DEMAND_IDLE_AFTER_MS)); /* used again */
}

/* The counters of an id begin anew with the service that gets it. */
static void an_id_that_is_given_to_another_service_is_not_used_by_that(void **state)
{
	_cleanup_(demand_done) struct demand d = demand_of_four();
	uint64_t now_ms = 60 * MINUTE_MS;

	(void)state;
	assert_true(count(&d, 7, now_ms));
	assert_false(count(&d, 0, now_ms + 1000));
	assert_int_equal(demand_of(&d, SERVICE, 1, now_ms + 1000), PACE_IDLE);
	assert_true(count(&d, 7, now_ms + 2000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_assumed_to_be_used_at_first_and_idle_when_nobody_has),
		cmocka_unit_test(a_connect_makes_it_used_for_ten_minutes),
		cmocka_unit_test(an_id_that_is_given_to_another_service_is_not_used_by_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
