/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/cgroup_path.h"

static void a_path_has_whole_parts_and_wildcards_only_in_the_last(void **state)
{
	static const struct {
		const char *path;
		bool good;
	} cases[] = {
		{ "a", true },
		{ "ecstasks.slice/ecstasks-*.slice", true },
		{ "/sys/fs/cgroup/system.slice", true },
		{ "system.slice/system-serial\\x2dgetty.slice", true },
		{ "user@1000.service/[ab]?", true },
		{ "...", true },
		{ ".hidden/a", true },
		{ "", false },
		{ "/", false },
		{ "a/", false },
		{ "//a", false },
		{ "a//b", false },
		{ ".", false },
		{ "..", false },
		{ "./a", false },
		{ "../a", false },
		{ "a/../b", false },
		{ "/..", false },
		{ "a/..", false },
		{ "*/a", false },
		{ "a?/b", false },
		{ "/sys/[f]s/a", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cgroup_path_is_good(cases[i].path) != cases[i].good)
			print_error("wrong: '%s'\n", cases[i].path);
		assert_int_equal(cgroup_path_is_good(cases[i].path), cases[i].good);
	}
}

static void a_path_is_no_longer_than_a_file_systems(void **state)
{
	char path[CGROUP_PATH_MAX + 2];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[CGROUP_PATH_MAX] = '\0';
	assert_true(cgroup_path_is_good(path));
	path[CGROUP_PATH_MAX] = 'a';
	path[CGROUP_PATH_MAX + 1] = '\0';
	assert_false(cgroup_path_is_good(path));
}

static void a_path_is_looked_for_below_the_attached_cgroup(void **state)
{
	static const struct {
		const char *root, *path, *below;
	} cases[] = {
		{ "/sys/fs/cgroup", "a/b", "a/b" },
		{ "/sys/fs/cgroup", "/sys/fs/cgroup/a/b", "a/b" },
		{ "/sys/fs/cgroup/", "/sys/fs/cgroup/a", "a" },
		{ "/", "/a", "a" },
		{ "/sys/fs/cgroup", "/sys/fs/cgroup", NULL },
		{ "/sys/fs/cgroup", "/sys/fs/cgroup2/a", NULL },
		{ "/sys/fs/cgroup", "/ecstasks.slice", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *below = cgroup_path_below(cases[i].root, cases[i].path);

		if (cases[i].below)
			assert_string_equal(below, cases[i].below);
		else
			assert_null(below);
	}
}

static void a_backslash_in_a_pattern_is_a_backslash(void **state)
{
	(void)state;
	assert_false(cgroup_path_is_pattern("a\\x2db"));
	assert_true(cgroup_path_is_pattern("a*"));
	assert_true(cgroup_path_matches("a\\x2d*", "a\\x2db"));
	assert_false(cgroup_path_matches("a\\x2d*", "ax2db"));
	assert_true(cgroup_path_matches("ecstasks-*.slice", "ecstasks-0af1.slice"));
	assert_false(cgroup_path_matches("ecstasks-*.slice", "ecstasks.slice"));
}

static void its_parts_are_its_depth(void **state)
{
	(void)state;
	assert_int_equal(cgroup_path_parts("a"), 1);
	assert_int_equal(cgroup_path_parts("a/b/c*"), 3);
	assert_string_equal(cgroup_path_last("a/b/c*"), "c*");
	assert_string_equal(cgroup_path_last("a"), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_has_whole_parts_and_wildcards_only_in_the_last),
		cmocka_unit_test(a_path_is_no_longer_than_a_file_systems),
		cmocka_unit_test(a_path_is_looked_for_below_the_attached_cgroup),
		cmocka_unit_test(a_backslash_in_a_pattern_is_a_backslash),
		cmocka_unit_test(its_parts_are_its_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
