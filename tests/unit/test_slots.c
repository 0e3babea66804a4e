/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/slots.h"
#include "wanted.h"

/* The slots of one service, each written as the last octet of its address. */
static void order_is(const char *backends, unsigned int count4, const char *wanted)
{
	_cleanup_(table_done) struct table t =
		WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, backends });
	_cleanup_(slots_done) struct slots s = { 0 };
	char got[256] = "";

	assert_int_equal(slots_build(t.services[0].backends, t.services[0].n_backends,
				     BALANCE_ROUND_ROBIN, &s),
			 0);
	for (size_t i = 0; i < s.n; i++) {
		char number[8];

		(void)snprintf(number, sizeof(number), "%s%u", i ? " " : "",
			       s.order[i]->at.addr.octets[15]);
		(void)strncat(got, number, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	assert_int_equal(s.count4, count4);
	assert_int_equal(s.count4 + s.count6, s.n);
}

static void weights_become_slots_that_are_spread_out(void **state)
{
	static const struct {
		const char *backends;
		unsigned int count4;
		const char *wanted;
	} cases[] = {
		{ "", 0, "" },
		{ "10.0.0.1:80", 1, "1" },
		{ "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80", 3, "1 2 3" },
		{ "10.0.0.1:80*7 10.0.0.2:80*7", 2, "1 2" },
		{ "10.0.0.1:80*4 10.0.0.2:80*2", 3, "1 2 1" },
		{ "10.0.0.1:80*5 10.0.0.2:80 10.0.0.3:80", 7, "1 1 2 1 3 1 1" },
		{ "10.0.0.1:80 10.0.0.2:80*3", 4, "2 1 2 2" },
		{ "[2001:db8::8]:80", 0, "8" },
		{ "10.0.0.1:80 10.0.0.2:80 [2001:db8::8]:80 [2001:db8::9]:80", 2, "1 2 8 9" },
		{ "10.0.0.1:80*2 10.0.0.2:80 [2001:db8::8]:80*2 [2001:db8::9]:80*2", 3,
		  "1 2 1 8 9" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		order_is(cases[i].backends, cases[i].count4, cases[i].wanted);
}

static void a_maglev_run_has_a_table_of_each_family(void **state)
{
	_cleanup_(table_done) struct table t =
		WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP,
			 "10.0.0.1:80 10.0.0.2:80 [2001:db8::8]:80 socket" });
	_cleanup_(slots_done) struct slots s = { 0 };

	(void)state;
	assert_int_equal(slots_build(t.services[0].backends, 3, t.services[0].balance, &s), 0);
	assert_int_equal(s.count4, 251);
	assert_int_equal(s.count6, 251);
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(addr_is_ipv4(&s.order[i]->at.addr), i < s.count4);
}

static void ipv4_and_ipv6_keep_their_order_however_they_are_mixed(void **state)
{
	_cleanup_(slots_done) struct slots s = { 0 };
	struct table_backend mixed[5];
	static const char *const at[] = { "[2001:db8::1]:80", "10.0.0.2:80", "[2001:db8::3]:80",
					  "10.0.0.4:80", "[2001:db8::5]:80" };
	static const int wanted[] = { 2, 4, 1, 3, 5 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		mixed[i] = (struct table_backend){ .endpoint = { .at = wanted_address(at[i]) },
						   .share = 1 };
	}
	assert_int_equal(slots_build(mixed, 5, BALANCE_ROUND_ROBIN, &s), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(s.order[i]->at.addr.octets[15], wanted[i]);
}

/* n backends 10.x.y.z:80 of the given shares; order[i] are then numbers, from 1. */
static int build_of(size_t n, const uint32_t *shares, struct slots *ret)
{
	_cleanup_free_ struct table_backend *b = calloc(n, sizeof(*b));
	int r;

	assert_non_null(b);
	for (size_t i = 0; i < n; i++) {
		const uint8_t octets[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		b[i].endpoint.at = (struct addr_port){ addr_from_ipv4(octets), 80 };
		b[i].share = shares[i];
	}
	r = slots_build(b, n, BALANCE_ROUND_ROBIN, ret);
	for (size_t i = 0; r == 0 && i < ret->n; i++) { /* into b, which goes: as numbers then */
		size_t at = (size_t)((const char *)ret->order[i] - (const char *)b) / sizeof(*b);

		ret->order[i] = (const struct endpoint *)(uintptr_t)(at + 1);
	}
	return r;
}

/* The first one of another share. */
static int build(size_t n, uint32_t first, uint32_t share, struct slots *ret)
{
	_cleanup_free_ uint32_t *shares = calloc(n, sizeof(*shares));

	assert_non_null(shares);
	for (size_t i = 0; i < n; i++)
		shares[i] = i ? share : first;
	return build_of(n, shares, ret);
}

static size_t count_of(const struct slots *s, uintptr_t number)
{
	size_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		count += (uintptr_t)s->order[i] == number;
	return count;
}

static void a_backend_without_a_share_has_no_slot(void **state)
{
	_cleanup_(slots_done) struct slots s = { 0 };

	(void)state;
	assert_int_equal(build(4, 0, 7, &s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(count_of(&s, 1), 0);
	slots_done(&s);
	assert_int_equal(build(2, 0, 0, &s), 0);
	assert_int_equal(s.n, 0);
}

static void large_weights_are_scaled_and_nobody_is_left_out(void **state)
{
	_cleanup_(slots_done) struct slots s = { 0 };

	(void)state;
	assert_int_equal(build(11, 1, 999, &s), 0);
	assert_int_equal(s.n, 9991); /* which is what the lightest wants */
	assert_int_equal(count_of(&s, 1), 1);
	for (uintptr_t i = 2; i <= 11; i++)
		assert_int_equal(count_of(&s, i), 999);
	slots_done(&s);
	assert_int_equal(build(11, 1, 999999, &s), 0);
	assert_in_range(s.n, SLOTS_LIGHT_MAX, SLOTS_LIGHT_MAX + 1);
	assert_int_equal(count_of(&s, 1), 1);
	for (uintptr_t i = 2; i <= 11; i++)
		assert_in_range(count_of(&s, i), 3276, 3277);
	slots_done(&s);
	assert_int_equal(build(11, 100, 999, &s), 0);
	assert_in_range(s.n, SLOTS_WEIGHTED_MAX - 100, SLOTS_WEIGHTED_MAX);
	assert_int_equal(count_of(&s, 1), 40);
	for (uintptr_t i = 2; i <= 11; i++)
		assert_in_range(count_of(&s, i), 400, 403);
}

/* 215 of 3 against 3 of 1935: a tenth. Rounded each for itself they would have a twentieth. */
static void backends_of_one_weight_have_together_what_is_theirs(void **state)
{
	static const struct {
		size_t heavy, light;
		uint32_t heavy_share, light_share;
		double wanted;
	} cases[] = {
		{ 3, 215, 1935, 3, 0.1 },     { 3, 200, 6600, 1, 0.01 },
		{ 200, 200, 15, 13, 0.4643 }, { 100, 3000, 31, 1, 0.4918 },
		{ 7, 11, 891, 63, 0.1 },      { 1, 1000, 999, 1, 0.5003 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(slots_done) struct slots s = { 0 };
		size_t n = cases[i].heavy + cases[i].light, light = 0;
		_cleanup_free_ uint32_t *shares = calloc(n, sizeof(*shares));

		assert_non_null(shares);
		for (size_t j = 0, heavy = 0; j < n; j++) { /* the heavy ones in between */
			bool is_heavy = heavy < cases[i].heavy && j * cases[i].heavy >= heavy * n;

			heavy += is_heavy;
			shares[j] = is_heavy ? cases[i].heavy_share : cases[i].light_share;
		}
		assert_int_equal(build_of(n, shares, &s), 0);
		for (size_t j = 0; j < s.n; j++)
			light += shares[(uintptr_t)s.order[j] - 1] == cases[i].light_share;
		assert_float_equal((double)light / (double)s.n, cases[i].wanted, 0.0005);
	}
}

static void a_run_holds_65535_of_a_family_and_no_more(void **state)
{
	_cleanup_(slots_done) struct slots s = { 0 };

	(void)state;
	assert_int_equal(build(SHUNT_RUN_SLOTS_MAX + 1, 1, 1, &s), -E2BIG);
	assert_null(s.order);
	assert_int_equal(build(SHUNT_RUN_SLOTS_MAX, 1, 1, &s), 0);
	assert_int_equal(s.count4, SHUNT_RUN_SLOTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_become_slots_that_are_spread_out),
		cmocka_unit_test(a_maglev_run_has_a_table_of_each_family),
		cmocka_unit_test(ipv4_and_ipv6_keep_their_order_however_they_are_mixed),
		cmocka_unit_test(a_backend_without_a_share_has_no_slot),
		cmocka_unit_test(large_weights_are_scaled_and_nobody_is_left_out),
		cmocka_unit_test(backends_of_one_weight_have_together_what_is_theirs),
		cmocka_unit_test(a_run_holds_65535_of_a_family_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
