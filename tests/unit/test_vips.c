/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vips.h"

static struct vips *made(const char *range)
{
	struct addr_prefix prefix;
	struct vips *v;

	assert_int_equal(addr_prefix_parse(range, &prefix), 0);
	assert_int_equal(vips_new(&prefix, &v), 0);
	return v;
}

/* The VIP of a name, as text in `text`; returns whether it moved. */
static bool assign(struct vips *v, const char *name, char text[static ADDR_TEXT_MAX])
{
	struct addr a;
	bool moved;

	assert_int_equal(vips_assign(v, name, &a, &moved), 0);
	addr_format(&a, text);
	return moved;
}

static void reserve(struct vips *v, const char *address)
{
	struct addr a;

	assert_int_equal(addr_parse(address, &a), 0);
	assert_int_equal(vips_reserve(v, &a), 0);
}

/* These addresses are a promise: hosts of two versions must agree. */
static void a_name_has_the_same_vip_on_every_host(void **state)
{
	static const struct {
		const char *range, *name, *vip;
	} cases[] = {
		{ "127.254.0.0/16", "backend.internal.myapp", "127.254.146.135" },
		{ "127.254.0.0/16", "cache", "127.254.183.133" },
		{ "fd00:1::/64", "cache", "fd00:1::93e7:a787" },
		{ "10.9.8.7/32", "cache", "10.9.8.7" },
	};
	char vip[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(vips_free_p) struct vips *v = made(cases[i].range);

		assert_false(assign(v, cases[i].name, vip));
		assert_string_equal(vip, cases[i].vip);
		assert_true(vips_changed(v));
		assert_false(assign(v, cases[i].name, vip));
		assert_string_equal(vip, cases[i].vip);
	}
}

static void every_address_but_the_first_and_the_last_is_given_out_once(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/24");
	bool seen[256] = { [0] = true, [255] = true }, moved;
	struct addr a;
	char name[16];

	(void)state;
	for (int i = 0; i < 254; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		assert_int_equal(vips_assign(v, name, &a, &moved), 0);
		assert_false(seen[a.octets[15]]);
		seen[a.octets[15]] = true;
	}
	assert_int_equal(vips_assign(v, "one-more", &a, &moved), -ENOSPC);
	assert_int_equal(vips_assign(v, "name0", &a, &moved), 0);
}

static void of_two_names_that_hash_alike_the_first_keeps_the_address(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/29");
	char first[ADDR_TEXT_MAX], second[ADDR_TEXT_MAX], name[16];

	(void)state;
	assert_false(assign(v, "first", first));
	for (int i = 0;; i++) {
		_cleanup_(vips_free_p) struct vips *alone = made("10.0.0.0/29");

		assert_in_range(i, 0, 100);
		(void)snprintf(name, sizeof(name), "name%d", i);
		assert_false(assign(alone, name, second));
		if (streq(first, second))
			break;
	}
	assert_true(assign(v, name, second));
	assert_string_not_equal(first, second);
	assert_false(assign(v, "first", second));
	assert_string_equal(first, second);
}

static void a_name_moves_when_its_address_is_reserved(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/30");
	char first[ADDR_TEXT_MAX], second[ADDR_TEXT_MAX], again[ADDR_TEXT_MAX];

	(void)state;
	assert_false(assign(v, "a", first));
	reserve(v, first);
	assert_true(assign(v, "a", second));
	assert_string_not_equal(first, second);
	assert_true(assign(v, "a", again));
	assert_string_equal(second, again);
}

static void a_reserved_address_is_never_given_out(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/29");
	struct addr a;
	bool moved;
	char name[16], vip[ADDR_TEXT_MAX];

	(void)state;
	reserve(v, "10.0.0.3");
	reserve(v, "10.0.0.3");
	reserve(v, "192.0.2.1");
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		assign(v, name, vip);
		assert_string_not_equal(vip, "10.0.0.3");
	}
	assert_int_equal(vips_assign(v, "one-more", &a, &moved), -ENOSPC);
}

