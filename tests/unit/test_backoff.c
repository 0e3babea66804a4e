/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/backoff.h"

static void waits_double_up_to_the_limit(void **state)
{
	static const uint32_t longest[] = { 1000, 2000, 4000, 8000, 15000, 15000 };
	struct backoff b = { .first_ms = 1000, .max_ms = 15000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(longest); i++) {
		uint32_t half = longest[i] / 2;

		assert_int_equal(backoff_failed(&b, longest[i] - half), longest[i]);
	}
}

static void jitter_stays_between_half_and_all_of_a_wait(void **state)
{
	(void)state;
	for (uint32_t random = 0; random < 10000; random++) {
		struct backoff b = { .first_ms = 1000, .max_ms = 15000 };

		assert_in_range(backoff_failed(&b, random * 2654435761u), 500, 1000);
	}
}

static void the_first_good_answer_ends_it(void **state)
{
	struct backoff b = { .first_ms = 1000, .max_ms = 15000 };

	(void)state;
	for (int i = 0; i < 100; i++)
		backoff_failed(&b, 7);
	backoff_recovered(&b);
	assert_int_equal(backoff_failed(&b, 0), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_limit),
		cmocka_unit_test(jitter_stays_between_half_and_all_of_a_wait),
		cmocka_unit_test(the_first_good_answer_ends_it),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
