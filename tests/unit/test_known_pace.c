/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/known_pace.h"

static void without_a_change_nothing_is_written(void **state)
{
	struct known_pace p = { 0 };

	(void)state;
	assert_true(known_pace_due_ms(&p) == KNOWN_PACE_NEVER);
}

static void what_comes_together_is_written_together_and_soon(void **state)
{
	struct known_pace p = { 0 };

	(void)state;
	known_pace_changed(&p, 5000);
	known_pace_changed(&p, 5100);
	assert_int_equal(known_pace_due_ms(&p), 5200);
}

/* A change each millisecond of an hour. */
static void churn_does_not_write_without_end(void **state)
{
	struct known_pace p = { 0 };
	unsigned int writes = 0;

	(void)state;
	for (uint64_t now_ms = 0; now_ms < 3600 * 1000; now_ms++) {
		known_pace_changed(&p, now_ms);
		if (known_pace_due_ms(&p) > now_ms)
			continue;
		known_pace_began(&p, now_ms);
		known_pace_ended(&p, true);
		writes++;
	}
	assert_in_range(writes, 359, 361);
}

static void ages_are_written_now_and_then(void **state)
{
	struct known_pace p = { 0 };

	(void)state;
	known_pace_changed(&p, 1000);
	known_pace_began(&p, 1200);
	known_pace_ended(&p, true);
	assert_int_equal(known_pace_due_ms(&p), 1200 + KNOWN_PACE_REFRESH_MS);
	known_pace_changed(&p, 290000);
	assert_int_equal(known_pace_due_ms(&p), 290200);
}

static void what_changes_while_it_is_written_is_written_next(void **state)
{
	struct known_pace p = { 0 };

	(void)state;
	known_pace_changed(&p, 1000);
	known_pace_began(&p, 1200);
	known_pace_changed(&p, 1201);
	known_pace_ended(&p, true);
	assert_int_equal(known_pace_due_ms(&p), 11200);
}

static void after_failures_it_is_tried_again_more_and_more_seldom(void **state)
{
	static const uint64_t pauses_s[] = { 20, 40, 80, 160, 300, 300, 300 };
	struct known_pace p = { 0 };
	uint64_t now_ms = 1000;

	(void)state;
	known_pace_changed(&p, now_ms);
	for (size_t i = 0; i < ARRAY_SIZE(pauses_s); i++) {
		known_pace_began(&p, now_ms);
		known_pace_ended(&p, false);
		assert_int_equal(known_pace_due_ms(&p), now_ms + pauses_s[i] * 1000);
		now_ms = known_pace_due_ms(&p);
	}
	known_pace_began(&p, now_ms);
	known_pace_ended(&p, true);
	assert_int_equal(known_pace_due_ms(&p), now_ms + KNOWN_PACE_REFRESH_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_change_nothing_is_written),
		cmocka_unit_test(what_comes_together_is_written_together_and_soon),
		cmocka_unit_test(churn_does_not_write_without_end),
		cmocka_unit_test(ages_are_written_now_and_then),
		cmocka_unit_test(what_changes_while_it_is_written_is_written_next),
		cmocka_unit_test(after_failures_it_is_tried_again_more_and_more_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
