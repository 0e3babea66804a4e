/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/budget.h"

#define SECOND_MS 1000
#define RUNNING_MAX 16
#define CALLS_MAX 400

/* Any number, the same ones in every run. */
static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % limit;
}

/* When the calls of a run began. */
struct begun {
	uint64_t at_ms[40000];
	size_t n;
};

/* The most that began in any second of the run. */
static size_t most_in_a_second(const struct begun *b)
{
	size_t most = 0;

	for (size_t from = 0, to = 0; to < b->n; to++) {
		while (b->at_ms[to] - b->at_ms[from] >= SECOND_MS)
			from++;
		most = MAX(most, to - from + 1);
	}
	return most;
}

/* Begins whatever may at this moment; returns when to look again. */
static uint64_t begin_all(struct budget *b, uint64_t now_ms, struct begun *begun, uint64_t *seed)
{
	struct budget_call *call;
	uint64_t when_ms;

	while ((call = budget_begin(b, now_ms, &when_ms))) {
		begun->at_ms[begun->n++] = now_ms;
		assert_int_equal(call->queued.place, 0);
		if (random_below(seed, 3)) /* else it hangs for a while */
			budget_end(b, call->kind, (enum quota_outcome)random_below(seed, 4),
				   now_ms);
	}
	return when_ms;
}

static void never_more_calls_begin_in_any_second_than_are_configured(void **state)
{
	static struct begun begun;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		static struct budget_call calls[CALLS_MAX];
		uint64_t random = seed, now_ms = 1;
		uint32_t limit = 1 + random_below(&random, seed % 2 ? 10 : 300);
		struct budget b;

		memset(calls, 0, sizeof(calls));
		begun.n = 0;
		assert_int_equal(budget_init(&b, limit, RUNNING_MAX), 0);
		for (size_t i = 0; i < CALLS_MAX; i++)
			assert_int_equal(budget_join(&b), 0);
		for (int step = 0; step < 2000 && begun.n < ARRAY_SIZE(begun.at_ms) - 1000;
		     step++) {
			for (uint32_t n = random_below(&random, 20); n > 0; n--)
				budget_wait(&b, &calls[random_below(&random, CALLS_MAX)],
					    (enum budget_kind)random_below(&random, BUDGET_KINDS),
					    (enum pace_rank)random_below(&random, PACE_IDLE + 1),
					    now_ms);
			(void)begin_all(&b, now_ms, &begun, &random);
			while (b.running > random_below(&random, RUNNING_MAX))
				budget_end(&b, BUDGET_LISTS, QUOTA_OK, now_ms);
			now_ms += random_below(&random, random_below(&random, 10) ? 10 : 2000);
		}
		assert_true(most_in_a_second(&begun) <= limit);
		assert_true(begun.n > 2 * limit);
		budget_done(&b);
	}
}

static void another_number_of_calls_counts_at_once(void **state)
{
	static const uint32_t limits[] = { 50, 5, 5, 80, 3, 100, 100, 1, 2, 40 };
	static struct budget_call calls[CALLS_MAX];
	static struct begun begun;
	uint64_t random = 7, now_ms = 1;
	struct budget b;

	(void)state;
	assert_int_equal(budget_init(&b, 10, 1000), 0);
	for (size_t i = 0; i < CALLS_MAX; i++)
		assert_int_equal(budget_join(&b), 0);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		uint64_t end_ms = now_ms + 3 * SECOND_MS;

		assert_int_equal(budget_set(&b, limits[i]), 0);
		begun.n = 0;
		for (; now_ms < end_ms; now_ms += 7) {
			for (size_t j = 0; j < 4; j++)
				budget_wait(&b, &calls[random_below(&random, CALLS_MAX)],
					    BUDGET_INSTANCES, PACE_IN_USE, now_ms);
			for (uint64_t when_ms; budget_begin(&b, now_ms, &when_ms);) {
				begun.at_ms[begun.n++] = now_ms;
				budget_end(&b, BUDGET_INSTANCES, QUOTA_OK, now_ms);
			}
		}
		assert_int_equal(most_in_a_second(&begun), limits[i]);
	}
	budget_done(&b);
}

