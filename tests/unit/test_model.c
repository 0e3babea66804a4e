/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/model.h"

#define CONFIRM_MS 30000

/* "abc" -> 10.0.0.'a', 10.0.0.'b', 10.0.0.'c', each on port 80. */
static struct endpoints endpoints_of(const char *letters)
{
	struct endpoints e = { 0 };

	for (const char *letter = letters; *letter; letter++) {
		uint8_t octets[4] = { 10, 0, 0, (uint8_t)*letter };
		struct endpoint one = { .weight = 1, .state = STATE_HEALTHY };

		one.at.addr = addr_from_ipv4(octets);
		one.at.port = 80;
		assert_int_equal(endpoints_add(&e, &one), 0);
	}
	endpoints_normalise(&e);
	return e;
}

static void assert_in_force(const struct model *m, const char *letters)
{
	_cleanup_(endpoints_done) struct endpoints wanted = endpoints_of(letters);

	assert_true(endpoints_equal(&m->in_force, &wanted));
}

static bool answer(struct model *m, const char *letters, uint64_t now_ms)
{
	_cleanup_(endpoints_done) struct endpoints e = endpoints_of(letters);
	const struct model_answer a = {
		.endpoints = &e,
		.confirm_ms = CONFIRM_MS,
		.now_ms = now_ms,
		.now_s = 1700000000 + (int64_t)now_ms / 1000,
	};
	bool changed;

	assert_int_equal(model_take_answer(m, &a, &changed), 0);
	return changed;
}

