/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/listing_book.h"

static char id[] = "ns-a3ccy2e7e3a7rile", arn[] = "arn:x", name[] = "n.internal", http[] = "n_4f";
static char owner[] = "210987654321", one[] = "B", two[] = "a.b";

static void what_is_written_is_read_by_its_key(void **state)
{
	const struct config_namespace ours = { .cloudmap = name };
	const struct config_namespace shared = { .cloudmap = name, .owner_account = owner };
	_cleanup_free_ char *key = listing_book_key(&ours), *other = listing_book_key(&shared);
	const struct cloudmap_namespace of = {
		.id = id, .arn = arn, .name = name, .http_name = http
	};
	struct listing_name names[] = { { .text = one }, { .text = two, .doubted = true } };
	const struct listing full = { .names = names, .n = 2, .answered_s = 1700000000 };
	const struct listing none = { .answered_s = 7 };
	const struct listing_book_row rows[] = { { key, &of, &full }, { other, &of, &none } };
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace found = { 0 };
	_cleanup_(listing_done) struct listing read = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	assert_string_equal(other, "n.internal/210987654321");
	assert_int_equal(listing_book_write(rows, 2, &text, &length), 0);
	assert_int_equal(listing_book_read(text, length, key, &found, &read, &problems), 0);
	assert_string_equal(found.http_name, http);
	assert_string_equal(found.id, id);
	assert_int_equal(read.n, 2);
	assert_string_equal(read.names[0].text, "B");
	assert_string_equal(read.names[1].text, "a.b");
	assert_int_equal(read.answered_s, 1700000000);
	assert_false(read.answered);
	assert_int_equal(listing_book_read(text, length, other, &found, &read, &problems), 0);
	assert_int_equal(read.n, 0);
	assert_int_equal(read.answered_s, 7);
	assert_int_equal(listing_book_read(text, length, "x", &found, &read, &problems), 0);
	assert_int_equal(read.answered_s, 7);
}

static void what_is_no_book_is_refused(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "", "1:1: got the end of the text, wanted a value" },
		{ "{\"version\":1,\"namespaces\":{\"n\":\"ns- arn: n h\"}}",
		  "namespaces: got \"n\": \"ns- arn: n h\", wanted id, ARN, name, HTTP name, time "
		  "and services" },
		{ "{\"version\":1,\"namespaces\":{\"n\":7}}",
		  "namespaces: got \"n\": 7, wanted id, ARN, name, HTTP name, time and services" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };
		struct cloudmap_namespace found = { 0 };
		struct listing read = { 0 };

		assert_int_equal(listing_book_read(rows[i].text, strlen(rows[i].text), "n", &found,
						   &read, &problems),
				 -EBADMSG);
		assert_string_equal(problems.lines[0], rows[i].problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_by_its_key),
		cmocka_unit_test(what_is_no_book_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
