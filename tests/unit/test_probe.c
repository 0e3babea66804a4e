/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/probe.h"

static const struct probe_rules rules = {
	.interval_ms = 5000, .timeout_ms = 1000, .failures = 3, .successes = 2
};

static struct addr_port place(char number)
{
	const uint8_t octets[4] = { 10, 0, 0, (uint8_t)(number - '0') };

	return (struct addr_port){ addr_from_ipv4(octets), 80 };
}

static void follow_as(struct probe *p, const char *numbers, bool as_left, enum shunt_state state)
{
	_cleanup_(endpoints_done) struct endpoints e = { 0 };

	for (const char *c = numbers; *c; c++) {
		const struct endpoint added = { .at = place(*c), .state = (uint8_t)state };

		assert_int_equal(endpoints_add(&e, &added), 0);
	}
	endpoints_normalise(&e);
	assert_int_equal(probe_follow(p, &e, as_left, 1), 0);
}

/* "13": 10.0.0.1:80 and 10.0.0.3:80 are the backends now. */
static void follow(struct probe *p, const char *numbers)
{
	follow_as(p, numbers, false, STATE_HEALTHY);
}

/* The news of an outcome: it is 'H'ealthy or 'U'nhealthy now, for another 'r'eason, '.' none. */
static char outcome(struct probe *p, char number, int error)
{
	const struct addr_port at = place(number);
	enum probe_news news;

	for (size_t i = 0; i < p->n; i++) {
		if (addr_port_compare(&p->rows[i].at, &at) == 0)
			p->rows[i].running = true;
	}
	news = probe_take(p, &rules, &at, error, 1);
	if (news == PROBE_NO_NEWS)
		return '.';
	if (news == PROBE_NEW_REASON)
		return 'r';
	return probe_find(p, &at)->unhealthy ? 'U' : 'H';
}

