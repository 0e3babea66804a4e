/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/maglev.h"

#define BACKENDS_MAX 100
#define SIZE_MAX_OF_TESTS 4093

/* A table of 10.0.0.1:80 ... 10.0.0.n:80 without number `left_out`; entries are those numbers. */
static uint32_t make(size_t n, size_t left_out, const uint16_t *weights, uint8_t *ret_table)
{
	const struct endpoint *table[SIZE_MAX_OF_TESTS];
	struct maglev_backend list[BACKENDS_MAX];
	struct endpoint endpoints[BACKENDS_MAX] = { 0 };
	uint32_t size = maglev_size(n, n);
	size_t count = 0;

	for (size_t i = 1; i <= n; i++) {
		const uint8_t octets[4] = { 10, 0, 0, (uint8_t)i };
		struct endpoint *e = &endpoints[i - 1];

		e->at = (struct addr_port){ addr_from_ipv4(octets), 80 };
		if (i != left_out)
			list[count++] = (struct maglev_backend){ e, weights ? weights[i - 1] : 1 };
	}
	assert_in_range(size, 1, SIZE_MAX_OF_TESTS);
	assert_int_equal(maglev_build(list, count, size, table), 0);
	for (uint32_t i = 0; i < size; i++)
		ret_table[i] = table[i]->at.addr.octets[15];
	return size;
}

static uint32_t count_of(const uint8_t *table, uint32_t size, uint8_t number)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < size; i++)
		count += table[i] == number;
	return count;
}

static void the_size_is_a_prime_that_grows_with_the_endpoints_and_their_weights(void **state)
{
	static const struct {
		size_t n;
		uint64_t rarity;
		uint32_t size;
	} cases[] = {
		{ 1, 1, 251 },
		{ 5, 5, 251 },
		{ 6, 6, 1021 },
		{ 20, 20, 1021 },
		{ 21, 21, 4093 },
		{ 2046, 2046, 4093 },
		{ 2047, 2047, 16381 },
		{ 8191, 8191, 65521 },
		{ 16384, 16384, 65521 },
		{ 16385, 16385, 0 },
		/* one that is light makes it larger, to a limit */
		{ 2, 125, 251 },
		{ 2, 126, 1021 },
		{ 4, 1000, 4093 },
		{ 4, 3000, 16381 },
		{ 4, UINT32_MAX, 16381 },
		{ 8191, UINT32_MAX, 65521 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t size = maglev_size(cases[i].n, cases[i].rarity);

		assert_int_equal(size, cases[i].size);
		assert_true(size <= SHUNT_RUN_SLOTS_MAX);
		for (uint32_t d = 2; d * d <= size; d++)
			assert_int_not_equal(size % d, 0);
	}
}

static void equal_weights_have_equal_shares_to_within_one_entry(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 5, 6, 20, 100 };
	uint8_t table[SIZE_MAX_OF_TESTS];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t size = make(counts[i], 0, NULL, table), least = size / counts[i];

		for (size_t number = 1; number <= counts[i]; number++)
			assert_in_range(count_of(table, size, (uint8_t)number), least, least + 1);
	}
}

static void shares_follow_the_weights(void **state)
{
	static const uint16_t weights[] = { 5, 3, 2, 1 };
	uint8_t table[SIZE_MAX_OF_TESTS];
	uint32_t size = make(4, 0, weights, table);

	(void)state;
	assert_int_equal(size, 251);
	assert_in_range(count_of(table, size, 1), 113, 116);
	assert_in_range(count_of(table, size, 2), 67, 70);
	assert_in_range(count_of(table, size, 3), 44, 47);
	assert_in_range(count_of(table, size, 4), 22, 24);
}

/* The paper measures some 2 % beyond what has to move; a table of N entries for 1/N of keys. */
static void few_entries_of_others_change_when_one_goes(void **state)
{
	uint8_t before[SIZE_MAX_OF_TESTS], after[SIZE_MAX_OF_TESTS];

	(void)state;
	for (size_t gone = 1; gone <= 50; gone++) {
		uint32_t size = make(50, 0, NULL, before), moved = 0;

		assert_int_equal(make(50, gone, NULL, after), size);
		for (uint32_t i = 0; i < size; i++)
			moved += before[i] != gone && before[i] != after[i];
		assert_int_equal(count_of(after, size, (uint8_t)gone), 0);
		assert_in_range(moved, 0, size / 20);
	}
}

static void the_table_is_the_same_on_every_host_and_release(void **state)
{
	static const uint8_t wanted[] = { 2, 2, 3, 2, 3, 3, 2, 3, 1, 2, 3, 2, 2, 2, 3, 2 };
	uint8_t table[SIZE_MAX_OF_TESTS];

	(void)state;
	(void)make(3, 0, NULL, table);
	assert_memory_equal(table, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_size_is_a_prime_that_grows_with_the_endpoints_and_their_weights),
		cmocka_unit_test(equal_weights_have_equal_shares_to_within_one_entry),
		cmocka_unit_test(shares_follow_the_weights),
		cmocka_unit_test(few_entries_of_others_change_when_one_goes),
		cmocka_unit_test(the_table_is_the_same_on_every_host_and_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
