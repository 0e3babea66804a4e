/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/endpoints_text.h"

static void comments_blank_lines_weights_and_zones_are_read(void **state)
{
	static const char text[] =
		"# the caches\n\n10.0.1.2:80 zone=us-east-1a weight=1000 # big\r\n"
		"\t 10.0.1.1:6379\n[2001:db8::1]:80   weight=5";
	static const struct {
		const char *at, *zone;
		int weight;
	} wanted[] = { { "10.0.1.1:6379", "", 1 },
		       { "10.0.1.2:80", "us-east-1a", 1000 },
		       { "[2001:db8::1]:80", "", 5 } };
	_cleanup_(endpoints_done) struct endpoints e = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };
	char at[ADDR_PORT_TEXT_MAX];

	(void)state;
	assert_int_equal(endpoints_text_read(text, strlen(text), "f", &e, &problems), 0);
	assert_int_equal(e.n, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < e.n; i++) {
		assert_string_equal(addr_port_format(&e.list[i].at, at), wanted[i].at);
		assert_string_equal(e.list[i].zone, wanted[i].zone);
		assert_int_equal(e.list[i].weight, wanted[i].weight);
		assert_int_equal(e.list[i].state, STATE_HEALTHY);
	}
}

static void a_text_without_endpoints_is_an_empty_list(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = { 0 };
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	assert_int_equal(endpoints_text_read("# none\n", 7, "f", &e, &problems), 0);
	assert_int_equal(e.n, 0);
	assert_int_equal(endpoints_text_read("", 0, "f", &e, &problems), 0);
	assert_int_equal(e.n, 0);
}

#define ZONE_WANTED "wanted zone=NAME of at most 31 letters, digits, '.', '_', '-'"

static const struct {
	const char *line, *problem;
} bad[] = {
	{ "10.0.1.1", "f:2: got '10.0.1.1', wanted ip:port or [v6]:port" },
	{ "10.0.1.1:0", "f:2: got '10.0.1.1:0', wanted ip:port or [v6]:port" },
	{ "10.0.1.1:65536", "f:2: got '10.0.1.1:65536', wanted ip:port or [v6]:port" },
	{ "2001:db8::1", "f:2: got '2001:db8::1', wanted ip:port or [v6]:port" },
	{ "example.com:80", "f:2: got 'example.com:80', wanted ip:port or [v6]:port" },
	{ "0.0.0.0:80", "f:2: got '0.0.0.0:80', wanted the address of a host" },
	{ "224.0.0.1:80", "f:2: got '224.0.0.1:80', wanted the address of a host" },
	{ "10.0.1.1:80 weight=0", "f:2: got 'weight=0', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=1001", "f:2: got 'weight=1001', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=99999999999999999999",
	  "f:2: got 'weight=99999999999999999999', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=-1", "f:2: got 'weight=-1', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=1x", "f:2: got 'weight=1x', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=", "f:2: got 'weight=', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight", "f:2: got 'weight', wanted weight=1..1000" },
	{ "10.0.1.1:80 weight=1 weight=2", "f:2: got 'weight=2', wanted each attribute once" },
	{ "10.0.1.1:80 zone=", "f:2: got 'zone=', " ZONE_WANTED },
	{ "10.0.1.1:80 zone=a/b", "f:2: got 'zone=a/b', " ZONE_WANTED },
	{ "10.0.1.1:80 zone=x2345678901234567890123456789012",
	  "f:2: got 'zone=x2345678901234567890123456789012', " ZONE_WANTED },
	{ "10.0.1.1:80 10.0.1.2:80", "f:2: got '10.0.1.2:80', wanted weight=N or zone=Z" },
	{ "10.0.1.1:80 zones=a", "f:2: got 'zones=a', wanted weight=N or zone=Z" },
	{ "\033[2J", "f:2: got '\\x1b[2J', wanted ip:port or [v6]:port" },
};

static void a_bad_line_is_named_with_what_was_got_and_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };
		struct endpoints e = { .n = 42 };
		char text[128];

		snprintf(text, sizeof(text), "10.0.1.1:80\n%s\n10.0.1.2:80\n", bad[i].line);
		assert_int_equal(endpoints_text_read(text, strlen(text), "f", &e, &problems),
				 -EINVAL);
		assert_int_equal(problems.total, 1);
		assert_string_equal(problems.lines[0], bad[i].problem);
		assert_int_equal(e.n, 42);
	}
}

static void an_octet_0_and_an_endless_line_are_bad_lines(void **state)
{
	static char text[4096];
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct endpoints e;

	(void)state;
	memset(text, ' ', sizeof(text));
	text[3] = '\0';
	text[4] = '\n';
	assert_int_equal(endpoints_text_read(text, sizeof(text), "f", &e, &problems), -EINVAL);
	assert_int_equal(problems.total, 2);
	assert_string_equal(problems.lines[0], "f:1: got an octet 0, wanted text");
	assert_string_equal(problems.lines[1],
			    "f:2: got a line of 4091 octets, wanted at most 255");
}

static void more_endpoints_than_a_service_may_have_are_refused(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct endpoints e;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	(void)state;
	for (unsigned int i = 0; i <= ENDPOINTS_MAX; i++)
		fprintf(to, "10.0.%u.%u:80\n", i / 256, i % 256);
	fclose(to);
	assert_int_equal(endpoints_text_read(text, length, "f", &e, &problems), -E2BIG);
	assert_int_equal(problems.total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_blank_lines_weights_and_zones_are_read),
		cmocka_unit_test(a_text_without_endpoints_is_an_empty_list),
		cmocka_unit_test(a_bad_line_is_named_with_what_was_got_and_wanted),
		cmocka_unit_test(an_octet_0_and_an_endless_line_are_bad_lines),
		cmocka_unit_test(more_endpoints_than_a_service_may_have_are_refused),
	};

	return cmocka_run_group_tests_name("endpoints_text", tests, NULL, NULL);
}
