/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/listing.h"

/* The words of a text, as a list would tell them. */
static struct cloudmap_names words(const char *text)
{
	struct cloudmap_names names = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;

	for (char *word; (word = strsep(&rest, " "));) {
		if (!*word)
			continue;
		assert_int_equal(util_grow(&names.list, &names.capacity, names.n + 1,
					   sizeof(*names.list)),
				 0);
		names.list[names.n++] = strdup(word);
	}
	return names;
}

/* Whether other services are in force after a list of so many pages at that time. */
static bool take(struct listing *l, const char *text, size_t pages, uint64_t now_ms)
{
	struct cloudmap_names names = words(text);
	const struct listing_answer answer = {
		.names = &names,
		.pages = pages,
		.confirm_ms = 30000,
		.now_ms = now_ms,
		.now_s = 1000,
	};
	bool changed;

	assert_int_equal(listing_take_answer(l, &answer, &changed), 0);
	cloudmap_names_done(&names);
	return changed;
}

static void has(const struct listing *l, const char *wanted)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < l->n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 l->names[i].text);
	assert_string_equal(text, wanted);
}

static void a_list_is_sorted_and_each_service_is_in_it_once(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };

	(void)state;
	assert_true(take(&l, "c a b a c", 1, 0));
	has(&l, "a b c");
	assert_false(take(&l, "b c a", 1, 1));
	assert_true(take(&l, "a b c B", 1, 2));
	has(&l, "B a b c");
}

static void what_a_list_of_one_page_lacks_goes_at_once(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };

	(void)state;
	take(&l, "a b c d", 1, 0);
	assert_true(take(&l, "a c e", 1, 1));
	has(&l, "a c e");
	assert_int_equal(l.doubted, 0);
}

static void what_a_list_of_several_pages_lacks_goes_when_the_next_lacks_it_too(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };

	(void)state;
	take(&l, "a b c d", 2, 0);
	assert_false(take(&l, "a c d", 2, 1));
	has(&l, "a b c d");
	assert_int_equal(l.doubted, 1);
	assert_false(take(&l, "a b d", 2, 2)); /* b is there after all, now c is not */
	assert_true(take(&l, "a b d", 2, 3));
	has(&l, "a b d");
}

static void a_shrink_is_believed_when_it_has_been_repeated_for_long_enough(void **state)
{
	static const char *const shrinks[] = { "", "a", "a f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shrinks); i++) {
		_cleanup_(listing_done) struct listing l = { 0 };

		take(&l, "a b c d e", 1, 0);
		take(&l, shrinks[i], 1, 1000);
		has(&l, i < 2 ? "a b c d e" : "a b c d e f");
		assert_true(l.shrink.held);
		take(&l, shrinks[i], 1, 30999);
		has(&l, i < 2 ? "a b c d e" : "a b c d e f");
		assert_true(take(&l, shrinks[i], 1, 31000));
		has(&l, shrinks[i]);
		assert_false(l.shrink.held);
	}
}

static void a_good_list_ends_a_shrink_and_half_is_none(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };

	(void)state;
	take(&l, "a b c d", 1, 0);
	take(&l, "", 1, 1000);
	take(&l, "a b c d", 1, 20000);
	assert_false(l.shrink.held);
	take(&l, "", 1, 31000); /* so doubted anew */
	has(&l, "a b c d");
	assert_true(take(&l, "a b", 1, 32000));
	has(&l, "a b");
}

static void a_failure_changes_nothing_and_is_told_until_the_next_list(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };

	(void)state;
	take(&l, "a b", 1, 0);
	listing_take_failure(&l, "ThrottlingException", "Rate exceeded", 5);
	listing_take_failure(&l, "ThrottlingException", "Rate exceeded", 6);
	has(&l, "a b");
	assert_int_equal(l.failure.count, 2);
	assert_string_equal(l.failure.code, "ThrottlingException");
	assert_int_equal(l.failure.at_ms, 6);
	take(&l, "a b", 1, 7);
	assert_int_equal(l.failure.count, 0);
}

static void what_an_earlier_run_knew_is_in_force_and_held_like_a_list(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };
	struct cloudmap_names names = words("b a c b");

	(void)state;
	assert_int_equal(listing_seed(&l, &names, 900), 0);
	cloudmap_names_done(&names);
	has(&l, "a b c");
	assert_false(l.answered);
	assert_int_equal(l.answered_s, 900);
	take(&l, "", 1, 50);
	has(&l, "a b c");
	assert_true(l.answered);
}

static void what_the_operator_filters_out_goes_at_once(void **state)
{
	_cleanup_(listing_done) struct listing l = { 0 };
	char *patterns[] = { "b*" };
	const struct config_namespace wanted = { .exclude = { patterns, 1 } };

	(void)state;
	take(&l, "a b bb c", 2, 0);
	take(&l, "a b c", 2, 1);
	assert_int_equal(l.doubted, 1);
	listing_filter(&l, &wanted);
	has(&l, "a c");
	assert_int_equal(l.doubted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_sorted_and_each_service_is_in_it_once),
		cmocka_unit_test(what_a_list_of_one_page_lacks_goes_at_once),
		cmocka_unit_test(
			what_a_list_of_several_pages_lacks_goes_when_the_next_lacks_it_too),
		cmocka_unit_test(a_shrink_is_believed_when_it_has_been_repeated_for_long_enough),
		cmocka_unit_test(a_good_list_ends_a_shrink_and_half_is_none),
		cmocka_unit_test(a_failure_changes_nothing_and_is_told_until_the_next_list),
		cmocka_unit_test(what_an_earlier_run_knew_is_in_force_and_held_like_a_list),
		cmocka_unit_test(what_the_operator_filters_out_goes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
