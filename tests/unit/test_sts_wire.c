/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/sts_wire.h"

/* As STS's documentation shows it. */
#define ANSWER(credentials)                                                      \
	"<AssumeRoleWithWebIdentityResponse "                                    \
	"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"                 \
	"<AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>x</"      \
	"SubjectFromWebIdentityToken>\n<Credentials>\n" credentials              \
	"</Credentials></AssumeRoleWithWebIdentityResult>"                       \
	"<ResponseMetadata><RequestId>ad4156e9</RequestId></ResponseMetadata>\n" \
	"</AssumeRoleWithWebIdentityResponse>"
#define KEYS                                                                          \
	"<SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>" \
	"<SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>"
#define EXPIRATION "<Expiration>2014-10-24T23:00:23Z</Expiration>"
#define ID "<AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>"

static void a_request_is_a_form(void **state)
{
	static const struct {
		struct sts_wire_role role;
		const char *form;
	} rows[] = {
		{ { .arn = "arn:aws:iam::1:role/a", .session_name = "shunt", .token = "a.b-c_d=" },
		  "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
		  "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=shunt&"
		  "WebIdentityToken=a.b-c_d%3D" },
		{ { .arn = "r", .session_name = "s", .external_id = "x&y", .duration_s = "900" },
		  "Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s&"
		  "ExternalId=x%26y&DurationSeconds=900" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *form = sts_wire_request(&rows[i].role);

		assert_string_equal(form, rows[i].form);
		free(form);
	}
}

static void a_set_is_read(void **state)
{
	static const char body[] = ANSWER(KEYS EXPIRATION ID);
	struct credentials_set set = { 0 };
	char error[STS_WIRE_ERROR_MAX];

	(void)state;
	assert_int_equal(sts_wire_parse(200, body, strlen(body), &set, error), 0);
	assert_string_equal(set.access_key_id, "ASgeIAIOSFODNN7EXAMPLE");
	assert_string_equal(set.secret_access_key, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY");
	assert_string_equal(set.session_token, "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE");
	assert_int_equal(set.expires_s, 1414191623);
	credentials_set_done(&set);
}

static void what_is_wrong_is_named_and_no_secret_shown(void **state)
{
	static const char garbled[] = "the answer is not XML of the form it should have";
	static const struct {
		long status;
		const char *body, *error;
	} rows[] = {
		{ 400,
		  "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code>"
		  "<Message>No OpenIDConnect provider found</Message></Error></ErrorResponse>",
		  "InvalidIdentityToken: No OpenIDConnect provider found" },
		{ 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
		  "AccessDenied: " },
		{ 503, "busy", "HTTP status 503" },
		{ 503, "", "HTTP status 503" },
		{ 200, "", garbled },
		{ 200, "{\"a\":1}", garbled },
		{ 200, "<a>", garbled },
		{ 200, "<a/>", "AccessKeyId is missing" },
		{ 200, ANSWER(KEYS EXPIRATION), "AccessKeyId is missing" },
		{ 200, ANSWER(KEYS ID), "Expiration is missing" },
		{ 200, ANSWER(KEYS EXPIRATION "<AccessKeyId>a b</AccessKeyId>"),
		  "AccessKeyId: wanted visible characters only" },
		{ 200, ANSWER(KEYS ID "<Expiration>soon</Expiration>"),
		  "Expiration: wanted a time like 2026-11-20T22:16:37Z" },
		{ 200, ANSWER(KEYS EXPIRATION ID ID), garbled },
		{ 200,
		  "<!DOCTYPE x [<!ENTITY a \"secret\">]>" ANSWER(KEYS EXPIRATION
								 "<AccessKeyId>&a;</AccessKeyId>"),
		  garbled },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credentials_set set = { .serial = 9 };
		char error[STS_WIRE_ERROR_MAX] = "";

		assert_int_equal(sts_wire_parse(rows[i].status, rows[i].body, strlen(rows[i].body),
						&set, error),
				 -EBADMSG);
		assert_string_equal(error, rows[i].error);
		assert_null(set.access_key_id);
		assert_int_equal(set.serial, 9);
	}
}

static void what_is_too_deep_or_too_long_is_refused(void **state)
{
	enum { DEPTH = 100, LONG = 20000 };
	char error[STS_WIRE_ERROR_MAX], *deep = calloc(1, DEPTH * 16);
	char *text = calloc(1, LONG + 64);
	struct credentials_set set = { 0 };

	(void)state;
	for (int i = 0; i < DEPTH; i++)
		(void)strcat(deep, "<elem>");
	assert_int_equal(sts_wire_parse(200, deep, strlen(deep), &set, error), -EBADMSG);
	(void)snprintf(text, LONG + 64, "<a>%0*d</a>", LONG, 0);
	assert_int_equal(sts_wire_parse(200, text, strlen(text), &set, error), -EBADMSG);
	assert_string_equal(error, "the answer is not XML of the form it should have");
	free(deep);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_a_form),
		cmocka_unit_test(a_set_is_read),
		cmocka_unit_test(what_is_wrong_is_named_and_no_secret_shown),
		cmocka_unit_test(what_is_too_deep_or_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
