/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/ejection.h"

#define MS 1000000ULL
#define S (1000 * MS)

static const struct shunt_rules rules = {
	.ejection_failures = 5,
	.ejection_within_ms = 30000,
	.ejection_base_ms = 30000,
	.ejection_max_ms = 300000,
};

static void a_row_is_quiet_when_nothing_in_it_counts(void **state)
{
	static const struct {
		struct shunt_health row;
		uint64_t now_ns;
		bool quiet;
	} cases[] = {
		{ { 0 }, 1000 * S, true },
		{ { .eject_until = 999 * S }, 1000 * S, false }, /* it has not been tried yet */
		{ { .eject_until = 1001 * S }, 1000 * S, false },
		{ { .ejections = 3, .returned_ms = 999000 }, 1000 * S, true },
		{ { .window = { .since_ms = 970000, .failures = 1 } }, 1000 * S, false },
		{ { .window = { .since_ms = 969999, .failures = 1 } }, 1000 * S, true },
		{ { .window = { .since_ms = 999000, .failures = 0 } }, 1000 * S, true },
		/* a task avoids it for 300 s and an eighth, and then watches for 30 s more */
		{ { .accused_ms = 1000000 }, 1367 * S, false },
		{ { .accused_ms = 1000000 }, 1368 * S, true },
		/* 32 bits of milliseconds end after 49.7 days */
		{ { .window = { .since_ms = UINT32_MAX, .failures = 4 } },
		  (UINT32_MAX + 30000ULL) * MS,
		  false },
		{ { .window = { .since_ms = UINT32_MAX, .failures = 4 } },
		  (UINT32_MAX + 30001ULL) * MS,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(ejection_is_quiet(&cases[i].row, &rules, cases[i].now_ns),
				 cases[i].quiet);
}

static void an_ejection_is_told_in_words(void **state)
{
	static const struct {
		struct ejection ejection;
		const char *wanted;
	} cases[] = {
		{ { .until_ns = 31 * S, .in_a_row = 1 },
		  "connections to it failed; ejected for 30 s" },
		{ { .until_ns = 31 * S + 1, .in_a_row = 4 },
		  "connections to it failed; ejected for 31 s, 4 times in a row" },
		{ { .until_ns = 1 * S, .in_a_row = 4 },
		  "connections to it failed; the next one tries it again" },
	};
	char why[EJECTION_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(ejection_describe(&cases[i].ejection, 1 * S, why),
				    cases[i].wanted);
}

static struct addr_port place(uint8_t last)
{
	const uint8_t octets[4] = { 10, 0, 0, last };

	return (struct addr_port){ addr_from_ipv4(octets), 3000 };
}

static void an_ejection_is_found_by_its_place(void **state)
{
	_cleanup_(ejections_done) struct ejections e = { 0 };
	struct addr_port sought = place(1);

	(void)state;
	assert_null(ejections_find(&e, &sought));
	for (uint8_t i = 1; i <= 9; i += 2) {
		struct ejection added = { .at = place(i), .in_a_row = i };

		assert_int_equal(ejections_add(&e, &added), 0);
	}
	for (uint8_t i = 0; i <= 10; i++) {
		const struct ejection *found;

		sought = place(i);
		found = ejections_find(&e, &sought);
		assert_int_equal(found ? found->in_a_row : 0, i % 2 ? i : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_quiet_when_nothing_in_it_counts),
		cmocka_unit_test(an_ejection_is_told_in_words),
		cmocka_unit_test(an_ejection_is_found_by_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
