/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cloudmap_lists.h"

#define ID "ns-a3ccy2e7e3a7rile"
#define ARN_OF(account) "arn:aws:servicediscovery:us-west-2:" account ":namespace/" ID
#define ROW(http_name, account)                                                                  \
	"{\"Arn\":\"" ARN_OF(                                                                    \
		account) "\",\"Id\":\"" ID "\",\"Name\":\"prod.local\","                         \
			 "\"Properties\":{\"HttpProperties\":{\"HttpName\":\"" http_name "\"}}," \
			 "\"ResourceOwner\":\"" account "\",\"Type\":\"HTTP\"}"

static char name[] = "prod.local", id[] = ID, arn[] = ARN_OF("123456789012");
static char owner[] = "123456789012";
static const struct config_namespace by_name = { .cloudmap = name };
static const struct config_namespace by_owner = { .cloudmap = name, .owner_account = owner };
static const struct cloudmap_namespace found = { .id = id, .arn = arn };

static struct cloudmap_wire_reply reply_of(const char *body)
{
	return (struct cloudmap_wire_reply){ .status = 200, .body = body, .length = strlen(body) };
}

static void the_questions_are_those_of_the_service_model(void **state)
{
	const struct config_namespace by_id = { .cloudmap = id };
	const struct {
		char *body;
		const char *wanted;
	} rows[] = {
		{ cloudmap_lists_ask_namespaces(&by_name, NULL),
		  "{\"Filters\":[{\"Name\":\"HTTP_NAME\",\"Values\":[\"prod.local\"],\"Condition\":"
		  "\"EQ\"},{\"Name\":\"RESOURCE_OWNER\",\"Values\":[\"SELF\"],\"Condition\":"
		  "\"EQ\"}],\"MaxResults\":100}" },
		{ cloudmap_lists_ask_namespaces(&by_owner, "t"),
		  "{\"Filters\":[{\"Name\":\"HTTP_NAME\",\"Values\":[\"prod.local\"],\"Condition\":"
		  "\"EQ\"},{\"Name\":\"RESOURCE_OWNER\",\"Values\":[\"OTHER_ACCOUNTS\"],"
		  "\"Condition\":\"EQ\"}],\"NextToken\":\"t\",\"MaxResults\":100}" },
		{ cloudmap_lists_ask_namespace(&by_id), "{\"Id\":\"" ID "\"}" },
		{ cloudmap_lists_ask_services(&found, false, NULL),
		  "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"" ID "\"],\"Condition\":"
		  "\"EQ\"}],\"MaxResults\":100}" },
		{ cloudmap_lists_ask_services(&found, true, "t"),
		  "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"" ARN_OF(
			  "123456789012") "\"],\"Condition\":\"EQ\"}],\"NextToken\":\"t\","
					  "\"MaxResults\":100}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(rows[i].body, rows[i].wanted);
		free(rows[i].body);
	}
}

static void the_namespace_that_is_wanted_is_found_among_others(void **state)
{
	static const struct {
		const struct config_namespace *wanted;
		const char *body, *owner; /* NULL: not found */
	} rows[] = {
		{ &by_name, "{\"Namespaces\":[]}", NULL },
		{ &by_name, "{\"Namespaces\":[" ROW("prod.local", "1") "]}", "1" },
		{ &by_name, "{\"Namespaces\":[" ROW("other", "1") "," ROW("prod.local", "2") "]}",
		  "2" },
		{ &by_name, "{\"Namespaces\":[" ROW("prod.local_4f", "1") "]}", NULL },
		{ &by_owner, "{\"Namespaces\":[" ROW("prod.local", "210987654321") "]}", NULL },
		{ &by_owner, "{\"Namespaces\":[" ROW("prod.local", "123456789012") "]}",
		  "123456789012" },
		/* without ResourceOwner, the ARN tells */
		{ &by_owner,
		  "{\"Namespaces\":[{\"Arn\":\"" ARN_OF(
			  "123456789012") "\",\"Id\":\"" ID "\",\"Name\":\"n\",\"Properties\":{"
					  "\"HttpProperties\":{\"HttpName\":"
					  "\"prod.local\"}}}]}",
		  "123456789012" },
		/* what is wrong with others does not matter */
		{ &by_name, "{\"Namespaces\":[{\"Name\":7}," ROW("prod.local", "1") "]}", "1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace n = { 0 };
		const struct cloudmap_wire_reply reply = reply_of(rows[i].body);
		struct cloudmap_wire_error error;
		char *token;

		assert_int_equal(cloudmap_lists_read_namespaces(&reply, rows[i].wanted, &n, &token,
								&error),
				 0);
		assert_null(token);
		assert_int_equal(n.id != NULL, rows[i].owner != NULL);
		if (rows[i].owner)
			assert_string_equal(n.owner, rows[i].owner);
	}
}

static void a_namespace_is_read_by_itself(void **state)
{
	const struct cloudmap_wire_reply reply =
		reply_of("{\"Namespace\":" ROW("prod.local_4f", "123456789012") "}");
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace n = { 0 };
	struct cloudmap_wire_error error;

	(void)state;
	assert_int_equal(cloudmap_lists_read_namespace(&reply, &n, &error), 0);
	assert_string_equal(n.id, ID);
	assert_string_equal(n.name, "prod.local");
	assert_string_equal(n.http_name, "prod.local_4f");
	assert_string_equal(n.arn, arn);
}

static void a_page_of_services_gives_names_and_perhaps_a_token(void **state)
{
	static const struct {
		const char *body, *names, *token;
	} rows[] = {
		{ "{\"Services\":[]}", "", NULL },
		{ "{\"Services\":[],\"NextToken\":\"t\"}", "", "t" },
		{ "{\"Services\":[],\"NextToken\":\"\"}", "", NULL },
		{ "{\"Services\":[],\"NextToken\":null}", "", NULL },
		{ "{\"Services\":[{\"Name\":\"b\"},{\"Name\":\"a\",\"Type\":\"HTTP\"}]}", "b a ",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_names_done) struct cloudmap_names names = { 0 };
		const struct cloudmap_wire_reply reply = reply_of(rows[i].body);
		_cleanup_free_ char *token = NULL;
		struct cloudmap_wire_error error;
		char text[64] = "";

		assert_int_equal(cloudmap_lists_read_services(&reply, &names, &token, &error), 0);
		for (size_t j = 0; j < names.n; j++)
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
				       names.list[j]);
		assert_string_equal(text, rows[i].names);
		assert_int_equal(token != NULL, rows[i].token != NULL);
		if (token)
			assert_string_equal(token, rows[i].token);
	}
}

