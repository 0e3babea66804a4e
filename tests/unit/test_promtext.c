/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/promtext.h"

static const struct promtext_family plain = { "up", PROMTEXT_GAUGE, "Whether it is up.", { NULL } };
static const struct promtext_family labelled = {
	"asked_total", PROMTEXT_COUNTER, "Questions.\nWith a \\ and a \".", { "who", "what" }
};

static void assert_page(struct promtext *page, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_int_equal(promtext_take(page, &text, &length), 0);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
}

static void a_family_is_announced_once(void **state)
{
	struct promtext page = { 0 };

	(void)state;
	promtext_begin(&page, &labelled);
	promtext_count(&page, (const char *const[]){ "a", "x" }, 1);
	promtext_count(&page, (const char *const[]){ "b", "y" }, UINT64_MAX);
	promtext_begin(&page, &plain);
	promtext_count(&page, NULL, 1);
	assert_page(&page, "# HELP asked_total Questions.\\nWith a \\\\ and a \".\n"
			   "# TYPE asked_total counter\n"
			   "asked_total{who=\"a\",what=\"x\"} 1\n"
			   "asked_total{who=\"b\",what=\"y\"} 18446744073709551615\n"
			   "# HELP up Whether it is up.\n"
			   "# TYPE up gauge\n"
			   "up 1\n");
}

static void a_family_without_a_sample_is_not_shown(void **state)
{
	struct promtext page = { 0 };

	(void)state;
	promtext_begin(&page, &labelled);
	promtext_begin(&page, &plain);
	assert_page(&page, "");
}

static void buckets_of_a_histogram_add_up(void **state)
{
	static const double bounds[] = { 0.0001, 0.25 };
	static const uint64_t counts[] = { 2, 0, 3 };
	const struct promtext_buckets buckets = { bounds, counts, 2, 1.5 };
	const struct promtext_family with = { "t_seconds", PROMTEXT_HISTOGRAM, "T.", { "l" } };
	const struct promtext_family without = { "u_seconds", PROMTEXT_HISTOGRAM, "U.", { NULL } };
	struct promtext page = { 0 };

	(void)state;
	promtext_begin(&page, &with);
	promtext_histogram(&page, (const char *const[]){ "a" }, &buckets);
	promtext_begin(&page, &without);
	promtext_histogram(&page, NULL, &buckets);
	assert_page(&page, "# HELP t_seconds T.\n"
			   "# TYPE t_seconds histogram\n"
			   "t_seconds_bucket{l=\"a\",le=\"0.0001\"} 2\n"
			   "t_seconds_bucket{l=\"a\",le=\"0.25\"} 2\n"
			   "t_seconds_bucket{l=\"a\",le=\"+Inf\"} 5\n"
			   "t_seconds_sum{l=\"a\"} 1.5\n"
			   "t_seconds_count{l=\"a\"} 5\n"
			   "# HELP u_seconds U.\n"
			   "# TYPE u_seconds histogram\n"
			   "u_seconds_bucket{le=\"0.0001\"} 2\n"
			   "u_seconds_bucket{le=\"0.25\"} 2\n"
			   "u_seconds_bucket{le=\"+Inf\"} 5\n"
			   "u_seconds_sum 1.5\n"
			   "u_seconds_count 5\n");
}

static void label_values_are_escaped(void **state)
{
	static const struct {
		const char *value, *shown;
	} cases[] = {
		{ "", "" },
		{ "a\"b", "a\\\"b" },
		{ "a\\b", "a\\\\b" },
		{ "a\nb", "a\\nb" },
		{ "\"", "\\\"" },
		{ "{} ,=", "{} ,=" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xff", "\\\\xff" },
		{ "\xc3", "\\\\xc3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct promtext_family family = { "m", PROMTEXT_GAUGE, "M.", { "l" } };
		struct promtext page = { 0 };
		char expected[128];

		promtext_begin(&page, &family);
		promtext_count(&page, &cases[i].value, 0);
		(void)snprintf(expected, sizeof(expected),
			       "# HELP m M.\n# TYPE m gauge\nm{l=\"%s\"} 0\n", cases[i].shown);
		assert_page(&page, expected);
	}
}

static void numbers_read_back_as_they_were(void **state)
{
	static const struct {
		double value;
		const char *shown;
	} cases[] = {
		{ 0, "0" },
		{ 0.1, "0.1" },
		{ -1.5, "-1.5" },
		{ 1700000000.25, "1700000000.25" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e300, "1e+300" },
		{ NAN, "NaN" },
		{ INFINITY, "+Inf" },
		{ -INFINITY, "-Inf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct promtext page = { 0 };
		char expected[128];

		promtext_begin(&page, &plain);
		promtext_number(&page, NULL, cases[i].value);
		(void)snprintf(expected, sizeof(expected),
			       "# HELP up Whether it is up.\n# TYPE up gauge\nup %s\n",
			       cases[i].shown);
		assert_page(&page, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_is_announced_once),
		cmocka_unit_test(a_family_without_a_sample_is_not_shown),
		cmocka_unit_test(buckets_of_a_histogram_add_up),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(numbers_read_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
