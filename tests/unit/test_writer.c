/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/json.h"
#include "core/writer.h"

static const struct writer_column columns[] = {
	{ "name", "NAME", false },	    { "id", NULL, true },      { "weight", "WEIGHT", true },
	{ "share_percent", "SHARE", true }, { "zone", "ZONE", false },
};

static void tell(struct writer *w)
{
	writer_say(w, "target", "%s goes to one of %d", "backend", 2);
	writer_table(w, "backends", columns, ARRAY_SIZE(columns));
	writer_text(w, "10.0.1.91:3000");
	writer_count(w, 7);
	writer_named(w, 1000, "many");
	writer_fixed(w, 200.0 / 3);
	writer_text(w, "us-east-1a");
	writer_text(w, "caf\xc3\xa9 \"x\"\x1b[2J\xff");
	writer_count(w, 8);
	writer_count(w, 1);
	writer_fixed(w, 100.0 / 3);
	writer_none(w);
	writer_table(w, "none", columns, 1);
	writer_say(w, "end", "That is all.");
}

static char *written(enum writer_form form, void (*told)(struct writer *w))
{
	_cleanup_(writer_free_p) struct writer *w = NULL;
	char *text = NULL;
	size_t length;

	assert_int_equal(writer_new(form, &w), 0);
	told(w);
	assert_int_equal(writer_take(w, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	return text;
}

static void columns_are_aligned_for_people(void **state)
{
	_cleanup_free_ char *text = written(WRITER_TEXT, tell);

	(void)state;
	assert_string_equal(text, "backend goes to one of 2\n"
				  "\n"
				  "NAME                 WEIGHT  SHARE  ZONE\n"
				  "10.0.1.91:3000         many   66.7  us-east-1a\n"
				  "caf\xc3\xa9 \"x\"\\x1b[2J\\xff       1   33.3  -\n"
				  "\n"
				  "NAME\n"
				  "That is all.\n");
}

static void the_same_is_json_for_programs(void **state)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	_cleanup_free_ char *text = written(WRITER_JSON, tell);
	struct json_fault fault;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), 8, &json, &fault), 0);
	assert_string_equal(text,
			    "{\n"
			    "  \"target\": \"backend goes to one of 2\",\n"
			    "  \"backends\": [\n"
			    "    {\"name\": \"10.0.1.91:3000\", \"id\": 7, \"weight\": 1000, "
			    "\"share_percent\": 66.7, \"zone\": \"us-east-1a\"},\n"
			    "    {\"name\": \"caf\xc3\xa9 \\\"x\\\"\\\\x1b[2J\\\\xff\", \"id\": 8, "
			    "\"weight\": 1, \"share_percent\": 33.3, \"zone\": null}\n"
			    "  ],\n"
			    "  \"none\": [],\n"
			    "  \"end\": \"That is all.\"\n"
			    "}\n");
}

static void tell_nothing(struct writer *w)
{
	(void)w;
}

static void nothing_is_an_empty_object_or_text(void **state)
{
	_cleanup_free_ char *text = written(WRITER_TEXT, tell_nothing);
	_cleanup_free_ char *json = written(WRITER_JSON, tell_nothing);

	(void)state;
	assert_string_equal(text, "");
	assert_string_equal(json, "{}\n");
}

static void a_writer_may_be_freed_untaken(void **state)
{
	_cleanup_(writer_free_p) struct writer *w = NULL;

	(void)state;
	assert_int_equal(writer_new(WRITER_TEXT, &w), 0);
	tell(w);
	writer_table(w, "more", columns, ARRAY_SIZE(columns));
	writer_text(w, "half a row");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_for_people),
		cmocka_unit_test(the_same_is_json_for_programs),
		cmocka_unit_test(nothing_is_an_empty_object_or_text),
		cmocka_unit_test(a_writer_may_be_freed_untaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