static void what_is_no_list_is_refused_in_words(void **state)
{
	static const struct {
		const char *body, *message;
	} rows[] = {
		{ "", "empty, wanted JSON" },
		{ "[]", "got an array, wanted an object" },
		{ "{}", "Services: got nothing, wanted an array" },
		{ "{\"Services\":{}}", "Services: got an object, wanted an array" },
		{ "{\"Services\":[],\"Services\":[]}", "Services is there twice" },
		{ "{\"Services\":[7]}", "Services: #1 is a number, wanted an object" },
		{ "{\"Services\":[{}]}", "Services: one without a good Name" },
		{ "{\"Services\":[{\"Name\":\"a\",\"Name\":\"b\"}]}",
		  "Services: one without a good Name" },
		{ "{\"Services\":[{\"Name\":\"a b\"}]}", "Services: one without a good Name" },
		{ "{\"Services\":[],\"NextToken\":7}",
		  "NextToken: got a number, wanted a string of at most 4096" },
		{ "{\"Services\":[],\"NextToken\":\"a\",\"NextToken\":\"b\"}",
		  "NextToken: got it twice, wanted a string of at most 4096" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_names_done) struct cloudmap_names names = { 0 };
		const struct cloudmap_wire_reply reply = reply_of(rows[i].body);
		struct cloudmap_wire_error error;
		char *token;

		assert_int_equal(cloudmap_lists_read_services(&reply, &names, &token, &error),
				 -EBADMSG);
		assert_string_equal(error.code, "garbled");
		assert_string_equal(error.message, rows[i].message);
	}
}

static void a_namespace_that_lacks_what_we_need_is_refused(void **state)
{
	const struct cloudmap_wire_reply nameless = reply_of(
		"{\"Namespace\":{\"Arn\":\"a\",\"Id\":\"i\",\"Properties\":{\"HttpProperties\":"
		"{\"HttpName\":\"h\"}}}}");
	const struct cloudmap_wire_reply text = reply_of("{\"Namespace\":\"x\"}");
	struct cloudmap_namespace n = { 0 };
	struct cloudmap_wire_error error;

	(void)state;
	assert_int_equal(cloudmap_lists_read_namespace(&nameless, &n, &error), -EBADMSG);
	assert_string_equal(error.message, "a namespace without a good Name");
	assert_int_equal(cloudmap_lists_read_namespace(&text, &n, &error), -EBADMSG);
	assert_string_equal(error.message, "Namespace: got a string, wanted an object");
	assert_null(n.id);
}

static void a_page_has_a_most_of_rows(void **state)
{
	_cleanup_(cloudmap_names_done) struct cloudmap_names names = { 0 };
	_cleanup_free_ char *body = NULL;
	struct cloudmap_wire_reply reply;
	struct cloudmap_wire_error error;
	size_t length;
	FILE *to = open_memstream(&body, &length);
	char *token;

	(void)state;
	(void)fputs("{\"Services\":[", to);
	for (int i = 0; i <= CLOUDMAP_LISTS_ROWS_MAX; i++)
		(void)fprintf(to, "%s{\"Name\":\"s%d\"}", i ? "," : "", i);
	(void)fputs("]}", to);
	assert_int_equal(fclose(to), 0);
	reply = reply_of(body);
	assert_int_equal(cloudmap_lists_read_services(&reply, &names, &token, &error), -EBADMSG);
	assert_string_equal(error.message, "Services: more than 1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_questions_are_those_of_the_service_model),
		cmocka_unit_test(the_namespace_that_is_wanted_is_found_among_others),
		cmocka_unit_test(a_namespace_is_read_by_itself),
		cmocka_unit_test(a_page_of_services_gives_names_and_perhaps_a_token),
		cmocka_unit_test(what_is_no_list_is_refused_in_words),
		cmocka_unit_test(a_namespace_that_lacks_what_we_need_is_refused),
		cmocka_unit_test(a_page_has_a_most_of_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
