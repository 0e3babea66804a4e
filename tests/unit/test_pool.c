/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pool.h"

static void made(struct pool *p, uint32_t first, uint32_t end)
{
	assert_int_equal(pool_init(p, first, end), 0);
}

static uint32_t taken(struct pool *p, uint32_t length)
{
	uint32_t start = UINT32_MAX;

	assert_int_equal(pool_take(p, length, &start), 0);
	return start;
}

static void rested(struct pool *p)
{
	pool_grace_begin(p);
	pool_grace_end(p);
}

static void numbers_are_given_out_from_the_lowest(void **state)
{
	_cleanup_(pool_done) struct pool p;

	(void)state;
	made(&p, 1, 10);
	assert_int_equal(taken(&p, 1), 1);
	assert_int_equal(taken(&p, 3), 2);
	assert_int_equal(taken(&p, 5), 5);
	assert_int_equal(p.used, 9);
}

static void an_empty_pool_says_so_and_gives_nothing(void **state)
{
	_cleanup_(pool_done) struct pool p;
	uint32_t start = 77;

	(void)state;
	made(&p, 1, 4);
	assert_int_equal(pool_take(&p, 4, &start), -ENOSPC);
	(void)taken(&p, 3);
	assert_int_equal(pool_take(&p, 1, &start), -ENOSPC);
	assert_int_equal(start, 77);
	assert_int_equal(p.used, 3);
}

static void what_is_released_rests_for_a_whole_grace_period(void **state)
{
	_cleanup_(pool_done) struct pool p;
	uint32_t start;

	(void)state;
	made(&p, 0, 4);
	(void)taken(&p, 4);
	pool_grace_begin(&p); /* began before the release: does not count for it */
	pool_release(&p, 0, 2);
	assert_true(pool_is_resting(&p));
	assert_int_equal(pool_take(&p, 2, &start), -EAGAIN);
	pool_grace_end(&p);
	assert_int_equal(pool_take(&p, 2, &start), -EAGAIN);
	pool_grace_begin(&p);
	assert_false(pool_is_resting(&p));
	assert_int_equal(pool_take(&p, 2, &start), -EAGAIN);
	pool_grace_end(&p);
	assert_int_equal(taken(&p, 2), 0);
}

static void what_nobody_saw_is_free_at_once(void **state)
{
	_cleanup_(pool_done) struct pool p;

	(void)state;
	made(&p, 0, 4);
	(void)taken(&p, 4);
	pool_untake(&p, 1, 2);
	assert_int_equal(p.used, 2);
	assert_int_equal(taken(&p, 2), 1);
}

static void a_claim_takes_exactly_what_it_names(void **state)
{
	_cleanup_(pool_done) struct pool p;
	uint32_t start;

	(void)state;
	made(&p, 0, 10);
	assert_int_equal(pool_claim(&p, 3, 2), 0); /* from the middle */
	assert_int_equal(pool_claim(&p, 0, 1), 0); /* from the front */
	assert_int_equal(pool_claim(&p, 9, 1), 0); /* from the back */
	assert_int_equal(pool_claim(&p, 5, 4), 0); /* a whole extent */
	assert_int_equal(p.used, 8);
	assert_int_equal(taken(&p, 2), 1);
	assert_int_equal(pool_take(&p, 1, &start), -ENOSPC);
}

static void a_claim_of_what_is_not_wholly_free_is_refused(void **state)
{
	static const struct pool_extent refused[] = {
		{ 4, 1 },  { 3, 2 }, { 5, 2 }, { 0, 11 },	   { 9, 2 },
		{ 10, 1 }, { 0, 1 }, { 2, 9 }, { 4294967295U, 1 }, { 9, 4294967295U },
	};
	_cleanup_(pool_done) struct pool p;

	(void)state;
	made(&p, 1, 10);
	assert_int_equal(pool_claim(&p, 4, 2), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(pool_claim(&p, refused[i].start, refused[i].length), -EEXIST);
	assert_int_equal(p.used, 2);
	assert_int_equal(taken(&p, 3), 1);
	assert_int_equal(taken(&p, 4), 6);
}

static void neighbours_that_come_back_are_one_extent_again(void **state)
{
	static const uint32_t orders[][3] = { { 0, 2, 4 }, { 4, 2, 0 }, { 0, 4, 2 }, { 2, 0, 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		_cleanup_(pool_done) struct pool p;

		made(&p, 0, 6);
		(void)taken(&p, 6);
		for (size_t j = 0; j < 3; j++)
			pool_release(&p, orders[i][j], 2);
		rested(&p);
		assert_int_equal(p.free.n, 1);
		assert_int_equal(taken(&p, 6), 0);
	}
}

/* Random takes, releases and graces against a plain array of owners. */
static void no_number_is_ever_given_out_twice(void **state)
{
	enum { SIZE = 64, STEPS = 20000, HELD = 16 };
	_cleanup_(pool_done) struct pool p;
	struct pool_extent held[HELD] = { 0 };
	unsigned char owner[SIZE] = { 0 }; /* 1: held, 2: released, not rested */
	unsigned int seed = 42;

	(void)state;
	made(&p, 0, SIZE);
	for (int step = 0; step < STEPS; step++) {
		struct pool_extent *e = &held[(unsigned int)rand_r(&seed) % HELD];
		uint32_t length = 1 + (uint32_t)rand_r(&seed) % 9;

		if (rand_r(&seed) % 8 == 0) {
			rested(&p);
			for (int i = 0; i < SIZE; i++)
				owner[i] &= 1;
		} else if (e->length) {
			pool_release(&p, e->start, e->length);
			memset(owner + e->start, 2, e->length);
			e->length = 0;
		} else if (pool_take(&p, length, &e->start) == 0) {
			e->length = length;
			for (uint32_t i = 0; i < length; i++) {
				assert_int_equal(owner[e->start + i], 0);
				owner[e->start + i] = 1;
			}
		}
	}
	for (size_t i = 0; i < HELD; i++) {
		if (held[i].length)
			pool_release(&p, held[i].start, held[i].length);
	}
	rested(&p);
	assert_int_equal(p.used, 0);
	assert_int_equal(taken(&p, SIZE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_given_out_from_the_lowest),
		cmocka_unit_test(an_empty_pool_says_so_and_gives_nothing),
		cmocka_unit_test(what_is_released_rests_for_a_whole_grace_period),
		cmocka_unit_test(what_nobody_saw_is_free_at_once),
		cmocka_unit_test(a_claim_takes_exactly_what_it_names),
		cmocka_unit_test(a_claim_of_what_is_not_wholly_free_is_refused),
		cmocka_unit_test(neighbours_that_come_back_are_one_extent_again),
		cmocka_unit_test(no_number_is_ever_given_out_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
