/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/credentials_wire.h"

#define SET(id, key, token, expiration)                                                            \
	"{\"RoleArn\":\"arn\",\"AccessKeyId\":" id ",\"SecretAccessKey\":" key ",\"Token\":" token \
	",\"Expiration\":" expiration "}"

static void a_set_is_read(void **state)
{
	static const char *const times[] = { "\"2026-11-20T22:16:37Z\"",
					     "\"2026-11-20T22:16:37.123456Z\"",
					     "\"2026-11-20T22:16:37+00:00\"" };
	char body[256], error[CREDENTIALS_WIRE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct credentials_set set = { 0 };

		(void)snprintf(body, sizeof(body), SET("\"ASIA\"", "\"s/+=\"", "\"t==\"", "%s"),
			       times[i]);
		assert_int_equal(credentials_wire_parse(body, strlen(body), &set, error), 0);
		assert_string_equal(set.access_key_id, "ASIA");
		assert_string_equal(set.secret_access_key, "s/+=");
		assert_string_equal(set.session_token, "t==");
		assert_int_equal(set.expires_s, 1795212997);
		credentials_set_done(&set);
		assert_null(set.secret_access_key);
	}
}

static void what_is_missing_or_wrong_is_named_and_never_shown(void **state)
{
	static const struct {
		const char *body, *error;
	} rows[] = {
		{ "", "the answer is not a JSON object" },
		{ "{\"AccessKeyId\":\"verysecret\"", "the answer is not a JSON object" },
		{ "[\"verysecret\"]", "the answer is not a JSON object" },
		{ "{}", "AccessKeyId is missing" },
		{ "{\"AccessKeyId\":\"verysecret\",\"SecretAccessKey\":\"b\"}",
		  "Token is missing" },
		{ "{\"AccessKeyId\":\"verysecret\",\"AccessKeyId\":\"b\"}",
		  "AccessKeyId is there twice" },
		{ SET("7", "\"b\"", "\"c\"", "\"d\""),
		  "AccessKeyId: got a number, wanted a string" },
		{ SET("\"a\"", "null", "\"c\"", "\"d\""),
		  "SecretAccessKey: got null, wanted a string" },
		{ SET("\"a\"", "\"\"", "\"c\"", "\"d\""),
		  "SecretAccessKey: wanted visible characters only" },
		{ SET("\"a\"", "\"b\"", "\"verysecret\\r\\nX: y\"", "\"d\""),
		  "Token: wanted visible characters only" },
		{ SET("\"a\"", "\"b\"", "\"very secret\"", "\"d\""),
		  "Token: wanted visible characters only" },
		{ SET("\"a\"", "\"b\"", "\"c\"", "\"tomorrow\""),
		  "Expiration: wanted a time like 2026-11-20T22:16:37Z" },
		{ SET("\"a\"", "\"b\"", "\"c\"", "\"2026-13-20T22:16:37Z\""),
		  "Expiration: wanted a time like 2026-11-20T22:16:37Z" },
		{ SET("\"a\"", "\"b\"", "\"c\"", "\"2026-11-20T22:16:37\""),
		  "Expiration: wanted a time like 2026-11-20T22:16:37Z" },
		{ SET("\"a\"", "\"b\"", "\"c\"", "1795212997"),
		  "Expiration: got a number, wanted a string" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credentials_set set = { .serial = 9 };
		char error[CREDENTIALS_WIRE_ERROR_MAX] = "";

		assert_int_equal(credentials_wire_parse(rows[i].body, strlen(rows[i].body), &set,
							error),
				 -EBADMSG);
		assert_string_equal(error, rows[i].error);
		assert_null(set.access_key_id);
		assert_int_equal(set.serial, 9);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_read),
		cmocka_unit_test(what_is_missing_or_wrong_is_named_and_never_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