static void so_many_in_a_row_change_the_mind(void **state)
{
	/* '!' refused, 't' timed out, '+' connected, '?' an error of our own */
	static const struct {
		const char *outcomes, *minds;
	} cases[] = {
		{ "!!!!", "..U." },
		{ "++++", "...." },
		{ "!!+!!+!!!", "........U" },
		{ "!!!++", "..U.H" },
		{ "!!!+!++!!!", "..U...H..U" },
		{ "!!?!", "...U" },
		{ "!!!+?+", "..U..H" },
		{ "????", "...." },
		{ "!!!tt!+!", "..Ur.r.." },
		{ "!tttt", "..U.." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(probe_done) struct probe p = { 0 };
		char minds[16] = "";

		follow(&p, "123");
		for (size_t j = 0; cases[i].outcomes[j]; j++) {
			char c = cases[i].outcomes[j];

			minds[j] = outcome(&p, '2',
					   c == '+'   ? 0
					   : c == '!' ? ECONNREFUSED
					   : c == 't' ? ETIMEDOUT
						      : EADDRNOTAVAIL);
		}
		assert_string_equal(minds, cases[i].minds);
	}
}

static void errors_tell_of_the_backend_or_of_ourselves(void **state)
{
	static const struct {
		int error;
		const char *why; /* NULL: says nothing of the backend */
	} cases[] = {
		{ ECONNREFUSED, "probe: connection refused, 3 in a row" },
		{ ETIMEDOUT, "probe: timed out, 3 in a row" },
		{ EHOSTUNREACH, "probe: host unreachable, 3 in a row" },
		{ ECONNRESET, "probe: connection reset, 3 in a row" },
		{ ENETUNREACH, NULL },
		{ EADDRNOTAVAIL, NULL },
		{ EPERM, NULL },
		{ EACCES, NULL },
		{ EMFILE, NULL },
		{ ENOMEM, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(probe_done) struct probe p = { 0 };
		const struct addr_port at = place('1');
		char why[PROBE_WHY_MAX];

		follow(&p, "1");
		for (int j = 0; j < 3; j++)
			(void)outcome(&p, '1', cases[i].error);
		assert_int_equal(probe_find(&p, &at)->unhealthy, cases[i].why != NULL);
		assert_int_equal(p.blocked, cases[i].why ? 0 : cases[i].error);
		if (cases[i].why)
			assert_string_equal(probe_describe(probe_find(&p, &at), why), cases[i].why);
		(void)outcome(&p, '1', 0);
		assert_int_equal(p.blocked, 0);
	}
}

static void the_reason_stays_while_it_recovers(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };
	const struct addr_port at = place('1');
	char why[PROBE_WHY_MAX];

	(void)state;
	follow(&p, "1");
	for (int j = 0; j < 4; j++)
		(void)outcome(&p, '1', ETIMEDOUT);
	assert_int_equal(outcome(&p, '1', 0), '.');
	assert_string_equal(probe_describe(probe_find(&p, &at), why),
			    "probe: timed out, 4 in a row");
}

static void more_than_half_of_them_failing_is_a_panic(void **state)
{
	static const struct {
		const char *backends, *failing;
		bool panics;
	} cases[] = {
		{ "", "", false },     { "1", "", false },	{ "1", "1", true },
		{ "12", "1", false },  { "12", "12", true },	{ "123", "1", false },
		{ "123", "13", true }, { "1234", "12", false }, { "1234", "124", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(probe_done) struct probe p = { 0 };

		follow(&p, cases[i].backends);
		for (const char *c = cases[i].failing; *c; c++) {
			for (int j = 0; j < 3; j++)
				(void)outcome(&p, *c, ECONNREFUSED);
		}
		assert_int_equal(probe_panics(&p), cases[i].panics);
	}
}

static void who_leaves_is_forgotten_and_who_stays_is_not(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };

	(void)state;
	follow(&p, "1234");
	for (int j = 0; j < 3; j++) {
		(void)outcome(&p, '1', ECONNREFUSED);
		(void)outcome(&p, '3', ECONNREFUSED);
	}
	assert_int_equal(p.unhealthy, 2);
	follow(&p, "234");
	assert_int_equal(p.unhealthy, 1);
	assert_int_equal(outcome(&p, '1', ECONNREFUSED), '.'); /* of a probe that it outlived */
	follow(&p, "1234");
	assert_int_equal(p.unhealthy, 1);
	assert_int_equal(outcome(&p, '1', ECONNREFUSED), '.');
	follow(&p, "");
	assert_int_equal(p.unhealthy, 0);
	assert_null(probe_next(&p, 1));
}

static void an_outcome_of_nobody_s_probe_does_not_count(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };
	const struct probe_rules strict = { 5000, 1000, 1, 1 };
	const struct addr_port at = place('1');

	(void)state;
	follow(&p, "1");
	assert_int_equal(probe_take(&p, &strict, &at, ECONNREFUSED, 1), PROBE_NO_NEWS);
	assert_ptr_equal(probe_next(&p, 1), &p.rows[0]);
	assert_int_equal(probe_take(&p, &strict, &at, ECONNREFUSED, 77), PROBE_NEW_STATE);
	assert_int_equal(p.rows[0].since_s, 77);
}

/* The numbers of those that are probed in so many steps, in order. */
static void turns_are(struct probe *p, size_t steps, const char *wanted)
{
	char got[16] = "";

	for (size_t i = 0; i < steps; i++) {
		struct probe_row *row = probe_next(p, 1000 * i + 1);

		assert_non_null(row);
		row->running = false;
		got[i] = (char)('0' + row->at.addr.octets[15]);
	}
	assert_string_equal(got, wanted);
}

static void all_have_their_turn_also_while_they_come_and_go(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };

	(void)state;
	follow(&p, "2468");
	turns_are(&p, 6, "246824");
	follow(&p, "24568"); /* 6 was next, and still is */
	turns_are(&p, 3, "682");
	follow(&p, "568"); /* 4 was next */
	turns_are(&p, 2, "56");
	follow(&p, "5"); /* 8 was */
	turns_are(&p, 2, "55");
}

