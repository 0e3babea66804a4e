/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/plan_names.h"

#define NAMES 300
#define STEPS 20000

static void an_empty_one_knows_no_name(void **state)
{
	struct plan_names n = { 0 };

	(void)state;
	assert_int_equal(plan_names_find(&n, "a"), 0);
	plan_names_remove(&n, "a");
	assert_int_equal(plan_names_find(&n, ""), 0);
	plan_names_done(&n);
}

static void names_are_found_whoever_comes_and_goes_beside_them(void **state)
{
	_cleanup_(plan_names_done) struct plan_names n = { 0 };
	char names[NAMES][32];
	uint32_t ids[NAMES] = { 0 }, given = 0;
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < NAMES; i++)
		(void)snprintf(names[i], sizeof(names[i]), "service-%d", i);
	for (int step = 0; step < STEPS; step++) {
		int at = rand_r(&seed) % NAMES;

		if (ids[at]) {
			plan_names_remove(&n, names[at]);
			ids[at] = 0;
		} else {
			ids[at] = ++given;
			assert_int_equal(plan_names_add(&n, names[at], ids[at]), 0);
		}
		for (int i = 0; i < NAMES; i++)
			assert_int_equal(plan_names_find(&n, names[i]), ids[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_knows_no_name),
		cmocka_unit_test(names_are_found_whoever_comes_and_goes_beside_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
