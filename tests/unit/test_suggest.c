/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ctl/suggest.h"

static void the_nearest_word_is_suggested(void **state)
{
	static const char *const known[] = { "show",   "status",  "explain",
					     "reload", "refresh", "backend.internal.myapp" };
	static const struct {
		const char *typed, *suggested;
	} cases[] = {
		{ "shwo", "show" },
		{ "sho", "show" },
		{ "stats", "status" },
		{ "explian", "explain" },
		{ "relaod", "reload" },
		{ "backend.internal.myap", "backend.internal.myapp" },
		{ "backed.internl.mapp", "backend.internal.myapp" },
		{ "trace", NULL },
		{ "doctor", NULL },
		{ "x", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct suggestion near = { 0 };

		for (size_t j = 0; j < ARRAY_SIZE(known); j++)
			suggest_consider(&near, cases[i].typed, known[j]);
		if (cases[i].suggested)
			assert_string_equal(near.word, cases[i].suggested);
		else
			assert_null(near.word);
	}
}

static void words_too_long_are_not_compared(void **state)
{
	char long_word[SUGGEST_WORD_MAX + 1];
	struct suggestion near = { 0 };

	(void)state;
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	suggest_consider(&near, long_word, long_word);
	assert_null(near.word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(words_too_long_are_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
