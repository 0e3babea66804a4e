/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/health.h"
#include "core/state.h"

#define BACKENDS 4

static struct endpoints four(void)
{
	struct endpoints made = { 0 };

	for (uint8_t i = 0; i < BACKENDS; i++) {
		const uint8_t octets[4] = { 10, 0, 0, i };
		const struct endpoint e = { .at = { addr_from_ipv4(octets), 80 },
					    .weight = 1,
					    .state = STATE_UNHEALTHY };

		assert_int_equal(endpoints_add(&made, &e), 0);
	}
	return made;
}

static void nobody_says_anything_and_all_are_healthy(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = four();
	_cleanup_(health_done) struct health h = { 0 };

	(void)state;
	assert_int_equal(health_begin(&h, &e), 0);
	assert_int_equal(h.backends.n, BACKENDS);
	for (size_t i = 0; i < BACKENDS; i++) {
		assert_int_equal(health_say(&h, i, STATE_HEALTHY, 7, "no news"), 0);
		assert_int_equal(h.backends.list[i].state, STATE_HEALTHY);
	}
	assert_int_equal(h.n_notes, 0);
}

static void of_two_sayings_the_graver_counts(void **state)
{
	static const struct {
		enum shunt_state first, second, wanted;
		const char *why;
	} cases[] = {
		{ STATE_UNHEALTHY, STATE_DRAINING, STATE_DRAINING, "second" },
		{ STATE_DRAINING, STATE_UNHEALTHY, STATE_DRAINING, "first" },
		{ STATE_EJECTED, STATE_DRAINING, STATE_DRAINING, "second" },
		{ STATE_DRAINING, STATE_EJECTED, STATE_DRAINING, "first" },
		{ STATE_UNHEALTHY, STATE_EJECTED, STATE_EJECTED, "second" },
		{ STATE_EJECTED, STATE_UNHEALTHY, STATE_EJECTED, "first" },
		{ STATE_UNHEALTHY, STATE_UNHEALTHY, STATE_UNHEALTHY, "first" },
		{ STATE_UNHEALTHY, STATE_HEALTHY, STATE_UNHEALTHY, "first" },
		{ STATE_HEALTHY, STATE_UNHEALTHY, STATE_UNHEALTHY, "second" },
		{ STATE_UNSET, STATE_UNHEALTHY, STATE_UNHEALTHY, "second" },
		{ STATE_UNHEALTHY, (enum shunt_state)99, STATE_UNHEALTHY, "first" },
	};
	_cleanup_(endpoints_done) struct endpoints e = four();
	_cleanup_(health_done) struct health h = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(health_begin(&h, &e), 0);
		assert_int_equal(health_say(&h, 2, cases[i].first, 1, "%s", "first"), 0);
		assert_int_equal(health_say(&h, 2, cases[i].second, 2, "%s", "second"), 0);
		assert_string_equal(state_name((enum shunt_state)h.backends.list[2].state),
				    state_name(cases[i].wanted));
		assert_int_equal(h.n_notes, 1);
		assert_int_equal(h.notes[0].index, 2);
		assert_string_equal(h.notes[0].why, cases[i].why);
		assert_int_equal(h.notes[0].since_s, streq(cases[i].why, "first") ? 1 : 2);
	}
}

static void only_those_that_are_not_healthy_have_notes_and_a_beginning_forgets(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = four();
	_cleanup_(health_done) struct health h = { 0 };

	(void)state;
	assert_int_equal(health_begin(&h, &e), 0);
	assert_int_equal(health_say(&h, 1, STATE_DRAINING, 0, "a"), 0);
	assert_int_equal(health_say(&h, 3, STATE_UNHEALTHY, 0, "b"), 0);
	assert_int_equal(h.n_notes, 2);
	assert_int_equal(h.notes[0].index, 1);
	assert_int_equal(h.notes[1].index, 3);
	e.n = 2;
	assert_int_equal(health_begin(&h, &e), 0);
	assert_int_equal(h.backends.n, 2);
	assert_int_equal(h.n_notes, 0);
	assert_int_equal(h.backends.list[1].state, STATE_HEALTHY);
}

static void a_family_whose_backends_all_drain_takes_nothing_new(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = four();
	_cleanup_(health_done) struct health h = { 0 };

	(void)state;
	assert_int_equal(health_begin(&h, &e), 0);
	assert_true(health_has_takers(&h, true));
	assert_false(health_has_takers(&h, false));
	for (size_t i = 0; i + 1 < BACKENDS; i++)
		assert_int_equal(health_say(&h, i, STATE_DRAINING, 0, "test"), 0);
	assert_int_equal(health_say(&h, BACKENDS - 1, STATE_UNHEALTHY, 0, "test"), 0);
	assert_true(health_has_takers(&h, true));
	assert_int_equal(health_say(&h, BACKENDS - 1, STATE_DRAINING, 0, "test"), 0);
	assert_false(health_has_takers(&h, true));
}

static void the_unhealthy_are_used_where_no_other_of_their_family_is_healthy(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = four();
	_cleanup_(health_done) struct health h = { 0 };

	(void)state;
	assert_int_equal(health_begin(&h, &e), 0);
	for (size_t i = 0; i < BACKENDS; i++) {
		assert_false(health_uses_unhealthy(&h, true));
		assert_int_equal(health_say(&h, i, i ? STATE_UNHEALTHY : STATE_DRAINING, 0, "ill"),
				 0);
	}
	assert_true(health_uses_unhealthy(&h, true));
	assert_false(health_uses_unhealthy(&h, false));
	for (size_t i = 0; i < BACKENDS; i++)
		assert_int_equal(health_say(&h, i, STATE_DRAINING, 0, "drained"), 0);
	assert_false(health_uses_unhealthy(&h, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_says_anything_and_all_are_healthy),
		cmocka_unit_test(of_two_sayings_the_graver_counts),
		cmocka_unit_test(
			only_those_that_are_not_healthy_have_notes_and_a_beginning_forgets),
		cmocka_unit_test(a_family_whose_backends_all_drain_takes_nothing_new),
		cmocka_unit_test(the_unhealthy_are_used_where_no_other_of_their_family_is_healthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
