/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/book.h"
#include "core/known.h"

#define NOW_S 1763700000

static struct addr_port place(const char *text)
{
	struct addr_port at;

	assert_int_equal(endpoint_parse_place(text, &at), 0);
	return at;
}

/* A whole file of these lines, the first of which is made. */
static char *file_of(const char *lines, size_t rows)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	known_write_start(to, NOW_S);
	(void)fputs(lines, to);
	(void)fflush(to);
	known_write_end(to, rows, book_checksum(0, text, length));
	assert_int_equal(fclose(to), 0);
	return text;
}

static char *written(const struct known_row *rows, size_t n)
{
	_cleanup_free_ char *lines = NULL;
	size_t length;
	FILE *to = open_memstream(&lines, &length);

	for (size_t i = 0; i < n; i++)
		known_write_row(to, &rows[i]);
	assert_int_equal(fclose(to), 0);
	return file_of(lines, n);
}

/* "why" is what it complains of; NULL: nothing. */
static void assert_refused(const char *text, size_t length, const char *why)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(known_done) struct known k = { 0 };

	assert_int_equal(known_read(&k, text, length, &problems), -EBADMSG);
	assert_int_equal(problems.n, 1);
	assert_int_equal(k.n, 0);
	if (why)
		assert_string_equal(problems.lines[0], why);
}

static void add(struct endpoints *to, const char *at, uint16_t weight, enum shunt_state state,
		const char *zone)
{
	struct endpoint e = { .at = place(at), .weight = weight, .state = (uint8_t)state };

	assert_true(util_copy(e.zone, sizeof(e.zone), zone));
	assert_int_equal(endpoints_add(to, &e), 0);
}

static struct known_row row_of(const char *service, const char *source)
{
	return (struct known_row){ .service = (char *)(uintptr_t)service,
				   .source = (char *)(uintptr_t)source,
				   .answered_s = NOW_S - 5 };
}

static struct known_row backend_row(void)
{
	struct known_row row = row_of("backend", "cloudmap us-east-1 internal.myapp/backend");

	row.has_vip = true;
	assert_int_equal(addr_parse("127.254.0.10", &row.vip), 0);
	add(&row.endpoints, "10.0.1.54:3000", 1, STATE_HEALTHY, "");
	add(&row.endpoints, "10.0.1.55", 7, STATE_HEALTHY, "");
	add(&row.endpoints, "[fd00::1]:80", 1000, STATE_UNHEALTHY, "us \"east\" \\1\t=a");
	endpoints_normalise(&row.endpoints);
	return row;
}

static void what_is_written_reads_well(void **state)
{
	struct known_row row = backend_row();
	_cleanup_free_ char *text = written(&row, 1);

	(void)state;
	/* the checksum is an independent one's, Python's zlib.crc32 */
	assert_string_equal(
		text,
		"{\"version\":1,\"written\":1763700000}\n"
		"{\"service\":\"backend\",\"vip\":\"127.254.0.10\","
		"\"source\":\"cloudmap us-east-1 internal.myapp/backend\",\"answered\":1763699995,"
		"\"backends\":[\"10.0.1.54:3000\",\"10.0.1.55 weight=7\","
		"\"[fd00::1]:80 unhealthy weight=1000 zone=us \\\"east\\\" \\\\1\\u0009=a\"]}\n"
		"{\"services\":1,\"checksum\":\"7c98debf\"}\n");
	endpoints_done(&row.endpoints);
}

