/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/endpoints_text.h"
#include "core/shares.h"

#define ENDPOINTS_OF_TESTS 8

/* Lines of a static file; those at port 9 are unhealthy, those at port 8 drain, at 7 are ejected.
 */
static struct endpoints endpoints_of(const char *lines)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct endpoints made = { 0 };

	assert_int_equal(endpoints_text_read(lines, strlen(lines), "test", &made, &problems), 0);
	assert_in_range(made.n, 0, ENDPOINTS_OF_TESTS);
	for (size_t i = 0; i < made.n; i++) {
		if (made.list[i].at.port == 9)
			made.list[i].state = STATE_UNHEALTHY;
		if (made.list[i].at.port == 8)
			made.list[i].state = STATE_DRAINING;
		if (made.list[i].at.port == 7)
			made.list[i].state = STATE_EJECTED;
	}
	return made;
}

/* In percent of a weight of 1, as text: "100 0 300". */
static void shares_are(const uint32_t *shares, size_t n, const char *wanted)
{
	char got[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%u", i ? " " : "",
					 shares[i] * 100 / SHARES_OF_WEIGHT_1);
	assert_string_equal(got, wanted);
}

static void the_zone_gets_everything_or_does_not_matter(void **state)
{
	static const struct {
		const char *backends, *wanted;
		bool has_all;
	} cases[] = {
		{ "", "", false },
		{ "10.0.0.1:80\n10.0.0.2:80 weight=3\n", "100 300", false },
		/* enough, too few */
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=a weight=2\n10.0.0.3:80 zone=b\n",
		  "100 200 0", true },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=b\n10.0.0.3:80\n", "100 100 100", false },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=a\n", "100 100", true },
		/* unhealthy ones do not count, and get nothing where the others suffice */
		{ "10.0.0.1:80 zone=a\n10.0.0.2:9 zone=a\n10.0.0.3:80 zone=b\n", "100 100 100",
		  false },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:9 zone=a\n10.0.0.3:80 zone=a\n", "100 0 100",
		  true },
		/* a zone that only begins alike is another */
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=ab\n10.0.0.3:80 zone=A\n", "100 100 100",
		  false },
		/* each family for itself */
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=b\n[fd00::1]:80 zone=a\n"
		  "[fd00::2]:80 zone=a\n[fd00::3]:80 zone=b\n",
		  "100 100 100 100 0", false },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=a\n10.0.0.3:80 zone=b\n"
		  "[fd00::1]:80 zone=a\n[fd00::2]:80 zone=a\n",
		  "100 100 0 100 100", true },
	};
	const struct shares_zone zone = { .prefer = "a", .min = 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(endpoints_done) struct endpoints e = endpoints_of(cases[i].backends);
		uint32_t shares[ENDPOINTS_OF_TESTS];

		shares_weigh(&e, shares);
		assert_int_equal(shares_prefer_zone(&e, &zone, shares), cases[i].has_all);
		shares_are(shares, e.n, cases[i].wanted);
	}
}

static void the_unhealthy_get_nothing_while_their_family_has_better(void **state)
{
	static const struct {
		const char *backends, *wanted;
	} cases[] = {
		{ "", "" },
		{ "10.0.0.1:80\n10.0.0.2:80 weight=3\n", "100 300" },
		{ "10.0.0.1:80\n10.0.0.2:9\n10.0.0.3:80\n", "100 0 100" },
		/* none is healthy: all, by their weights */
		{ "10.0.0.1:9\n10.0.0.2:9 weight=2\n", "100 200" },
		/* each family for itself */
		{ "10.0.0.1:9\n[fd00::1]:80\n", "100 100" },
		{ "10.0.0.1:80\n10.0.0.2:9\n[fd00::1]:9\n[fd00::2]:9\n", "100 0 100 100" },
		/* the operator's word stands, even if nobody is left */
		{ "10.0.0.1:80\n10.0.0.2:8\n", "100 0" },
		{ "10.0.0.1:8\n10.0.0.2:8\n[fd00::1]:80\n", "0 0 100" },
		{ "10.0.0.1:8\n", "0" },
		/* who drains is not one of the healthy */
		{ "10.0.0.1:8\n10.0.0.2:9\n", "0 100" },
		{ "10.0.0.1:8\n10.0.0.2:9\n10.0.0.3:80\n", "0 0 100" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(endpoints_done) struct endpoints e = endpoints_of(cases[i].backends);
		uint32_t shares[ENDPOINTS_OF_TESTS];

		shares_weigh(&e, shares);
		shares_prefer_healthy(&e, shares);
		shares_are(shares, e.n, cases[i].wanted);
	}
}

/* What is left to a zone after the unhealthy and the draining went is what it is judged by. */
static void health_comes_before_the_zone(void **state)
{
	static const struct {
		const char *backends, *wanted;
		bool has_all;
	} cases[] = {
		{ "10.0.0.1:80 zone=a\n10.0.0.2:8 zone=a\n10.0.0.3:80 zone=b\n", "100 0 100",
		  false },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=a\n10.0.0.3:8 zone=a\n"
		  "10.0.0.4:80 zone=b\n",
		  "100 100 0 0", true },
		{ "10.0.0.1:8 zone=a\n10.0.0.2:8 zone=a\n10.0.0.3:9 zone=b\n", "0 0 100", false },
		/* ejected ones are not enough, and are in the run to be tried again */
		{ "10.0.0.1:80 zone=a\n10.0.0.2:80 zone=a\n10.0.0.3:7 zone=a\n"
		  "10.0.0.4:7 zone=b\n",
		  "100 100 100 0", true },
		{ "10.0.0.1:80 zone=a\n10.0.0.2:7 zone=a\n10.0.0.3:80 zone=b\n", "100 100 100",
		  false },
	};
	const struct shares_zone zone = { .prefer = "a", .min = 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(endpoints_done) struct endpoints e = endpoints_of(cases[i].backends);
		uint32_t shares[ENDPOINTS_OF_TESTS];

		shares_weigh(&e, shares);
		shares_prefer_healthy(&e, shares);
		assert_int_equal(shares_prefer_zone(&e, &zone, shares), cases[i].has_all);
		shares_are(shares, e.n, cases[i].wanted);
	}
}

static void without_a_preference_weights_are_shares(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e =
		endpoints_of("10.0.0.1:80 zone=a weight=1000\n10.0.0.2:80 zone=b\n10.0.0.3:80\n");
	const struct shares_zone none = { .min = 3 };
	uint32_t shares[ENDPOINTS_OF_TESTS];

	(void)state;
	e.list[2].weight = 0; /* from a damaged map */
	shares_weigh(&e, shares);
	assert_true(shares_prefer_zone(&e, &none, shares));
	shares_are(shares, e.n, "100000 100 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_zone_gets_everything_or_does_not_matter),
		cmocka_unit_test(the_unhealthy_get_nothing_while_their_family_has_better),
		cmocka_unit_test(health_comes_before_the_zone),
		cmocka_unit_test(without_a_preference_weights_are_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
