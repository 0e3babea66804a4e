/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "core/pace.h"

#define POLL_MS 1000

/* A service, whoever uses it, and how it answers. Time passes by what is due. */
struct scene {
	struct pace pace;
	struct pace_answer answer; /* what a full one would be now */
	enum pace_rank use;
	uint32_t random;
	uint64_t now_ms;
	bool scarce; /* full answers are */
};

static enum pace_question ask(struct scene *s)
{
	s->now_ms = s->pace.due_ms;
	return pace_question(&s->pace, s->scarce, s->now_ms);
}

static struct scene scene_of(bool always, bool has_health)
{
	struct scene s = {
		.answer = { .has_revision = true, .revision = 7, .has_health = has_health },
		.use = PACE_IN_USE
	};

	pace_init(&s.pace, POLL_MS, always, 0);
	return s;
}

/* The next question, answered well: 'A' for all, 'r' for a revision, after so long. */
static char beat(struct scene *s, uint64_t *ret_wait_ms)
{
	uint64_t wait_ms = s->pace.due_ms - s->now_ms;
	enum pace_question question = ask(s);

	if (question == PACE_ASK_ALL)
		pace_take_answer(&s->pace, &s->answer, s->use, s->now_ms, s->random);
	else
		(void)pace_take_revision(&s->pace, s->answer.revision, s->use, s->now_ms,
					 s->random);
	if (ret_wait_ms)
		*ret_wait_ms = wait_ms;
	return question == PACE_ASK_ALL ? 'A' : 'r';
}

/* The next questions as a word. */
static const char *beats(struct scene *s, char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		word[i] = beat(s, NULL);
	word[n] = '\0';
	return word;
}

static enum pace_question fail_next(struct scene *s, enum pace_failure failure)
{
	enum pace_question question = ask(s);

	pace_take_failure(&s->pace, question, failure, s->now_ms, s->random);
	return question;
}

static void health_is_asked_for_at_every_third_beat_and_else_now_and_then(void **state)
{
	static const struct {
		bool has_health;
		enum pace_rank use;
		const char *word;
	} rows[] = {
		{ true, PACE_IN_USE, "ArrArrArrArrArrArrArrArrA" },
		{ true, PACE_ASSUMED, "ArrArrArrArrArrArrArrArrA" },
		{ true, PACE_IDLE, "ArrrrrrrrrrrArrrrrrrrrrrA" },
		{ false, PACE_IN_USE, "ArrrrrrrrrrrArrrrrrrrrrrA" },
	};
	char word[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s = scene_of(false, rows[i].has_health);

		s.use = rows[i].use;
		assert_string_equal(beats(&s, word, strlen(rows[i].word)), rows[i].word);
	}
}

static void while_full_answers_are_scarce_health_waits_and_news_does_not(void **state)
{
	struct scene s = scene_of(true, true);
	char word[32];

	(void)state;
	s.scarce = true;
	assert_string_equal(beats(&s, word, 13), "ArrrrrrrrrrrA");
	assert_int_equal(beat(&s, NULL), 'r');
	s.answer.revision = 8;
	assert_string_equal(beats(&s, word, 3), "rAr");
	assert_int_equal(beat(&s, NULL), 'r');
	s.scarce = false;
	assert_int_equal(beat(&s, NULL), 'A');
}

static void of_whom_nothing_is_known_comes_with_those_in_use(void **state)
{
	struct scene s = scene_of(false, true);

	(void)state;
	s.use = PACE_IDLE;
	assert_int_equal(pace_rank(&s.pace), PACE_IN_USE);
	(void)fail_next(&s, PACE_FAILED);
	assert_int_equal(pace_rank(&s.pace), PACE_IN_USE);
	(void)beat(&s, NULL);
	assert_int_equal(pace_rank(&s.pace), PACE_IDLE);

	s = scene_of(false, true);
	assert_true(pace_wake(&s.pace, s.now_ms)); /* somebody waits for it */
	assert_int_equal(pace_rank(&s.pace), PACE_NEWS);
}

static void beats_are_a_poll_apart_a_twentieth_early_and_never_late(void **state)
{
	struct scene s = scene_of(true, true);
	uint64_t wait_ms;

	(void)state;
	s.random = 5 * POLL_MS + 77;
	(void)beat(&s, NULL);
	(void)beat(&s, &wait_ms);
	assert_int_equal(wait_ms, POLL_MS - 77); /* at any time of the first */
	for (s.random = 0; s.random < 1000; s.random++) {
		(void)beat(&s, &wait_ms);
		assert_in_range(wait_ms, POLL_MS * 95 / 100, POLL_MS);
	}
}