static void a_stored_book_is_read_back(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/28");
	_cleanup_(vips_free_p) struct vips *w = made("10.0.0.0/28");
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *text = NULL;
	char name[16], before[ADDR_TEXT_MAX], after[ADDR_TEXT_MAX];
	size_t length;

	(void)state;
	for (int i = 0; i < 14; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		assign(v, name, before);
	}
	assert_int_equal(vips_store(v, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	assert_false(vips_changed(v));
	assert_int_equal(vips_load(w, text, length, &problems), 0);
	assert_false(vips_changed(w));
	for (int i = 13; i >= 0; i--) { /* another order: it is the book that tells */
		(void)snprintf(name, sizeof(name), "name%d", i);
		assert_int_equal(assign(v, name, before), assign(w, name, after));
		assert_string_equal(before, after);
	}
	assert_false(vips_changed(w));
}

static void the_book_reads_well(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.9.8.7/32");
	_cleanup_free_ char *text = NULL;
	char vip[ADDR_TEXT_MAX];
	size_t length;

	(void)state;
	assign(v, "cache", vip);
	assert_int_equal(vips_store(v, &text, &length), 0);
	assert_string_equal(
		text, "{\n\t\"version\":\t1,\n\t\"vips\":\t{\n\t\t\"cache\":\t\"10.9.8.7\"\n\t}"
		      ",\n\t\"checksum\":\t\"1bfc515b\"\n}");
}

static void entries_that_do_not_fit_are_left_out(void **state)
{
	static const char text[] =
		"{\"version\":1,\"vips\":{\"a\":\"10.0.0.5\",\"b\":\"10.0.0.5\",\"a\":\"10.0.0.6\","
		"\"c\":\"10.1.0.5\",\"d\":\"fd00::1\",\"e\":\"10.0.0.0\",\"f\":\"10.0.0.15\"}}";
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/28");
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *stored = NULL;
	size_t length;

	(void)state;
	assert_int_equal(vips_load(v, text, strlen(text), &problems), 0);
	assert_true(vips_changed(v));
	assert_int_equal(vips_store(v, &stored, &length), 0);
	assert_string_equal(stored,
			    "{\n\t\"version\":\t1,\n\t\"vips\":\t{\n\t\t\"a\":\t\"10.0.0.5\"\n\t}"
			    ",\n\t\"checksum\":\t\"fa1f2a99\"\n}");
}

static void a_text_that_is_no_book_is_refused_whole(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "", "1:1: got the end of the text, wanted a value" },
		{ "{\"version\":1,\"vips\":{\"a\":\"10.0",
		  "1:31: got the end of the text, wanted a closing double quote" },
		{ "[]", "version: got nothing, wanted 1" },
		{ "{\"version\":2,\"vips\":{}}", "version: got 2, wanted 1" },
		{ "{\"version\":1}", "vips: got nothing, wanted an object" },
		{ "{\"version\":1,\"vips\":[]}", "vips: got a list, wanted an object" },
		{ "{\"version\":1,\"vips\":{\"a\":\"10.0.0.1\",\"b\":5}}",
		  "vips: got \"b\": 5, wanted a name and its IP address" },
		{ "{\"version\":1,\"vips\":{\"a\":\"x\"}}",
		  "vips: got \"a\": \"x\", wanted a name and its IP address" },
		{ "{\"version\":1,\"vips\":{\"\":\"10.0.0.1\"}}",
		  "vips: got \"\": \"10.0.0.1\", wanted a name and its IP address" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/28");
		_cleanup_(diag_done) struct diag problems = { 0 };

		assert_int_equal(vips_load(v, cases[i].text, strlen(cases[i].text), &problems),
				 -EBADMSG);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.lines[0], cases[i].problem);
		assert_false(vips_changed(v));
	}
}

static void adopt(struct vips *v, const char *name, const char *address)
{
	struct addr a;

	assert_int_equal(addr_parse(address, &a), 0);
	assert_int_equal(vips_adopt(v, name, &a), 0);
}

static void without_a_book_names_keep_the_addresses_they_had(void **state)
{
	static const struct {
		const char *name, *had, *vip; /* NULL: the one of its hash */
	} cases[] = {
		{ "a", "10.0.0.7", "10.0.0.7" }, { "a", "10.0.0.8", "10.0.0.7" }, /* it has one */
		{ "b", "10.0.0.7", NULL },  /* somebody else has it */
		{ "c", "10.0.0.3", NULL },  /* reserved */
		{ "d", "192.0.2.1", NULL }, /* of another range */
		{ "e", "10.0.0.15", NULL }, /* not given out */
	};
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/28");
	char vip[ADDR_TEXT_MAX];

	(void)state;
	assert_true(vips_is_empty(v));
	reserve(v, "10.0.0.3");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		adopt(v, cases[i].name, cases[i].had);
		(void)assign(v, cases[i].name, vip);
		if (cases[i].vip)
			assert_string_equal(vip, cases[i].vip);
		else
			assert_string_not_equal(vip, cases[i].had);
	}
	assert_false(vips_is_empty(v));
}

static void a_full_book_is_read_and_refuses_more(void **state)
{
	_cleanup_(vips_free_p) struct vips *v = made("10.0.0.0/8");
	char name[16], vip[ADDR_TEXT_MAX];
	struct addr a;
	bool moved;

	(void)state;
	for (int i = 0; i < VIPS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "name%d", i);
		assign(v, name, vip);
	}
	assert_int_equal(vips_assign(v, "one-more", &a, &moved), -ENOSPC);
	assert_int_equal(vips_assign(v, "name7", &a, &moved), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_the_same_vip_on_every_host),
		cmocka_unit_test(every_address_but_the_first_and_the_last_is_given_out_once),
		cmocka_unit_test(of_two_names_that_hash_alike_the_first_keeps_the_address),
		cmocka_unit_test(a_name_moves_when_its_address_is_reserved),
		cmocka_unit_test(a_reserved_address_is_never_given_out),
		cmocka_unit_test(a_stored_book_is_read_back),
		cmocka_unit_test(the_book_reads_well),
		cmocka_unit_test(entries_that_do_not_fit_are_left_out),
		cmocka_unit_test(a_text_that_is_no_book_is_refused_whole),
		cmocka_unit_test(without_a_book_names_keep_the_addresses_they_had),
		cmocka_unit_test(a_full_book_is_read_and_refuses_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