static void what_is_written_is_read_again(void **state)
{
	struct known_row rows[] = { backend_row(), row_of("backend", "dns SRV x"),
				    row_of("a", "static /x y") };
	_cleanup_free_ char *text = written(rows, ARRAY_SIZE(rows));
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(known_done) struct known k = { 0 };
	const struct known_row *found;

	(void)state;
	assert_int_equal(known_read(&k, text, strlen(text), &problems), 0);
	assert_int_equal(problems.total, 0);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.backends, 3);
	assert_int_equal(k.written_s, NOW_S);
	found = known_find(&k, "backend", rows[0].source);
	assert_non_null(found);
	assert_int_equal(found->answered_s, NOW_S - 5);
	assert_true(found->has_vip && addr_equal(&found->vip, &rows[0].vip));
	assert_true(endpoints_equal(&found->endpoints, &rows[0].endpoints));
	found = known_find(&k, "a", "static /x y");
	assert_non_null(found);
	assert_false(found->has_vip);
	assert_int_equal(found->endpoints.n, 0);
	assert_null(known_find(&k, "backend", "dns SRV y"));
	assert_null(known_find(&k, "b", "dns SRV x"));
	endpoints_done(&rows[0].endpoints);
}

static void a_file_without_rows_is_one(void **state)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(known_done) struct known k = { 0 };
	_cleanup_free_ char *text = file_of("", 0);

	(void)state;
	assert_int_equal(known_read(&k, text, strlen(text), &problems), 0);
	assert_int_equal(k.n, 0);
	assert_null(known_find(&k, "a", "b"));
}

static void one_that_is_cut_off_anywhere_is_refused(void **state)
{
	struct known_row row = backend_row();
	_cleanup_free_ char *text = written(&row, 1);

	(void)state;
	for (size_t length = 0; length < strlen(text); length++) {
		_cleanup_free_ char *cut = malloc(length + 1); /* its end is the sanitizer's */

		memcpy(cut, text, length);
		assert_refused(cut, length, NULL);
	}
	endpoints_done(&row.endpoints);
}

static void no_octet_of_it_can_be_another(void **state)
{
	struct known_row row = backend_row();
	_cleanup_free_ char *text = written(&row, 1);
	size_t length = strlen(text);

	(void)state;
	for (size_t i = 0; i < length; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1u << bit);
			assert_refused(text, length, NULL);
			text[i] ^= (char)(1u << bit);
		}
	}
	endpoints_done(&row.endpoints);
}

static void it_says_why_it_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1: got no whole line, wanted one with the version" },
		{ "{\"version\":1", "line 1: got no whole line, wanted one with the version" },
		{ "\n", "line 1: got the end of the text, wanted a value" },
		{ "[1]\n", "version: got nothing, wanted 1" },
		{ "{\"version\":2}\n{}\n", "version: got 2, wanted 1" },
		{ "{\"version\":1}\n", "written: got nothing, wanted seconds since the epoch" },
		{ "{\"version\":1,\"written\":-1}\n",
		  "written: got -1, wanted seconds since the epoch" },
		{ "{\"version\":1,\"written\":5}\n",
		  "the end: got '{\"version\":1,\"written\":5}', wanted its checksum: it is cut "
		  "off "
		  "or damaged" },
		{ "{\"version\":1,\"written\":5}\n{\"services\":0,\"checksum\":\"01234567\"}\n",
		  "the end: got '{\"services\":0,\"checksum\":\"01234567\"}', wanted its checksum: "
		  "it is cut off or damaged" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].why);
}

#define GOOD \
	"{\"service\":\"good\",\"source\":\"s\",\"answered\":5,\"backends\":[\"10.0.0.1:80\"]}\n"
#define BAD(members) GOOD "{" members "}\n"

