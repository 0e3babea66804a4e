/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/sightings.h"

/* An answer of these, each a letter. */
static struct endpoints answer_of(const char *letters)
{
	struct endpoints e = { 0 };

	for (const char *p = letters; *p; p++) {
		const uint8_t octets[4] = { 10, 0, 0, (uint8_t)*p };
		const struct endpoint added = { .at = { addr_from_ipv4(octets), 80 }, .weight = 1 };

		assert_int_equal(endpoints_add(&e, &added), 0);
	}
	endpoints_normalise(&e);
	return e;
}

static void take(struct sightings *s, const char *letters, const char *there)
{
	_cleanup_(endpoints_done) struct endpoints answer = answer_of(letters);
	_cleanup_(endpoints_done) struct endpoints wanted = answer_of(there);
	_cleanup_(endpoints_done) struct endpoints got = { 0 };

	assert_int_equal(sightings_take(s, &answer, strlen(letters), &got), 0);
	assert_true(endpoints_equal(&got, &wanted));
}

static void answers_that_show_all_count_by_themselves(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };

	(void)state;
	take(&s, "", "");
	take(&s, "abc", "abc");
	take(&s, "d", "d");
	take(&s, "abcdefg", "abcdefg");
	take(&s, "abcdefghi", "abcdefghi");
	take(&s, "xyz", "xyz");
	assert_int_equal(s.n, 0);
}

static void answers_that_show_eight_add_up(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };

	(void)state;
	take(&s, "abcdefgh", "abcdefgh");
	take(&s, "bcdefghi", "abcdefghi");
	take(&s, "ghijklmn", "abcdefghijklmn");
	take(&s, "opqrstuv", "abcdefghijklmnopqrstuv");
}

static void who_is_not_drawn_any_more_is_gone_in_the_end(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };

	(void)state;
	take(&s, "abcdefgh", "abcdefgh");
	for (uint32_t i = 1; i < sightings_patience(9); i++)
		take(&s, "bcdefghi", "abcdefghi");
	take(&s, "bcdefghi", "bcdefghi");
	take(&s, "abcdefgh", "abcdefghi"); /* seen anew, it counts anew */
	take(&s, "bcdefghi", "abcdefghi");
}

static void who_is_there_is_known_after_some_answers(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };

	(void)state;
	assert_true(sightings_are_settled(&s, 3));
	for (int i = 0; i < 4; i++) {
		assert_false(sightings_are_settled(&s, 8));
		take(&s, "abcdefgh", "abcdefgh");
	}
	assert_true(sightings_are_settled(&s, 8));
	take(&s, "ijklmnop", "abcdefghijklmnop");
	for (uint32_t i = 5; i < sightings_patience(16); i++) {
		assert_false(sightings_are_settled(&s, 8));
		take(&s, i % 2 ? "abcdefgh" : "ijklmnop", "abcdefghijklmnop");
	}
	assert_true(sightings_are_settled(&s, 8));
	assert_true(sightings_are_settled(&s, 7));
}

static void an_answer_that_shows_fewer_forgets_nobody_at_once(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };

	(void)state;
	take(&s, "abcdefgh", "abcdefgh");
	take(&s, "ijklmnop", "abcdefghijklmnop");
	take(&s, "a", "a");
	take(&s, "", "");
	take(&s, "abcdefgh", "abcdefghijklmnop");
	for (uint32_t i = 0; i < sightings_patience(16); i++)
		take(&s, "a", "a");
	take(&s, "abcdefgh", "abcdefgh");
}

/* Whoever is there is missed that often once in a thousand times, or less. */
static void patience_grows_with_the_number(void **state)
{
	static const struct {
		size_t n;
		uint32_t answers;
	} rows[] = { { 0, 1 },	 { 8, 1 },   { 9, 4 },	  { 10, 5 },	{ 16, 10 },
		     { 20, 14 }, { 50, 40 }, { 100, 83 }, { 1000, 861 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sightings_patience(rows[i].n), rows[i].answers);
	assert_in_range(sightings_patience(ENDPOINTS_MAX), 14000, 14300);
}

static void a_union_beyond_the_limit_changes_nothing(void **state)
{
	_cleanup_(sightings_done) struct sightings s = { 0 };
	_cleanup_(endpoints_done) struct endpoints answer = { 0 }, got = { 0 };

	(void)state;
	for (uint32_t i = 0; i < ENDPOINTS_MAX; i++) {
		const uint8_t octets[4] = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i };
		const struct endpoint added = { .at = { addr_from_ipv4(octets), 80 } };

		assert_int_equal(endpoints_add(&answer, &added), 0);
	}
	assert_int_equal(sightings_take(&s, &answer, SIGHTINGS_DRAWN, &got), 0);
	assert_int_equal(got.n, ENDPOINTS_MAX);
	endpoints_done(&got);
	answer.list[0].at.port = 1;
	assert_int_equal(sightings_take(&s, &answer, SIGHTINGS_DRAWN, &got), -E2BIG);
	assert_int_equal(got.n, 0);
	assert_int_equal(s.n, ENDPOINTS_MAX);
	assert_int_equal(s.list[0].endpoint.at.port, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_that_show_all_count_by_themselves),
		cmocka_unit_test(answers_that_show_eight_add_up),
		cmocka_unit_test(who_is_not_drawn_any_more_is_gone_in_the_end),
		cmocka_unit_test(who_is_there_is_known_after_some_answers),
		cmocka_unit_test(an_answer_that_shows_fewer_forgets_nobody_at_once),
		cmocka_unit_test(patience_grows_with_the_number),
		cmocka_unit_test(a_union_beyond_the_limit_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
