/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/timing.h"

static void bounds_grow(void **state)
{
	(void)state;
	assert_float_equal(timing_bound_s(0), 0.0001, 1e-12);
	assert_float_equal(timing_bound_s(TIMING_BOUNDS - 1), 10, 1e-12);
	for (size_t i = 1; i < TIMING_BOUNDS; i++)
		assert_true(timing_bound_s(i) > timing_bound_s(i - 1));
}

static void without_a_connect_there_is_no_quantile(void **state)
{
	const struct shunt_timing none = { .sum_ns = 1 };
	double seconds = 42;

	(void)state;
	assert_int_equal(timing_quantile(&none, 0.5, &seconds), -ENOENT);
	assert_float_equal(seconds, 42, 0);
}

/* As histogram_quantile() answers for the same buckets. */
static void a_quantile_lies_within_its_bucket(void **state)
{
	static const struct {
		struct shunt_timing timing;
		double part, wanted_s;
	} cases[] = {
		{ { .count = { [0] = 10 } }, 0.5, 0.00005 },
		{ { .count = { [0] = 10 } }, 1, 0.0001 },
		{ { .count = { [1] = 1 } }, 0.5, 0.00015 },
		{ { .count = { [0] = 50, [5] = 50 } }, 0.5, 0.0001 },
		{ { .count = { [0] = 50, [5] = 50 } }, 0.99, 0.000995 },
		{ { .count = { [0] = 98, [19] = 2 } }, 0.99, 10 },
		{ { .count = { [19] = 1 } }, 0.5, 10 },
		{ { .count = { [2] = UINT64_MAX / 2 } }, 0.5, 0.00025 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double seconds = -1;

		assert_int_equal(timing_quantile(&cases[i].timing, cases[i].part, &seconds), 0);
		assert_float_equal(seconds, cases[i].wanted_s, 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_grow),
		cmocka_unit_test(without_a_connect_there_is_no_quantile),
		cmocka_unit_test(a_quantile_lies_within_its_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
