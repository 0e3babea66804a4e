/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/clock_skew.h"

#define NOW_S 1714564800 /* 2024-05-01T12:00:00Z */
#define CODE "InvalidSignatureException"

static void a_date_far_from_ours_is_learnt_if_the_error_blames_it(void **state)
{
	static const struct {
		const char *code;
		int64_t remote_s;
		bool again;
		int64_t offset_s;
	} rows[] = {
		{ CODE, NOW_S + 3600, true, 3600 },
		{ CODE, NOW_S - 3600, true, -3600 },
		{ "SignatureDoesNotMatch", NOW_S + 300, true, 300 },
		{ "RequestExpired", NOW_S + 240, true, 240 },
		{ CODE, NOW_S + 239, false, 0 },
		{ CODE, NOW_S, false, 0 },
		{ CODE, 0, false, 0 },
		{ CODE, -7, false, 0 },
		{ "ExpiredTokenException", NOW_S + 3600, false, 0 },
		{ "", NOW_S + 3600, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct clock_skew c = { 0 };

		assert_int_equal(clock_skew_learn(&c, rows[i].code, 0, rows[i].remote_s, NOW_S, 5),
				 rows[i].again);
		assert_int_equal(c.offset_s, rows[i].offset_s);
	}
}

static void a_clock_that_was_set_right_is_believed_again(void **state)
{
	struct clock_skew c = { 0 };

	(void)state;
	assert_true(clock_skew_learn(&c, CODE, 0, NOW_S + 3600, NOW_S, 5));
	assert_true(clock_skew_learn(&c, CODE, 3600, NOW_S + 3601, NOW_S + 3600,
				     5 + CLOCK_SKEW_LEARN_APART_MS));
	assert_int_equal(c.offset_s, 0);
}

static void requests_signed_before_it_was_learnt_are_repeated_too(void **state)
{
	struct clock_skew c = { 0 };

	(void)state;
	assert_true(clock_skew_learn(&c, CODE, 0, NOW_S + 3600, NOW_S, 5));
	assert_true(clock_skew_learn(&c, CODE, 0, NOW_S + 3601, NOW_S, 6));
	assert_int_equal(c.offset_s, 3600);
	assert_false(clock_skew_learn(&c, CODE, 3600, NOW_S + 3601, NOW_S, 7));
}

static void a_remote_whose_dates_jump_leads_nobody_into_a_loop(void **state)
{
	struct clock_skew c = { 0 };
	unsigned int repeated = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		repeated += clock_skew_learn(&c, CODE, c.offset_s, NOW_S + 1000 * (int)i, NOW_S,
					     1000 + i);
	assert_int_equal(repeated, 1);
}

static void a_stamp_is_the_corrected_time(void **state)
{
	struct clock_skew c = { 0 };
	char stamp[CLOCK_SKEW_STAMP_MAX];

	(void)state;
	clock_skew_stamp(&c, NOW_S, stamp);
	assert_string_equal(stamp, "20240501T120000Z");
	c.offset_s = -86400 - 1;
	clock_skew_stamp(&c, NOW_S, stamp);
	assert_string_equal(stamp, "20240430T115959Z");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_far_from_ours_is_learnt_if_the_error_blames_it),
		cmocka_unit_test(a_clock_that_was_set_right_is_believed_again),
		cmocka_unit_test(requests_signed_before_it_was_learnt_are_repeated_too),
		cmocka_unit_test(a_remote_whose_dates_jump_leads_nobody_into_a_loop),
		cmocka_unit_test(a_stamp_is_the_corrected_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