/* Whole, but written by somebody else: the good row counts, the bad one is told of. */
static void a_line_that_is_no_row_is_left_out_alone(void **state)
{
	static const struct {
		const char *lines, *why;
	} cases[] = {
		{ GOOD "5\n", "line 3: service: got nothing, wanted a name" },
		{ GOOD "{\n", "line 3: got the end of the text, wanted a key in double quotes" },
		{ BAD("\"service\":\"\""), "line 3: service: got \"\", wanted a name" },
		{ BAD("\"service\":\"a\",\"source\":5"), "line 3: source: got 5, wanted a name" },
		{ BAD("\"service\":\"a\",\"source\":\"s\""),
		  "line 3: answered: got nothing, wanted seconds since the epoch" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":1e300"),
		  "line 3: answered: got 1e+300, wanted seconds since the epoch" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,\"vip\":\"224.0.0.1\""),
		  "line 3: vip: got \"224.0.0.1\", wanted an IP address" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,\"backends\":{}"),
		  "line 3: backends: got an object, wanted a list" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,\"backends\":[5]"),
		  "line 3: backends: got 5, wanted a place, weight=N, zone=Z" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,\"backends\":[\"x\"]"),
		  "line 3: backends: got \"x\", wanted a place, weight=N, zone=Z" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,"
		      "\"backends\":[\"10.0.0.1:80 weight=0\"]"),
		  "line 3: backends: got \"10.0.0.1:80 weight=0\", wanted a place, weight=N, "
		  "zone=Z" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,"
		      "\"backends\":[\"10.0.0.1:80 zone=\"]"),
		  "line 3: backends: got \"10.0.0.1:80 zone=\", wanted a place, weight=N, zone=Z" },
		{ BAD("\"service\":\"a\",\"source\":\"s\",\"answered\":5,"
		      "\"backends\":[\"0.0.0.0:80\"]"),
		  "line 3: backends: got \"0.0.0.0:80\", wanted a place, weight=N, zone=Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = file_of(cases[i].lines, 2);
		_cleanup_(diag_done) struct diag problems = { 0 };
		_cleanup_(known_done) struct known k = { 0 };

		assert_int_equal(known_read(&k, text, strlen(text), &problems), 0);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.lines[0], cases[i].why);
		assert_int_equal(k.n, 1);
		assert_int_equal(known_find(&k, "good", "s")->endpoints.n, 1);
	}
}

static void of_two_rows_for_the_same_one_stays(void **state)
{
	_cleanup_free_ char *text = file_of(GOOD GOOD, 2);
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(known_done) struct known k = { 0 };

	(void)state;
	assert_int_equal(known_read(&k, text, strlen(text), &problems), 0);
	assert_int_equal(k.n, 1);
}

/* A row of `n` backends; names of services tell them apart. */
static void put_many(FILE *to, unsigned int service, unsigned int n)
{
	char name[16];
	struct known_row row = row_of(name, "s");

	(void)snprintf(name, sizeof(name), "many%u", service);
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t octets[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		struct endpoint e = { .weight = 1, .state = STATE_HEALTHY };

		e.at = (struct addr_port){ .addr = addr_from_ipv4(octets), .port = 1 };
		assert_int_equal(endpoints_add(&row.endpoints, &e), 0);
	}
	known_write_row(to, &row);
	endpoints_done(&row.endpoints);
}

static void more_than_the_maps_can_hold_is_left_out(void **state)
{
	enum { EACH = 16000, FIT = KNOWN_BACKENDS_MAX / EACH };
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_(known_done) struct known k = { 0 };
	_cleanup_free_ char *lines = NULL;
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&lines, &length);

	(void)state;
	for (unsigned int i = 0; i < FIT + 1; i++)
		put_many(to, i, EACH);
	assert_int_equal(fclose(to), 0);
	text = file_of(lines, FIT + 1);
	assert_int_equal(known_read(&k, text, strlen(text), &problems), 0);
	assert_int_equal(k.n, FIT);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.lines[0], "line 18: more than the maps can hold");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_well),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_file_without_rows_is_one),
		cmocka_unit_test(one_that_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(no_octet_of_it_can_be_another),
		cmocka_unit_test(it_says_why_it_is_refused),
		cmocka_unit_test(a_line_that_is_no_row_is_left_out_alone),
		cmocka_unit_test(of_two_rows_for_the_same_one_stays),
		cmocka_unit_test(more_than_the_maps_can_hold_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