static void what_has_fallen_behind_does_not_catch_up(void **state)
{
	struct scene s = scene_of(true, true);
	uint64_t wait_ms;

	(void)state;
	(void)beat(&s, NULL);
	s.now_ms = s.pace.due_ms + 60 * POLL_MS; /* the answer took that long */
	pace_take_answer(&s.pace, &s.answer, PACE_IN_USE, s.now_ms, 0);
	assert_int_equal(s.pace.due_ms, s.now_ms);
	(void)beat(&s, &wait_ms);
	(void)beat(&s, &wait_ms);
	assert_int_equal(wait_ms, POLL_MS);
}

static void all_is_asked_for_at_once_when_the_revision_has_changed(void **state)
{
	struct scene s = scene_of(true, false);
	uint64_t wait_ms;
	char word[8];

	(void)state;
	assert_string_equal(beats(&s, word, 3), "Arr");
	s.answer.revision = 8;
	assert_int_equal(beat(&s, NULL), 'r');
	assert_int_equal(pace_rank(&s.pace), PACE_NEWS);
	assert_int_equal(beat(&s, &wait_ms), 'A');
	assert_int_equal(wait_ms, 0);
	assert_int_equal(pace_rank(&s.pace), PACE_IN_USE);
	assert_string_equal(beats(&s, word, 3), "rrr");
	s.answer.revision = 1; /* made anew */
	assert_string_equal(beats(&s, word, 3), "rAr");
}

/* The two calls may be answered from different places, one behind the other. */
static void a_full_answer_that_lags_behind_its_revision_is_asked_for_again(void **state)
{
	struct scene s = scene_of(true, false);

	(void)state;
	(void)beat(&s, NULL);
	assert_int_equal(ask(&s), PACE_ASK_REVISION);
	assert_false(pace_take_revision(&s.pace, 8, PACE_IN_USE, s.now_ms, 0));
	assert_int_equal(beat(&s, NULL), 'A'); /* still of revision 7 */
	assert_int_equal(ask(&s), PACE_ASK_REVISION);
	assert_false(pace_take_revision(&s.pace, 8, PACE_IN_USE, s.now_ms, 0));
	s.answer.revision = 8;
	assert_int_equal(beat(&s, NULL), 'A');
	assert_int_equal(beat(&s, NULL), 'r');
}

static void without_a_revision_in_the_answer_or_while_it_is_doubted_all_is_asked_for(void **state)
{
	struct scene s = scene_of(true, false);
	char word[8];

	(void)state;
	s.answer.has_revision = false;
	assert_string_equal(beats(&s, word, 4), "AAAA");
	s.answer.has_revision = true;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(beat(&s, NULL), 'A');
		pace_doubt(&s.pace, true);
	}
	assert_string_equal(beats(&s, word, 3), "Arr");
}

static void an_endpoint_without_revisions_is_tried_again_much_later(void **state)
{
	struct scene s = scene_of(true, false);
	unsigned int all = 0;

	(void)state;
	(void)beat(&s, NULL);
	assert_int_equal(fail_next(&s, PACE_LACKS), PACE_ASK_REVISION);
	assert_int_equal(s.pace.due_ms, s.now_ms);
	while (beat(&s, NULL) == 'A')
		all++;
	assert_in_range(all, PACE_LACKS_MS / POLL_MS, PACE_LACKS_MS / POLL_MS * 12 / 10);
	assert_int_equal(beat(&s, NULL), 'r');
}

static void back_off_never_exceeds_15_s_and_ends_with_the_first_good_answer(void **state)
{
	(void)state;
	for (uint32_t random = 0; random < 2000; random++) {
		struct scene s = scene_of(random % 2, random % 3);
		uint64_t wait_ms = 0;

		s.random = random * 2654435761u;
		s.use = random % 5 ? PACE_IN_USE : PACE_IDLE;
		for (uint32_t failures = random % 40; failures > 0; failures--) {
			(void)fail_next(&s, PACE_FAILED);
			assert_in_range(s.pace.due_ms - s.now_ms, 1, PACE_BACKOFF_MAX_MS);
		}
		(void)beat(&s, NULL);
		(void)beat(&s, &wait_ms);
		assert_true(wait_ms <= (s.pace.rank == PACE_IDLE ? s.pace.idle_ms : POLL_MS));
	}
}

/* Or a service whose full answers fail would be believed for its revisions. */
static void a_full_answer_that_failed_is_what_is_asked_for_next(void **state)
{
	struct scene s = scene_of(true, true);
	char word[8];

	(void)state;
	assert_string_equal(beats(&s, word, 3), "Arr");
	for (int i = 0; i < 5; i++)
		assert_int_equal(fail_next(&s, PACE_FAILED), PACE_ASK_ALL);
	assert_string_equal(beats(&s, word, 3), "Arr");
	assert_string_equal(beats(&s, word, 2), "Ar");
	assert_int_equal(fail_next(&s, PACE_THROTTLED), PACE_ASK_REVISION);
	assert_int_equal(fail_next(&s, PACE_FAILED), PACE_ASK_ALL); /* health is due all the same */
}

