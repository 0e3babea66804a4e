/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "base/replacement.h"
#include "base/util.h"

/* The sanitizer is to let a hopeless allocation fail, as it does outside of tests. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* A directory of this test alone, removed with what lies in it. */
static int make_directory(void **state)
{
	char *path = strdup("/tmp/shunt-test-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static int remove_directory(void **state)
{
	_cleanup_free_ char *path = *state;
	_cleanup_free_ char *command = NULL;

	if (asprintf(&command, "rm -rf '%s'", path) < 0)
		return -1;
	return system(command);
}

static char *within(void **state, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", (const char *)*state, name) > 0);
	return path;
}

static void growing_keeps_what_is_there_and_at_least_doubles(void **state)
{
	_cleanup_free_ int *list = NULL;
	size_t capacity = 0;

	(void)state;
	assert_int_equal(util_grow(&list, &capacity, 1, sizeof(*list)), 0);
	assert_int_equal(capacity, 8);
	list[0] = 7;
	assert_int_equal(util_grow(&list, &capacity, 8, sizeof(*list)), 0);
	assert_int_equal(capacity, 8);
	assert_int_equal(util_grow(&list, &capacity, 9, sizeof(*list)), 0);
	assert_int_equal(capacity, 16);
	assert_int_equal(util_grow(&list, &capacity, 100, sizeof(*list)), 0);
	assert_int_equal(capacity, 100);
	assert_int_equal(list[0], 7);
}

static void growing_beyond_memory_changes_nothing(void **state)
{
	_cleanup_free_ int *list = NULL;
	size_t capacity = 0;

	(void)state;
	assert_int_equal(util_grow(&list, &capacity, SIZE_MAX / 2, sizeof(*list)), -ENOMEM);
	assert_null(list);
	assert_int_equal(capacity, 0);
}

static void a_copy_is_cut_to_size_and_terminated(void **state)
{
	char to[4];

	(void)state;
	assert_true(util_copy(to, sizeof(to), "abc"));
	assert_string_equal(to, "abc");
	assert_false(util_copy(to, sizeof(to), "wxyz"));
	assert_string_equal(to, "wxy");
	assert_true(util_copy(to, sizeof(to), ""));
	assert_string_equal(to, "");
}

static void a_file_is_written_and_read_whole(void **state)
{
	_cleanup_free_ char *path = within(state, "file");
	_cleanup_free_ char *temporary = within(state, "file.new");
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t length;

	assert_int_equal(replacement_file(path, "one", 3, 0600), 0);
	assert_int_equal(replacement_file(path, "t\0o", 3, 0600), 0);
	assert_int_equal(util_read_file(path, 3, &text, &length), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(text, "t\0o", 4);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(temporary, F_OK), -1);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
	_cleanup_free_ char *path = within(state, "large");
	_cleanup_free_ char *large = calloc(1, 100000);
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_non_null(large);
	assert_int_equal(replacement_file(path, large, 100000, 0600), 0);
	assert_int_equal(util_read_file(path, 99999, &text, &length), -EFBIG);
	assert_int_equal(util_read_file(path, 0, &text, &length), -EFBIG);
	assert_null(text);
	assert_int_equal(util_read_file(path, 100000, &text, &length), 0);
	assert_int_equal(length, 100000);
}

static void what_cannot_be_read_or_written_says_why(void **state)
{
	_cleanup_free_ char *path = within(state, "absent/file");
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_int_equal(util_read_file(path, 10, &text, &length), -ENOENT);
	assert_int_equal(util_read_file(*state, 10, &text, &length), -EISDIR);
	assert_int_equal(replacement_file(path, "x", 1, 0600), -ENOENT);
	assert_null(text);
}

static void directories_are_made_with_those_above(void **state)
{
	_cleanup_free_ char *path = within(state, "a/b/c");
	_cleanup_free_ char *file = within(state, "file2");
	_cleanup_free_ char *beyond = within(state, "file2/x");
	struct stat st;

	assert_int_equal(util_make_directories(path, 0700), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(util_make_directories(path, 0700), 0);
	assert_int_equal(replacement_file(file, "", 0, 0600), 0);
	assert_int_equal(util_make_directories(beyond, 0700), -ENOTDIR);
	assert_int_equal(util_make_directories("", 0700), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing_keeps_what_is_there_and_at_least_doubles),
		cmocka_unit_test(growing_beyond_memory_changes_nothing),
		cmocka_unit_test(a_copy_is_cut_to_size_and_terminated),
		cmocka_unit_test(a_file_is_written_and_read_whole),
		cmocka_unit_test(a_file_over_the_limit_is_not_read),
		cmocka_unit_test(what_cannot_be_read_or_written_says_why),
		cmocka_unit_test(directories_are_made_with_those_above),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
