/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"

static void problems_are_kept_in_order_with_their_place(void **state)
{
	_cleanup_(diag_done) struct diag d = { 0 };

	(void)state;
	diag_add(&d, "file: port", "got %d, wanted %s", 0, "more");
	diag_add(&d, "file", "got nothing");
	assert_int_equal(d.n, 2);
	assert_string_equal(d.lines[0], "file: port: got 0, wanted more");
	assert_string_equal(d.lines[1], "file: got nothing");
}

static void control_characters_of_untrusted_text_are_shown(void **state)
{
	_cleanup_(diag_done) struct diag d = { 0 };

	(void)state;
	diag_add(&d, "a\nb", "got %s", "\x1b[31m\xff");
	assert_string_equal(d.lines[0], "a\\x0ab: got \\x1b[31m\\xff");
}

static void a_full_list_counts_what_it_does_not_keep(void **state)
{
	_cleanup_(diag_done) struct diag d = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *to = NULL;
	size_t length;

	(void)state;
	for (int i = 0; i < DIAG_LINES_MAX + 7; i++)
		diag_add(&d, "file", "fault %d", i);
	assert_int_equal(d.n, DIAG_LINES_MAX);
	assert_int_equal(d.total, DIAG_LINES_MAX + 7);
	to = open_memstream(&text, &length);
	assert_non_null(to);
	diag_print(&d, "shuntd: ", to);
	assert_int_equal(fflush(to), 0);
	assert_memory_equal(text, "shuntd: file: fault 0\nshuntd: file: fault 1\n", 44);
	assert_non_null(strstr(text, "\nshuntd: file: fault 99\nshuntd: and 7 more\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problems_are_kept_in_order_with_their_place),
		cmocka_unit_test(control_characters_of_untrusted_text_are_shown),
		cmocka_unit_test(a_full_list_counts_what_it_does_not_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