/* Each row: answers at these seconds, and what is in force after each. */
static void a_shrink_is_held_until_it_has_been_confirmed(void **state)
{
	static const struct {
		const char *says;
		struct {
			unsigned int at_s;
			const char *answered, *in_force;
			bool held;
		} steps[6];
	} rows[] = {
		{ "a first answer counts, even an empty one",
		  { { 0, "", "", false }, { 5, "abc", "abc", false } } },
		{ "exactly half is no shrink",
		  { { 0, "abcd", "abcd", false }, { 5, "ab", "ab", false } } },
		{ "one of two is no shrink", { { 0, "ab", "ab", false }, { 5, "a", "a", false } } },
		{ "one of three is, and goes after thirty seconds of it",
		  { { 0, "abc", "abc", false },
		    { 5, "a", "abc", true },
		    { 34, "a", "abc", true },
		    { 35, "a", "a", false } } },
		{ "an empty answer too",
		  { { 0, "a", "a", false }, { 5, "", "a", true }, { 35, "", "", false } } },
		{ "what a shrink adds counts at once",
		  { { 0, "abcd", "abcd", false },
		    { 5, "e", "abcde", true },
		    { 35, "e", "e", false } } },
		{ "a good answer ends the doubt",
		  { { 0, "abc", "abc", false },
		    { 5, "a", "abc", true },
		    { 10, "abc", "abc", false },
		    { 36, "a", "abc", true },
		    { 65, "a", "abc", true } } },
		{ "a whole exchange is no shrink",
		  { { 0, "abc", "abc", false }, { 5, "xyz", "xyz", false } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(model_done) struct model m = { 0 };

		for (size_t j = 0; j < ARRAY_SIZE(rows[i].steps) && rows[i].steps[j].answered;
		     j++) {
			(void)answer(&m, rows[i].steps[j].answered, rows[i].steps[j].at_s * 1000);
			assert_in_force(&m, rows[i].steps[j].in_force);
			assert_int_equal(m.shrink.held, rows[i].steps[j].held);
		}
	}
}

static void an_answer_that_only_adds_removes_nobody_and_is_no_shrink(void **state)
{
	_cleanup_(endpoints_done) struct endpoints left = endpoints_of("abc");
	_cleanup_(endpoints_done) struct endpoints some = endpoints_of("cd");
	_cleanup_(model_done) struct model m = { 0 };
	struct model_answer a = { .endpoints = &some, .adds_only = true, .now_s = 1 };
	bool changed;

	(void)state;
	model_seed(&m, &left, MODEL_FROM_KERNEL);
	for (a.now_ms = 1000; a.now_ms < 100000; a.now_ms += 1000) {
		assert_int_equal(model_take_answer(&m, &a, &changed), 0);
		assert_in_force(&m, "abcd");
		assert_false(m.shrink.held);
	}
	model_new_source(&m); /* nor as the first answer of a new source */
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_in_force(&m, "abcd");
	a.adds_only = false;
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_in_force(&m, "cd");
}

static void who_stands_in_neither_answers_nor_ends_the_failures(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = endpoints_of("abcx");
	_cleanup_(model_done) struct model m = { 0 };
	struct model_answer a = { .endpoints = &e,
				  .stands_in = true,
				  .note = "DNS",
				  .now_ms = 60000,
				  .now_s = 9,
				  .confirm_ms = CONFIRM_MS };
	char text[MODEL_TEXT_MAX];
	bool changed;

	(void)state;
	(void)answer(&m, "abc", 1000);
	model_take_failure(&m, "timeout", "", 50000);
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_true(changed);
	assert_in_force(&m, "abcx");
	assert_int_equal(m.failure.count, 1);
	assert_int_equal(m.answered_ms, 1000);
	assert_int_equal(m.answered_s, 1700000001);
	model_describe(&m, 61000, text);
	assert_string_equal(text, "4 backends of who stands in");
	(void)answer(&m, "abc", 62000);
	assert_in_force(&m, "abc");
	model_describe(&m, 63000, text);
	assert_string_equal(text, "3 backends of 1 s ago");
	assert_null(m.note);
}

static void the_last_answer_told_again_is_as_old_as_it_was(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = endpoints_of("abx");
	_cleanup_(model_done) struct model m = { 0 };
	const struct model_answer a = {
		.endpoints = &e, .again = true, .now_ms = 9000, .now_s = 9
	};
	bool changed;

	(void)state;
	(void)answer(&m, "abc", 1000);
	model_take_failure(&m, "timeout", "", 5000);
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_in_force(&m, "abx");
	assert_int_equal(m.failure.count, 1);
	assert_int_equal(m.answered_ms, 1000);
	assert_false(m.stood_in);
}

static void what_an_answer_has_to_tell_is_kept_until_the_next(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = endpoints_of("a");
	_cleanup_(model_done) struct model m = { 0 };
	struct model_answer a = { .endpoints = &e, .note = "drawn by lot" };
	bool changed;

	(void)state;
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_string_equal(m.note, "drawn by lot");
	model_take_failure(&m, "timeout", "", 1);
	assert_string_equal(m.note, "drawn by lot");
	model_take_note(&m, "more than a pointer's worth of octets");
	assert_string_equal(m.note, "more than a pointer's worth of octets");
	(void)answer(&m, "a", 2);
	assert_null(m.note);
}

static void a_failure_changes_nothing_in_force(void **state)
{
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	(void)answer(&m, "abc", 0);
	for (uint64_t s = 1; s < 1000; s++)
		model_take_failure(&m, "RequestLimitExceeded", "Rate exceeded", s * 1000);
	assert_in_force(&m, "abc");
	assert_int_equal(m.failure.count, 999);
	assert_string_equal(m.failure.code, "RequestLimitExceeded");
	(void)answer(&m, "abc", 1000000);
	assert_int_equal(m.failure.count, 0);
}

static void a_failure_neither_confirms_nor_ends_a_shrink(void **state)
{
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	(void)answer(&m, "abc", 0);
	(void)answer(&m, "", 5000);
	model_take_failure(&m, "timeout", "", 36000);
	assert_in_force(&m, "abc");
	assert_true(m.shrink.held);
	(void)answer(&m, "", 40000);
	assert_in_force(&m, "");
}

static void what_an_earlier_run_left_is_held_like_an_answer(void **state)
{
	_cleanup_(endpoints_done) struct endpoints left = endpoints_of("abc");
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	model_seed(&m, &left, MODEL_FROM_KERNEL);
	assert_int_equal(left.n, 0);
	assert_false(answer(&m, "", 1000));
	assert_in_force(&m, "abc");
	assert_true(answer(&m, "", 31000));
	assert_in_force(&m, "");
}

/* Its age does not make it an answer of another source, whose word would count at once. */
static void the_last_known_good_is_held_like_an_answer(void **state)
{
	_cleanup_(endpoints_done) struct endpoints left = endpoints_of("abc");
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	model_seed(&m, &left, MODEL_FROM_FILE);
	model_seed_age(&m, 1600000000, 500, 1700000000);
	assert_false(answer(&m, "a", 1000));
	assert_in_force(&m, "abc");
	assert_true(m.shrink.held);
	assert_true(answer(&m, "a", 31000));
	assert_in_force(&m, "a");
}

static void a_static_source_is_never_held(void **state)
{
	_cleanup_(endpoints_done) struct endpoints none = { 0 };
	_cleanup_(model_done) struct model m = { 0 };
	const struct model_answer a = { .endpoints = &none, .never_held = true, .confirm_ms = 1 };
	bool changed;

	(void)state;
	(void)answer(&m, "abc", 0);
	assert_int_equal(model_take_answer(&m, &a, &changed), 0);
	assert_true(changed);
	assert_in_force(&m, "");
}

static void the_first_answer_of_a_new_source_counts_whole_unless_empty(void **state)
{
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	(void)answer(&m, "abc", 0);
	model_new_source(&m);
	(void)answer(&m, "x", 1000);
	assert_in_force(&m, "x");
	(void)answer(&m, "abc", 2000);
	model_new_source(&m);
	(void)answer(&m, "", 3000);
	assert_in_force(&m, "abc");
}

static void the_same_answer_is_no_change(void **state)
{
	_cleanup_(model_done) struct model m = { 0 };

	(void)state;
	assert_true(answer(&m, "abc", 0));
	assert_false(answer(&m, "cba", 1000));
}

static void it_is_described_with_its_age(void **state)
{
	_cleanup_(endpoints_done) struct endpoints left = endpoints_of("a");
	_cleanup_(model_done) struct model m = { 0 };
	char text[MODEL_TEXT_MAX];

	(void)state;
	model_describe(&m, 5000, text);
	assert_string_equal(text, "nothing, for there has been no answer yet");
	model_seed(&m, &left, MODEL_FROM_KERNEL);
	model_describe(&m, 5000, text);
	assert_string_equal(text, "1 backend of an earlier run");
	model_seed_age(&m, 1700000000, 5000, 1700000060); /* before this boot */
	model_describe(&m, 6000, text);
	assert_string_equal(text, "1 backend of an earlier run, 61 s old");
	m.from = MODEL_FROM_FILE;
	model_describe(&m, 6000, text);
	assert_string_equal(text, "1 backend, last known good, from state_dir, 61 s old");
	(void)answer(&m, "abc", 10000);
	model_describe(&m, 50999, text);
	assert_string_equal(text, "3 backends of 40 s ago");
}

static void word_that_nothing_has_changed_is_as_good_as_an_answer_and_confirms_no_shrink(
	void **state)
{
	_cleanup_(model_done) struct model m = { 0 };
	char text[MODEL_TEXT_MAX];

	(void)state;
	(void)answer(&m, "abc", 0);
	(void)answer(&m, "", 1000);
	model_take_failure(&m, "timeout", "", 20000);
	model_take_same(&m, 60000, 1700000060);
	assert_int_equal(m.failure.count, 0);
	assert_int_equal(m.answered_s, 1700000060);
	assert_in_force(&m, "abc");
	assert_true(m.shrink.held);
	model_describe(&m, 62000, text);
	assert_string_equal(text, "3 backends of 2 s ago");
}

static void a_clock_that_was_set_back_makes_nothing_younger_than_now(void **state)
{
	_cleanup_(endpoints_done) struct endpoints left = endpoints_of("ab");
	_cleanup_(model_done) struct model m = { 0 };
	char text[MODEL_TEXT_MAX];

	(void)state;
	model_seed(&m, &left, MODEL_FROM_FILE);
	model_seed_age(&m, 1700000060, 5000, 1700000000);
	model_describe(&m, 7000, text);
	assert_string_equal(text, "2 backends, last known good, from state_dir, 2 s old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shrink_is_held_until_it_has_been_confirmed),
		cmocka_unit_test(an_answer_that_only_adds_removes_nobody_and_is_no_shrink),
		cmocka_unit_test(who_stands_in_neither_answers_nor_ends_the_failures),
		cmocka_unit_test(the_last_answer_told_again_is_as_old_as_it_was),
		cmocka_unit_test(what_an_answer_has_to_tell_is_kept_until_the_next),
		cmocka_unit_test(a_failure_changes_nothing_in_force),
		cmocka_unit_test(a_failure_neither_confirms_nor_ends_a_shrink),
		cmocka_unit_test(what_an_earlier_run_left_is_held_like_an_answer),
		cmocka_unit_test(the_last_known_good_is_held_like_an_answer),
		cmocka_unit_test(a_static_source_is_never_held),
		cmocka_unit_test(the_first_answer_of_a_new_source_counts_whole_unless_empty),
		cmocka_unit_test(the_same_answer_is_no_change),
		cmocka_unit_test(it_is_described_with_its_age),
		cmocka_unit_test(
			word_that_nothing_has_changed_is_as_good_as_an_answer_and_confirms_no_shrink),
		cmocka_unit_test(a_clock_that_was_set_back_makes_nothing_younger_than_now),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
