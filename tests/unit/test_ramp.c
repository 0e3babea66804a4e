/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/ramp.h"

#define WINDOW_MS 10000
#define SHARE 20

/* "1 3": 10.0.0.1:80 and 10.0.0.3:80 are there at this time; "1 3!": the second is unhealthy. */
static void follow(struct ramp *r, const char *numbers, uint64_t now_ms)
{
	_cleanup_(endpoints_done) struct endpoints e = { 0 };

	for (const char *p = numbers; *p; p++) {
		const uint8_t octets[4] = { 10, 0, 0, (uint8_t)(*p - '0') };
		const struct endpoint added = { .at = { addr_from_ipv4(octets), 80 },
						.state = p[1] == '!' ? STATE_UNHEALTHY
								     : STATE_HEALTHY };

		if (*p != ' ' && *p != '!')
			assert_int_equal(endpoints_add(&e, &added), 0);
	}
	endpoints_normalise(&e);
	assert_int_equal(ramp_follow(r, &e, now_ms), 0);
}

static void shares_are(const struct ramp *r, uint64_t now_ms, const char *wanted)
{
	uint32_t shares[9];
	char got[64] = "";
	size_t used = 0, ramping = 0, counted;

	for (size_t i = 0; i < r->n; i++)
		shares[i] = SHARE;
	counted = ramp_apply(r, WINDOW_MS, now_ms, shares);
	for (size_t i = 0; i < r->n; i++) {
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%u", i ? " " : "",
					 shares[i]);
		ramping += shares[i] < SHARE;
	}
	assert_string_equal(got, wanted);
	assert_int_equal(counted, ramping);
}

static void a_new_backend_ramps_from_a_tenth_to_all(void **state)
{
	static const struct {
		uint64_t now_ms;
		const char *wanted;
	} cases[] = {
		{ 5000, "20 2" },   { 5001, "20 2" },	{ 6000, "20 3" },
		{ 7500, "20 6" },   { 10000, "20 11" }, { 12500, "20 15" },
		{ 14999, "20 19" }, { 15000, "20 20" }, { UINT64_MAX, "20 20" },
	};
	_cleanup_(ramp_done) struct ramp r = { 0 };

	(void)state;
	follow(&r, "1", 1000);
	follow(&r, "1 2", 5000);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		shares_are(&r, cases[i].now_ms, cases[i].wanted);
}

static void those_that_were_there_or_came_to_nobody_do_not_ramp(void **state)
{
	_cleanup_(ramp_done) struct ramp r = { 0 };

	(void)state;
	follow(&r, "1 2", 1000);
	shares_are(&r, 1000, "20 20");
	follow(&r, "", 2000);
	shares_are(&r, 2000, "");
	follow(&r, "1 3", 3000);
	shares_are(&r, 3000, "20 20");
}

static void each_ramps_by_its_own_time_and_again_when_it_comes_back(void **state)
{
	_cleanup_(ramp_done) struct ramp r = { 0 };

	(void)state;
	follow(&r, "2", 1000);
	follow(&r, "1 2", 1000);
	follow(&r, "1 2 3", 6000);
	shares_are(&r, 6000, "11 20 2");
	follow(&r, "1 3", 7000);
	follow(&r, "1 2 3", 8000);
	shares_are(&r, 11000, "20 7 11");
}

static void one_that_comes_unhealthy_begins_when_it_is_healthy(void **state)
{
	_cleanup_(ramp_done) struct ramp r = { 0 };

	(void)state;
	follow(&r, "1", 1000);
	follow(&r, "1 2!", 2000);
	shares_are(&r, 2000, "20 20");
	follow(&r, "1 2", 20000);
	shares_are(&r, 20000, "20 2");
	follow(&r, "1! 2", 25000);
	shares_are(&r, 25000, "20 11");
	follow(&r, "1 2", 26000);
	shares_are(&r, 26000, "2 12");
}

static void the_first_that_gets_well_does_not_ramp(void **state)
{
	_cleanup_(ramp_done) struct ramp r = { 0 };

	(void)state;
	follow(&r, "1! 2!", 1000);
	shares_are(&r, 1000, "20 20");
	follow(&r, "1 2!", 2000);
	shares_are(&r, 2000, "20 20");
	follow(&r, "1 2", 3000);
	shares_are(&r, 3000, "20 2");
}

static void a_small_share_stays_one(void **state)
{
	_cleanup_(ramp_done) struct ramp r = { 0 };
	uint32_t shares[2] = { 1, 1 };

	(void)state;
	follow(&r, "1", 1000);
	follow(&r, "1 2", 1000);
	assert_int_equal(ramp_apply(&r, WINDOW_MS, 1000, shares), 1);
	assert_int_equal(shares[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_backend_ramps_from_a_tenth_to_all),
		cmocka_unit_test(those_that_were_there_or_came_to_nobody_do_not_ramp),
		cmocka_unit_test(each_ramps_by_its_own_time_and_again_when_it_comes_back),
		cmocka_unit_test(one_that_comes_unhealthy_begins_when_it_is_healthy),
		cmocka_unit_test(the_first_that_gets_well_does_not_ramp),
		cmocka_unit_test(a_small_share_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
