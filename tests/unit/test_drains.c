/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/drains.h"
#include "core/endpoints.h"

static struct addr_port place(const char *text)
{
	struct addr_port at;

	assert_int_equal(endpoint_parse_place(text, &at), 0);
	return at;
}

static int add(struct drains *d, const char *text, int64_t since_s)
{
	const struct addr_port at = place(text);

	return drains_add(d, &at, since_s);
}

static int remove_one(struct drains *d, const char *text)
{
	const struct addr_port at = place(text);

	return drains_remove(d, &at);
}

static int64_t since(const struct drains *d, const char *text)
{
	const struct addr_port at = place(text);
	const struct drain *found = drains_find(d, &at);

	return found ? found->since_s : -1;
}

static void a_backend_is_drained_until_it_is_undrained(void **state)
{
	_cleanup_(drains_done) struct drains d = { 0 };

	(void)state;
	assert_int_equal(since(&d, "10.0.0.1:80"), -1);
	assert_int_equal(add(&d, "10.0.0.2:80", 7), 0);
	assert_int_equal(add(&d, "10.0.0.1:80", 8), 0);
	assert_int_equal(add(&d, "[fd00::1]:80", 9), 0);
	assert_int_equal(since(&d, "10.0.0.1:80"), 8);
	assert_int_equal(since(&d, "10.0.0.2:80"), 7);
	assert_int_equal(since(&d, "[fd00::1]:80"), 9);
	assert_int_equal(remove_one(&d, "10.0.0.1:80"), 0);
	assert_int_equal(since(&d, "10.0.0.1:80"), -1);
	assert_int_equal(since(&d, "10.0.0.2:80"), 7);
	assert_int_equal(d.n, 2);
}

static void another_port_or_none_is_another_backend(void **state)
{
	_cleanup_(drains_done) struct drains d = { 0 };

	(void)state;
	assert_int_equal(add(&d, "10.0.0.1:80", 7), 0);
	assert_int_equal(since(&d, "10.0.0.1:81"), -1);
	assert_int_equal(since(&d, "10.0.0.1"), -1);
	assert_int_equal(remove_one(&d, "10.0.0.1"), -ENOENT);
	assert_int_equal(add(&d, "10.0.0.1", 8), 0);
	assert_int_equal(since(&d, "10.0.0.1"), 8);
}

static void twice_changes_nothing(void **state)
{
	_cleanup_(drains_done) struct drains d = { 0 };

	(void)state;
	assert_int_equal(remove_one(&d, "10.0.0.1:80"), -ENOENT);
	assert_int_equal(add(&d, "10.0.0.1:80", 7), 0);
	assert_int_equal(add(&d, "10.0.0.1:80", 9), -EEXIST);
	assert_int_equal(since(&d, "10.0.0.1:80"), 7);
	assert_int_equal(d.n, 1);
}

static void there_is_a_limit(void **state)
{
	_cleanup_(drains_done) struct drains d = { 0 };
	struct addr_port at = place("10.0.0.1:80");

	(void)state;
	for (uint32_t i = 0; i < DRAINS_MAX; i++) {
		at.addr.octets[14] = (uint8_t)(i >> 8);
		at.addr.octets[15] = (uint8_t)i;
		assert_int_equal(drains_add(&d, &at, 1), 0);
	}
	assert_int_equal(add(&d, "10.9.9.9:80", 1), -ENOSPC);
	assert_int_equal(drains_add(&d, &at, 1), -EEXIST);
}

static void what_is_written_is_read_again(void **state)
{
	_cleanup_(drains_done) struct drains d = { 0 }, again = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	assert_int_equal(add(&d, "10.0.0.1:80", 1763700000), 0);
	assert_int_equal(add(&d, "[fd00::1]:80", 0), 0);
	assert_int_equal(add(&d, "10.0.0.1", 8), 0);
	assert_int_equal(drains_write(&d, &text, &length), 0);
	assert_string_equal(text, "{\n\t\"version\":\t1,\n\t\"drained\":\t{\n"
				  "\t\t\"10.0.0.1\":\t8,\n"
				  "\t\t\"10.0.0.1:80\":\t1763700000,\n"
				  "\t\t\"[fd00::1]:80\":\t0\n\t},\n"
				  "\t\"checksum\":\t\"53ac100f\"\n}");
	assert_int_equal(drains_read(&again, text, length, &problems), 0);
	assert_int_equal(again.n, 3);
	assert_memory_equal(again.list, d.list, 3 * sizeof(*d.list));
	/* what is drained already stays as it is */
	assert_int_equal(drains_read(&d, text, length, &problems), 0);
	assert_int_equal(d.n, 3);
}

static void a_damaged_book_is_refused_whole(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "", "1:1: got the end of the text, wanted a value" },
		{ "{\"version\": 1, \"drained\": {\"10.0.0.1:80\": 1763",
		  "1:47: got the end of the text, wanted ',' or '}'" },
		{ "[]", "version: got nothing, wanted 1" },
		{ "{\"version\": 2, \"drained\": {}}", "version: got 2, wanted 1" },
		{ "{\"version\": 1.5, \"drained\": {}}", "version: got 1.5, wanted 1" },
		{ "{\"version\": 1}", "drained: got nothing, wanted an object" },
		{ "{\"version\": 1, \"drained\": []}", "drained: got a list, wanted an object" },
		{ "{\"version\": 1, \"drained\": {\"10.0.0.1:80\": 1, \"x\": 2}}",
		  "drained: got \"x\": 2, wanted ip:port and seconds since the epoch" },
		{ "{\"version\": 1, \"drained\": {\"10.0.0.1:80\": \"1\"}}",
		  "drained: got \"10.0.0.1:80\": \"1\", wanted ip:port and seconds since the "
		  "epoch" },
		{ "{\"version\": 1, \"drained\": {\"10.0.0.1:80\": -1}}",
		  "drained: got \"10.0.0.1:80\": -1, wanted ip:port and seconds since the epoch" },
		{ "{\"version\": 1, \"drained\": {\"10.0.0.1:80\": 1e300}}",
		  "drained: got \"10.0.0.1:80\": 1e+300, wanted ip:port and seconds since the "
		  "epoch" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(drains_done) struct drains d = { 0 };
		_cleanup_(diag_done) struct diag problems = { 0 };

		assert_int_equal(drains_read(&d, cases[i].text, strlen(cases[i].text), &problems),
				 -EBADMSG);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.lines[0], cases[i].line);
		assert_int_equal(d.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backend_is_drained_until_it_is_undrained),
		cmocka_unit_test(another_port_or_none_is_another_backend),
		cmocka_unit_test(twice_changes_nothing),
		cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_damaged_book_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
