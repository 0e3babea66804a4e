/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/renewal.h"

#define NOW_S 1714564800

static void a_renewal_falls_into_the_time_for_it(void **state)
{
	static const struct {
		int64_t life_s, first_s, last_s;
	} rows[] = {
		{ 6 * 3600, 6 * 3600 - 900, 6 * 3600 - 600 },
		{ 3600, 2700, 3000 },
		{ 1800, 900, 1200 },
		{ 900, 450, 600 },
		{ 60, 30, 40 },
		{ 4, 2, 2 },
		{ 1, 2, 2 },
		{ 0, 120, 600 },
		{ -100000, 120, 600 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t least = INT64_MAX, most = 0;

		for (uint32_t random = 0; random < 5000; random++) {
			int64_t due_s = renewal_due(NOW_S, NOW_S + rows[i].life_s, random);

			least = due_s < least ? due_s : least;
			most = due_s > most ? due_s : most;
		}
		assert_int_equal(least, NOW_S + rows[i].first_s);
		assert_int_equal(most, NOW_S + rows[i].last_s);
	}
}

static void what_does_not_expire_is_not_renewed(void **state)
{
	(void)state;
	assert_int_equal(renewal_due(NOW_S, 0, 7), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_renewal_falls_into_the_time_for_it),
		cmocka_unit_test(what_does_not_expire_is_not_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
