/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/exclusions.h"

static void add(struct exclusions *e, uint64_t cgroup_id, uint32_t service_id, uint32_t level)
{
	const struct exclusion row = { cgroup_id, service_id, level, "a" };

	assert_int_equal(exclusions_add(e, &row), 0);
}

static bool has(const struct exclusions *e, uint64_t cgroup_id, uint32_t service_id)
{
	const struct exclusion row = { .cgroup_id = cgroup_id, .service_id = service_id };

	return exclusions_contain(e, &row);
}

static void a_pair_is_kept_once_and_found(void **state)
{
	_cleanup_(exclusions_done) struct exclusions e = { 0 };

	(void)state;
	add(&e, 9, 1, 1);
	add(&e, 3, 2, 1);
	add(&e, 9, EXCLUSION_ALL, 1);
	add(&e, 3, 2, 1);
	exclusions_sort(&e);
	assert_int_equal(e.n, 3);
	assert_true(has(&e, 9, 1));
	assert_true(has(&e, 9, EXCLUSION_ALL));
	assert_true(has(&e, 3, 2));
	assert_false(has(&e, 3, 1));
	assert_false(has(&e, 3, EXCLUSION_ALL));
}

static void nothing_is_in_an_empty_set(void **state)
{
	_cleanup_(exclusions_done) struct exclusions e = { 0 };
	uint32_t all, some;

	(void)state;
	exclusions_sort(&e);
	assert_false(has(&e, 1, 1));
	exclusions_levels(&e, &all, &some);
	assert_int_equal(all, 0);
	assert_int_equal(some, 0);
}

static void the_levels_lead_to_every_row(void **state)
{
	_cleanup_(exclusions_done) struct exclusions e = { 0 };
	uint32_t all, some;

	(void)state;
	add(&e, 1, EXCLUSION_ALL, 2);
	add(&e, 2, EXCLUSION_ALL, 15);
	add(&e, 3, 5, 1);
	exclusions_levels(&e, &all, &some);
	assert_int_equal(all, 1U << 2 | 1U << 15);
	assert_int_equal(some, 1U << 1);
	add(&e, 4, 5, 0); /* not known */
	exclusions_levels(&e, &all, &some);
	assert_int_equal(all, 1U << 2 | 1U << 15);
	assert_int_equal(some, 0xfffffffe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_kept_once_and_found),
		cmocka_unit_test(nothing_is_in_an_empty_set),
		cmocka_unit_test(the_levels_lead_to_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
