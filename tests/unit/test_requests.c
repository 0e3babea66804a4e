/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/requests.h"

static uint64_t count_of(const struct requests *r, const char *operation, const char *code)
{
	for (size_t i = 0; i < r->n; i++) {
		if (streq(r->rows[i].operation, operation) && streq(r->rows[i].code, code))
			return r->rows[i].count;
	}
	return 0;
}

static void requests_are_counted_by_source_operation_and_code(void **state)
{
	struct requests r = { 0 };

	(void)state;
	requests_count(&r, "dns", "A", "ok");
	requests_count(&r, "dns", "A", "ok");
	requests_count(&r, "dns", "A", "timeout");
	requests_count(&r, "dns", "SRV", "ok");
	assert_int_equal(r.n, 3);
	assert_int_equal(count_of(&r, "A", "ok"), 2);
	assert_int_equal(count_of(&r, "A", "timeout"), 1);
	assert_int_equal(count_of(&r, "SRV", "ok"), 1);
}

static void codes_beyond_the_limit_are_counted_as_other(void **state)
{
	struct requests r = { 0 };
	char code[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(code, sizeof(code), "Code%d", i);
		requests_count(&r, "cloudmap", "DiscoverInstances", code);
	}
	requests_count(&r, "dns", "A", "late");
	requests_count(&r, "cloudmap", "DiscoverInstances", "Code0");
	assert_in_range(r.n, 1, REQUESTS_MAX);
	assert_int_equal(count_of(&r, "DiscoverInstances", "Code0"), 2);
	assert_int_equal(count_of(&r, "DiscoverInstances", "other"), 1000 - (r.n - 2));
	assert_int_equal(count_of(&r, "A", "other"), 1);
}

static void a_full_table_loses_counts_and_nothing_else(void **state)
{
	static char operations[2 * REQUESTS_MAX][16];
	struct requests r = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		(void)snprintf(operations[i], sizeof(operations[i]), "op%zu", i);
		requests_count(&r, "cloudmap", operations[i], "ok");
	}
	assert_int_equal(r.n, REQUESTS_MAX);
	requests_count(&r, "cloudmap", operations[0], "ok");
	assert_int_equal(count_of(&r, "op0", "ok"), 2);
}

static void a_code_from_outside_is_made_a_label(void **state)
{
	struct requests r = { 0 };
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	requests_count(&r, "cloudmap", "DiscoverInstances", "Bad\n\x80 code");
	requests_count(&r, "cloudmap", "DiscoverInstances", "");
	requests_count(&r, "cloudmap", "DiscoverInstances", longest);
	assert_string_equal(r.rows[0].code, "Bad___code");
	assert_string_equal(r.rows[1].code, "unknown");
	assert_int_equal(strlen(r.rows[2].code), REQUESTS_CODE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_counted_by_source_operation_and_code),
		cmocka_unit_test(codes_beyond_the_limit_are_counted_as_other),
		cmocka_unit_test(a_full_table_loses_counts_and_nothing_else),
		cmocka_unit_test(a_code_from_outside_is_made_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