static void one_that_still_runs_holds_the_round_up(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };

	(void)state;
	follow(&p, "12");
	assert_non_null(probe_next(&p, 100));
	assert_non_null(probe_next(&p, 200));
	assert_null(probe_next(&p, 300));
	p.rows[0].running = p.rows[1].running = false;
	assert_int_equal(p.round_ms, 0);
	assert_ptr_equal(probe_next(&p, 5100), &p.rows[0]);
	assert_int_equal(p.round_ms, 5000);
}

static void a_round_takes_the_interval_however_many_there_are(void **state)
{
	static const uint32_t numbers[] = {
		1, 2, 3, 100, 250, 251, 375, 1000, 4999, ENDPOINTS_MAX
	};
	size_t batch = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct probe p = { .n = numbers[i] }; /* whose rows nobody looks at */
		uint32_t least = probe_pace(&p, &rules, 0, &batch);
		uint64_t step_ms = 2ULL * least, round_ms;

		round_ms = step_ms * p.n / batch;
		assert_in_range(round_ms, 4500, 5100);
		assert_true(step_ms >= PROBE_STEP_MIN_MS - 1);
		for (uint32_t random = 0; random < 20000; random += 7)
			assert_in_range(probe_pace(&p, &rules, random, &batch), least,
					least + step_ms + 1);
	}
	assert_int_equal(probe_pace(&(const struct probe){ 0 }, &rules, 0, &batch), 0);
}

static void backends_without_a_port_are_counted_and_let_be(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = { 0 };
	_cleanup_(probe_done) struct probe p = { 0 };

	(void)state;
	for (char c = '1'; c <= '3'; c++) {
		struct endpoint added = { .at = place(c) };

		added.at.port = c == '2' ? 80 : 0;
		assert_int_equal(endpoints_add(&e, &added), 0);
	}
	assert_int_equal(probe_follow(&p, &e, false, 1), 0);
	assert_int_equal(p.portless, 2);
	assert_int_equal(p.n, 1);
	for (int j = 0; j < 3; j++)
		(void)outcome(&p, '2', ECONNREFUSED);
	assert_int_equal(p.unhealthy, 1);
	assert_false(probe_panics(&p)); /* one of three */
}

static void what_an_earlier_run_found_holds_until_it_is_disproved(void **state)
{
	_cleanup_(probe_done) struct probe p = { 0 };
	const struct addr_port at = place('1');
	char why[PROBE_WHY_MAX];

	(void)state;
	follow_as(&p, "1", true, STATE_UNHEALTHY);
	follow_as(&p, "123", false, STATE_UNHEALTHY);
	assert_int_equal(p.unhealthy, 1);
	assert_string_equal(probe_describe(probe_find(&p, &at), why),
			    "probe: it failed in an earlier run");
	assert_int_equal(outcome(&p, '1', 0), '.');
	assert_int_equal(outcome(&p, '1', ECONNREFUSED), 'r');
	assert_int_equal(outcome(&p, '1', 0), '.');
	assert_int_equal(outcome(&p, '1', 0), 'H');
	assert_int_equal(p.unhealthy, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_in_a_row_change_the_mind),
		cmocka_unit_test(errors_tell_of_the_backend_or_of_ourselves),
		cmocka_unit_test(the_reason_stays_while_it_recovers),
		cmocka_unit_test(more_than_half_of_them_failing_is_a_panic),
		cmocka_unit_test(who_leaves_is_forgotten_and_who_stays_is_not),
		cmocka_unit_test(an_outcome_of_nobody_s_probe_does_not_count),
		cmocka_unit_test(all_have_their_turn_also_while_they_come_and_go),
		cmocka_unit_test(one_that_still_runs_holds_the_round_up),
		cmocka_unit_test(a_round_takes_the_interval_however_many_there_are),
		cmocka_unit_test(backends_without_a_port_are_counted_and_let_be),
		cmocka_unit_test(what_an_earlier_run_found_holds_until_it_is_disproved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
