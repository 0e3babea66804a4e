/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/book.h"

static bool is_number(const cJSON *row)
{
	return cJSON_IsNumber(row);
}

static const struct book book = {
	.member = "ages",
	.version = 7,
	.is_row = is_number,
	.row_wanted = "a number",
};

/* The CRC-32 of a text is an independent one's (Python's zlib.crc32). */
static const char sealed[] = "{\n\t\"version\":\t7,\n\t\"ages\":\t{\n\t\t\"a\":\t1\n\t}"
			     ",\n\t\"checksum\":\t\"a587fb43\"\n}";

static char *written(void)
{
	cJSON *rows;
	_cleanup_(json_free_p) cJSON *json = book_new(&book, &rows);
	char *text = NULL;
	size_t length;

	assert_non_null(cJSON_AddNumberToObject(rows, "a", 1));
	assert_int_equal(book_write(json, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	return text;
}

static int read_book(const char *text, size_t length, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows;
	int r = book_read(&book, text, length, &json, &rows, problems);

	if (r == 0)
		assert_int_equal(cJSON_GetArraySize(rows), 1);
	return r;
}

static void a_book_is_json_that_ends_with_its_checksum(void **state)
{
	_cleanup_free_ char *text = written();

	(void)state;
	assert_string_equal(text, sealed);
}

static void what_is_written_is_read_also_with_blanks_after_it(void **state)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = written();
	_cleanup_free_ char *longer = NULL;
	int length = asprintf(&longer, "%s\n", text);

	(void)state;
	assert_int_equal(read_book(text, strlen(text), &problems), 0);
	assert_int_equal(read_book(longer, (size_t)length, &problems), 0);
}

static void a_book_of_an_earlier_agent_has_no_checksum_and_is_read(void **state)
{
	static const char text[] = "{\"version\": 7, \"ages\": {\"a\": 1}}";
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	assert_int_equal(read_book(text, strlen(text), &problems), 0);
}

/* A bit that tips over may leave JSON, a row of the right kind, and even the word "checksum". */
static void no_octet_of_a_sealed_book_can_be_another(void **state)
{
	_cleanup_free_ char *text = written();
	size_t length = strlen(text);

	(void)state;
	for (size_t i = 0; i < length; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			_cleanup_(diag_done) struct diag problems = { 0 };

			text[i] ^= (char)(1u << bit);
			assert_int_equal(read_book(text, length, &problems), -EBADMSG);
			assert_int_equal(problems.n, 1);
			text[i] ^= (char)(1u << bit);
		}
	}
}

static void what_is_no_such_book_is_refused_with_a_word(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "", "1:1: got the end of the text, wanted a value" },
		{ "[1]", "version: got nothing, wanted 7" },
		{ "{\"version\": 1}", "version: got 1, wanted 7" },
		{ "{\"version\": 7, \"ages\": 1}", "ages: got 1, wanted an object" },
		{ "{\"version\": 7, \"ages\": {\"a\": \"x\"}}",
		  "ages: got \"a\": \"x\", wanted a number" },
		{ "{\"version\": 7, \"ages\": {}, \"checksum\": 5}",
		  "checksum: got 5, wanted that of the text before it" },
		{ "{\n\t\"version\":\t7,\n\t\"ages\":\t{\n\t\t\"a\":\t2\n\t}"
		  ",\n\t\"checksum\":\t\"a587fb43\"\n}",
		  "checksum: got \"a587fb43\", wanted that of the text before it" },
		{ "{\"version\": 7, \"ages\": {}, \"checksuM\": \"00000000\"}",
		  "members: got \"checksuM\", wanted version, ages and checksum" },
		{ "{\"version\": 7, \"ages\": {\"a\": {\"b\": {}}}}",
		  "1:30: got '{', wanted at most 2 levels of nesting" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };

		assert_int_equal(read_book(cases[i].text, strlen(cases[i].text), &problems),
				 -EBADMSG);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.lines[0], cases[i].line);
	}
}

static void a_checksum_goes_on_where_the_last_one_ended(void **state)
{
	uint32_t parts = book_checksum(book_checksum(0, "1234", 4), "56789", 5);

	(void)state;
	assert_int_equal(book_checksum(0, "123456789", 9),
			 0xcbf43926); /* the CRC-32 everybody has */
	assert_int_equal(parts, 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_book_is_json_that_ends_with_its_checksum),
		cmocka_unit_test(what_is_written_is_read_also_with_blanks_after_it),
		cmocka_unit_test(a_book_of_an_earlier_agent_has_no_checksum_and_is_read),
		cmocka_unit_test(no_octet_of_a_sealed_book_can_be_another),
		cmocka_unit_test(what_is_no_such_book_is_refused_with_a_word),
		cmocka_unit_test(a_checksum_goes_on_where_the_last_one_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
