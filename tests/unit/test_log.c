/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/utf8.h"

static void untrusted_text_is_escaped(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "plain 'text'", "plain 'text'" },
		{ "two\nlines\t\x7f", "two\\x0alines\\x09\\x7f" },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc2\x85", "\\xc2\\x85" },			/* a C1 control */
		{ "\xc0\x8a", "\\xc0\\x8a" },			/* over-long */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* a surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond U+10FFFF */
		{ "\xe2\x82", "\\xe2\\x82" },			/* cut short */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *escaped = log_escape(cases[i].text);

		assert_string_equal(escaped, cases[i].wanted);
	}
}

static void clipping_cuts_no_character_in_two(void **state)
{
	static const char text[] = "a\xe2\x82\xac"
				   "b";

	(void)state;
	assert_int_equal(utf8_clip(text, 0), 0);
	assert_int_equal(utf8_clip(text, 1), 1);
	assert_int_equal(utf8_clip(text, 2), 1);
	assert_int_equal(utf8_clip(text, 3), 1);
	assert_int_equal(utf8_clip(text, 4), 4);
	assert_int_equal(utf8_clip(text, 5), 5);
	assert_int_equal(utf8_clip(text, 500), 5);
	assert_int_equal(utf8_clip("\x80\x80\x80", 2), 0);
}

static void octets_of_no_character_are_scrubbed(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\xc3\xa4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac" },
		{ "a\xff\xfe", "a??" },
		{ "\xe2\x82", "??" },
		{ "\xc3(", "?(" },
		{ "\xed\xa0\x80\xc3\xa4", "???\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = strdup(cases[i].text);

		utf8_scrub(text);
		assert_string_equal(text, cases[i].wanted);
	}
}

/* What `body` writes to stderr; the caller's. */
static char *capture(void (*body)(void))
{
	_cleanup_fclose_ FILE *file = tmpfile();
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	char *text = calloc(1, 4096);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	body();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_true(pread(fileno(file), text, 4095, 0) >= 0);
	return text;
}

static void write_events(void)
{
	log_set_level(LOG_LEVEL_WARN);
	log_error("Cloud Map did not answer", "service=%s tries=%d", "cache", 3);
	log_warn("nothing else to say", "%s", "");
	log_info("not shown", "a=%d", 1);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown now", "a=%d", 1);
	log_set_level(LOG_LEVEL_INFO);
}

static void an_event_is_a_line_if_its_level_is_logged(void **state)
{
	_cleanup_free_ char *text = capture(write_events);

	(void)state;
	assert_string_equal(text, "error: Cloud Map did not answer service=cache tries=3\n"
				  "warn: nothing else to say\n"
				  "debug: shown now a=1\n");
}

static void repeated_failures_are_logged_at_doubling_intervals(void **state)
{
	struct log_repeat r = { 0 };
	uint64_t logged[16], n = 0;

	(void)state;
	for (uint64_t now = 1000; now <= 1000 + 4 * 3600000; now += 1000) {
		if (log_repeat_failed(&r, now) && n < ARRAY_SIZE(logged))
			logged[n++] = now - 1000;
	}
	assert_int_equal(logged[0], 0);
	assert_int_equal(logged[1], 10000);
	assert_int_equal(logged[2], 30000);
	assert_int_equal(logged[3], 70000);
	assert_int_equal(logged[n - 1] - logged[n - 2], 3600000); /* never rarer than hourly */
	assert_int_equal(log_repeat_recovered(&r), 4 * 3600 + 1);
	assert_int_equal(log_repeat_recovered(&r), 0);
	assert_true(log_repeat_failed(&r, 5 * 3600000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untrusted_text_is_escaped),
		cmocka_unit_test(clipping_cuts_no_character_in_two),
		cmocka_unit_test(octets_of_no_character_are_scrubbed),
		cmocka_unit_test(an_event_is_a_line_if_its_level_is_logged),
		cmocka_unit_test(repeated_failures_are_logged_at_doubling_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
