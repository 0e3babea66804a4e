/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/profiles.h"

static int read_text(struct profiles *p, enum profiles_form form, const char *text,
		     char error[static PROFILES_ERROR_MAX])
{
	return profiles_read(p, form, text, strlen(text), error);
}

static void the_two_files_are_read_as_one(void **state)
{
	static const char config[] = "# of the team\n"
				     "[default]\n"
				     "region = eu-west-1\n"
				     "s3 =\n"
				     "    max_concurrent_requests = 20\n"
				     "    region = nested\n"
				     "aws_access_key_id = OLD\n"
				     "\n"
				     "[profile prod]\n"
				     "  Role_Arn=arn:aws:iam::1:role/a   ; of the task\n"
				     "  source_profile : default\r\n"
				     "[profile \"with space\"]\n"
				     "region=us-east-1\n"
				     "[sso-session corp]\n"
				     "sso_region = us-west-2\n"
				     "[prod]\n"
				     "region = ignored\n"
				     "[services dev]\n"
				     "dynamodb =\n"
				     "  endpoint_url = http://localhost:8000\n";
	static const char credentials[] = "[default]\n"
					  "aws_access_key_id = AKID\n"
					  "aws_secret_access_key = a#b;c=d\n"
					  "empty =\n"
					  "[prod]\n"
					  "aws_session_token = first\n"
					  "aws_session_token = second";
	static const struct {
		const char *profile, *name, *value;
	} rows[] = {
		{ "default", "region", "eu-west-1" },
		{ "default", "aws_access_key_id", "AKID" },
		{ "default", "aws_secret_access_key", "a#b;c=d" },
		{ "default", "empty", NULL },
		{ "default", "max_concurrent_requests", NULL },
		{ "prod", "role_arn", "arn:aws:iam::1:role/a" },
		{ "prod", "source_profile", "default" },
		{ "prod", "aws_session_token", "second" },
		{ "prod", "region", NULL },
		{ "with space", "region", "us-east-1" },
		{ "corp", "sso_region", NULL },
		{ "none", "region", NULL },
	};
	char error[PROFILES_ERROR_MAX] = "";
	struct profiles p = { 0 };

	(void)state;
	assert_int_equal(read_text(&p, PROFILES_CONFIG, config, error), 0);
	assert_int_equal(read_text(&p, PROFILES_CREDENTIALS, credentials, error), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = profiles_get(&p, rows[i].profile, rows[i].name);

		if (rows[i].value)
			assert_string_equal(value, rows[i].value);
		else
			assert_null(value);
	}
	assert_true(profiles_has(&p, "with space"));
	assert_false(profiles_has(&p, "corp"));
	assert_false(profiles_has(&p, "dev"));
	profiles_done(&p);
	assert_false(profiles_has(&p, "default"));
}

static void a_fault_is_told_by_its_line_without_its_text(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "key = secret\n", "line 1: wanted a [section] before the first key" },
		{ "[default\n", "line 1: a section without ]" },
		{ "[default]\n\n# x\nsecret\n", "line 4: wanted key = value" },
		{ "[default]\n= secret\n", "line 2: wanted key = value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[PROFILES_ERROR_MAX] = "";
		struct profiles p = { 0 };

		assert_int_equal(read_text(&p, PROFILES_CREDENTIALS, rows[i].text, error),
				 -EBADMSG);
		assert_string_equal(error, rows[i].error);
		profiles_done(&p);
	}
}

static void what_is_no_text_or_has_no_end_is_refused(void **state)
{
	enum { KEYS = PROFILES_KEYS_MAX + 1 };
	char error[PROFILES_ERROR_MAX] = "", *many = NULL;
	struct profiles p = { 0 };
	size_t length;
	FILE *to = open_memstream(&many, &length);

	(void)state;
	assert_int_equal(profiles_read(&p, PROFILES_CONFIG, "[a]\n\0b", 6, error), -EBADMSG);
	assert_string_equal(error, "it is no text: it has a NUL");
	(void)fputs("[default]\n", to);
	for (int i = 0; i < KEYS; i++)
		(void)fputs("a=b\n", to);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(read_text(&p, PROFILES_CONFIG, many, error), -EBADMSG);
	assert_string_equal(error, "line 10001: more than 10000 keys");
	profiles_done(&p);
	free(many);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_files_are_read_as_one),
		cmocka_unit_test(a_fault_is_told_by_its_line_without_its_text),
		cmocka_unit_test(what_is_no_text_or_has_no_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