static void where_revisions_fail_all_is_asked_for_unless_it_is_for_asking_too_much(void **state)
{
	struct scene s = scene_of(true, false);

	(void)state;
	(void)beat(&s, NULL);
	assert_int_equal(fail_next(&s, PACE_FAILED), PACE_ASK_REVISION);
	assert_int_equal(beat(&s, NULL), 'A');
	assert_int_equal(fail_next(&s, PACE_THROTTLED), PACE_ASK_REVISION);
	assert_int_equal(beat(&s, NULL), 'r');
}

static void what_nobody_uses_is_asked_for_seldom_and_at_once_when_used(void **state)
{
	struct scene s = scene_of(false, true);
	uint64_t wait_ms;

	(void)state;
	s.use = PACE_IDLE;
	(void)beat(&s, NULL);
	(void)beat(&s, NULL);
	(void)beat(&s, &wait_ms);
	assert_int_equal(wait_ms, PACE_IDLE_POLLS * POLL_MS);
	s.now_ms += 100;
	assert_true(pace_wake(&s.pace, s.now_ms));
	assert_false(pace_wake(&s.pace, s.now_ms));
	assert_int_equal(pace_rank(&s.pace), PACE_NEWS);
	s.use = PACE_IN_USE;
	assert_int_equal(beat(&s, &wait_ms), 'A');
	assert_int_equal(wait_ms, 0);
	assert_int_equal(beat(&s, &wait_ms), 'r');
	assert_int_equal(wait_ms, POLL_MS);
	assert_false(pace_wake(&s.pace, s.now_ms));
}

static void idle_is_five_minutes_at_most_and_a_poll_at_least(void **state)
{
	static const struct {
		uint32_t poll_ms, idle_ms;
	} rows[] = { { 100, 1200 },
		     { 5000, 60000 },
		     { 10000, 120000 },
		     { 60000, 300000 },
		     { 600000, 600000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pace p;

		pace_init(&p, rows[i].poll_ms, false, 0);
		assert_int_equal(p.idle_ms, rows[i].idle_ms);
	}
}

static void a_service_that_is_always_watched_is_never_idle(void **state)
{
	struct scene s = scene_of(true, true);
	char word[8];

	(void)state;
	s.use = PACE_IDLE;
	assert_string_equal(beats(&s, word, 7), "ArrArrA");
	assert_int_equal(pace_rank(&s.pace), PACE_IN_USE);
	assert_false(pace_wake(&s.pace, s.now_ms));
}

static void a_refresh_during_a_question_for_a_revision_asks_for_all_after_it(void **state)
{
	struct scene s = scene_of(true, false);

	(void)state;
	(void)beat(&s, NULL);
	assert_int_equal(ask(&s), PACE_ASK_REVISION);
	pace_refresh(&s.pace, s.now_ms);
	assert_true(pace_take_revision(&s.pace, 7, PACE_IN_USE, s.now_ms, 0));
	assert_int_equal(s.pace.due_ms, s.now_ms);
	assert_int_equal(beat(&s, NULL), 'A');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_is_asked_for_at_every_third_beat_and_else_now_and_then),
		cmocka_unit_test(while_full_answers_are_scarce_health_waits_and_news_does_not),
		cmocka_unit_test(of_whom_nothing_is_known_comes_with_those_in_use),
		cmocka_unit_test(beats_are_a_poll_apart_a_twentieth_early_and_never_late),
		cmocka_unit_test(what_has_fallen_behind_does_not_catch_up),
		cmocka_unit_test(all_is_asked_for_at_once_when_the_revision_has_changed),
		cmocka_unit_test(a_full_answer_that_lags_behind_its_revision_is_asked_for_again),
		cmocka_unit_test(
			without_a_revision_in_the_answer_or_while_it_is_doubted_all_is_asked_for),
		cmocka_unit_test(an_endpoint_without_revisions_is_tried_again_much_later),
		cmocka_unit_test(back_off_never_exceeds_15_s_and_ends_with_the_first_good_answer),
		cmocka_unit_test(a_full_answer_that_failed_is_what_is_asked_for_next),
		cmocka_unit_test(
			where_revisions_fail_all_is_asked_for_unless_it_is_for_asking_too_much),
		cmocka_unit_test(what_nobody_uses_is_asked_for_seldom_and_at_once_when_used),
		cmocka_unit_test(idle_is_five_minutes_at_most_and_a_poll_at_least),
		cmocka_unit_test(a_service_that_is_always_watched_is_never_idle),
		cmocka_unit_test(a_refresh_during_a_question_for_a_revision_asks_for_all_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