static void not_more_calls_are_under_way_than_can_be(void **state)
{
	struct budget_call calls[4] = { 0 };
	struct budget b;
	uint64_t when_ms;

	(void)state;
	assert_int_equal(budget_init(&b, 100, 3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(budget_join(&b), 0);
		budget_wait(&b, &calls[i], BUDGET_INSTANCES, PACE_IN_USE, i);
	}
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(budget_begin(&b, 10, &when_ms), &calls[i]);
	assert_null(budget_begin(&b, 10, &when_ms));
	assert_true(when_ms == BUDGET_NEVER);
	budget_end(&b, BUDGET_INSTANCES, QUOTA_OTHER, 20);
	assert_ptr_equal(budget_begin(&b, 20, &when_ms), &calls[3]);
	budget_done(&b);
}

/* As the next lines are due, and with 1 call a second, that is the order: */
static void who_is_due_longest_is_first_and_the_idle_come_later_but_come(void **state)
{
	static const struct {
		enum pace_rank rank;
		uint64_t due_ms;
		enum budget_kind kind;
	} rows[] = {
		{ PACE_NEWS, 1000000, BUDGET_INSTANCES },
		{ PACE_IN_USE, 800000, BUDGET_REVISIONS },
		{ PACE_IN_USE, 850000, BUDGET_INSTANCES },
		{ PACE_ASSUMED, 600000, BUDGET_REVISIONS },
		{ PACE_IDLE, 400000, BUDGET_REVISIONS },
		{ PACE_IN_USE, 1010000, BUDGET_REVISIONS },
		{ PACE_ASSUMED, 750000, BUDGET_REVISIONS },
		{ PACE_IDLE, 500000, BUDGET_LISTS },
	};
	struct budget_call calls[ARRAY_SIZE(rows)] = { 0 };
	uint64_t now_ms = 2000000, when_ms;
	struct budget b;

	(void)state;
	assert_int_equal(budget_init(&b, 1, RUNNING_MAX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(budget_join(&b), 0);
	for (size_t i = ARRAY_SIZE(rows); i-- > 0;)
		budget_wait(&b, &calls[i], rows[i].kind, rows[i].rank, rows[i].due_ms);
	assert_int_equal(budget_waiting(&b), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_ptr_equal(budget_begin(&b, now_ms, &when_ms), &calls[i]);
		budget_end(&b, rows[i].kind, QUOTA_OK, now_ms);
		if (i + 1 < ARRAY_SIZE(rows)) {
			assert_null(budget_begin(&b, now_ms, &when_ms));
			assert_int_equal(when_ms, now_ms + BUDGET_WINDOW_MS);
		}
		now_ms = when_ms;
	}
	budget_done(&b);
}

/* All want to all the time: an idle one comes ten minutes later than one in use, each time. */
static void nobody_starves(void **state)
{
	enum { N = 200, LIMIT = 10, SECONDS = 2400 };
	static struct budget_call calls[N];
	unsigned int turns[N] = { 0 };
	struct budget b;

	(void)state;
	assert_int_equal(budget_init(&b, LIMIT, RUNNING_MAX), 0);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(budget_join(&b), 0);
		budget_wait(&b, &calls[i], i % 2 ? BUDGET_INSTANCES : BUDGET_REVISIONS,
			    i < N / 2 ? PACE_IN_USE : PACE_IDLE, 1);
	}
	for (uint64_t now_ms = 1, when_ms; now_ms < SECONDS * SECOND_MS; now_ms = when_ms) {
		struct budget_call *call = budget_begin(&b, now_ms, &when_ms);

		if (!call)
			continue;
		when_ms = now_ms;
		turns[call - calls]++;
		budget_end(&b, call->kind, QUOTA_OK, now_ms);
		budget_wait(&b, call, call->kind, call - calls < N / 2 ? PACE_IN_USE : PACE_IDLE,
			    now_ms + 1);
	}
	for (size_t i = 0; i < N; i++)
		assert_in_range(turns[i], i < N / 2 ? 200 : 2, i < N / 2 ? 250 : 4);
	budget_done(&b);
}

static void a_call_that_waits_no_more_or_anew_is_not_begun_twice(void **state)
{
	struct budget_call one = { 0 }, two = { 0 };
	struct budget b;
	uint64_t when_ms;

	(void)state;
	assert_int_equal(budget_init(&b, 10, RUNNING_MAX), 0);
	assert_int_equal(budget_join(&b), 0);
	assert_int_equal(budget_join(&b), 0);
	budget_wait(&b, &one, BUDGET_REVISIONS, PACE_IN_USE, 5);
	budget_wait(&b, &two, BUDGET_REVISIONS, PACE_IN_USE, 6);
	budget_wait(&b, &one, BUDGET_INSTANCES, PACE_IN_USE, 7); /* something else, and later */
	assert_ptr_equal(budget_begin(&b, 10, &when_ms), &two);
	budget_withdraw(&b, &one);
	budget_withdraw(&b, &one);
	assert_null(budget_begin(&b, 10, &when_ms));
	assert_int_equal(budget_waiting(&b), 0);
	assert_int_equal(budget_in_last_second(&b, 1009), 1);
	assert_int_equal(budget_in_last_second(&b, 1010), 0);
	budget_done(&b);
}

/* --- the account's quota ---------------------------------------------------------------------- */

/* Twenty calls a second end so. */
static double rate_after(struct quota *q, enum quota_outcome outcome, unsigned int seconds,
			 uint64_t *now_ms)
{
	for (unsigned int i = 0; i < 20 * seconds; i++) {
		*now_ms += SECOND_MS / 20;
		quota_end(q, outcome, *now_ms);
	}
	return q->rate;
}

static void refusals_halve_the_rate_and_good_answers_bring_it_back_within_15_s(void **state)
{
	uint64_t now_ms = 0;
	struct quota q;

	(void)state;
	quota_init(&q, 100);
	assert_false(quota_holds_back(&q));
	assert_true(rate_after(&q, QUOTA_REFUSED, 1, &now_ms) == 50);
	assert_true(rate_after(&q, QUOTA_REFUSED, 1, &now_ms) == 25);
	assert_true(rate_after(&q, QUOTA_REFUSED, 100, &now_ms) == QUOTA_RATE_MIN);
	assert_true(quota_holds_back(&q));
	assert_true(rate_after(&q, QUOTA_OK, 1, &now_ms) < 2 * QUOTA_RATE_MIN);
	assert_true(rate_after(&q, QUOTA_OK, 14, &now_ms) == 100);
	assert_false(quota_holds_back(&q));
}

/* It says nothing of how many calls there may be. */
static void an_outage_is_forgotten_with_its_first_good_second(void **state)
{
	uint64_t now_ms = 0;
	struct quota q;

	(void)state;
	quota_init(&q, 100);
	assert_true(rate_after(&q, QUOTA_BROKEN, 100, &now_ms) == QUOTA_RATE_MIN);
	assert_true(rate_after(&q, QUOTA_OK, 1, &now_ms) > 20);
	assert_true(rate_after(&q, QUOTA_OK, 2, &now_ms) > 50);
}

static void the_rate_rises_soon_to_where_it_went_well_and_carefully_beyond(void **state)
{
	uint64_t now_ms = 0;
	double rate;
	struct quota q;

	(void)state;
	quota_init(&q, 100);
	(void)rate_after(&q, QUOTA_REFUSED, 1, &now_ms); /* at 100: it went well at 85 */
	rate = rate_after(&q, QUOTA_OK, 1, &now_ms);
	assert_true(rate > 58 && rate < 60);
	rate = rate_after(&q, QUOTA_OK, 5, &now_ms);
	assert_true(rate > 78 && rate < 86);
	assert_true(rate_after(&q, QUOTA_OK, 1, &now_ms) < rate * 1.05);
}

static void the_rate_goes_down_by_the_share_that_was_refused(void **state)
{
	static const struct {
		unsigned int ok, refused, broken;
		double rate;
	} rows[] = {
		{ 90, 10, 0, 90.38 }, { 60, 40, 0, 61.54 },
		{ 10, 90, 0, 50 },    { 1, 1, 0, 83.33 }, /* of one there is less to learn */
		{ 50, 0, 50, 100 },   /* an error of the server may be one service's */
		{ 49, 0, 51, 50.96 }, /* but not of most */
		{ 100, 0, 0, 100 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct quota q;

		quota_init(&q, 100);
		quota_end(&q, QUOTA_OK, 1000); /* closes the second before */
		for (unsigned int n = 1; n < rows[i].ok; n++)
			quota_end(&q, QUOTA_OK, 1500);
		for (unsigned int n = 0; n < rows[i].refused; n++)
			quota_end(&q, QUOTA_REFUSED, 1500);
		for (unsigned int n = 0; n < rows[i].broken; n++)
			quota_end(&q, QUOTA_BROKEN, 1500);
		quota_end(&q, QUOTA_OTHER, 1999);
		assert_true(q.rate == 100);
		quota_end(&q, QUOTA_OK, 2000);
		assert_true(q.rate > rows[i].rate - 0.01 && q.rate < rows[i].rate + 0.01);
	}
}

static void each_kind_has_a_quota_of_its_own(void **state)
{
	struct budget_call all = { 0 }, revision = { 0 };
	uint64_t now_ms = 1, when_ms;
	struct budget b;

	(void)state;
	assert_int_equal(budget_init(&b, 100, RUNNING_MAX), 0);
	assert_int_equal(budget_join(&b), 0);
	assert_int_equal(budget_join(&b), 0);
	(void)rate_after(&b.quotas[BUDGET_INSTANCES], QUOTA_REFUSED, 100, &now_ms);
	quota_begin(&b.quotas[BUDGET_INSTANCES], now_ms);
	budget_wait(&b, &all, BUDGET_INSTANCES, PACE_NEWS, 1);
	budget_wait(&b, &revision, BUDGET_REVISIONS, PACE_IDLE, now_ms);
	assert_ptr_equal(budget_begin(&b, now_ms, &when_ms), &revision);
	assert_null(budget_begin(&b, now_ms, &when_ms));
	assert_int_equal(when_ms, now_ms + (uint64_t)(SECOND_MS / QUOTA_RATE_MIN));
	assert_ptr_equal(budget_begin(&b, when_ms, &when_ms), &all);
	budget_done(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_calls_begin_in_any_second_than_are_configured),
		cmocka_unit_test(another_number_of_calls_counts_at_once),
		cmocka_unit_test(not_more_calls_are_under_way_than_can_be),
		cmocka_unit_test(who_is_due_longest_is_first_and_the_idle_come_later_but_come),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(a_call_that_waits_no_more_or_anew_is_not_begun_twice),
		cmocka_unit_test(
			refusals_halve_the_rate_and_good_answers_bring_it_back_within_15_s),
		cmocka_unit_test(an_outage_is_forgotten_with_its_first_good_second),
		cmocka_unit_test(the_rate_rises_soon_to_where_it_went_well_and_carefully_beyond),
		cmocka_unit_test(the_rate_goes_down_by_the_share_that_was_refused),
		cmocka_unit_test(each_kind_has_a_quota_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
