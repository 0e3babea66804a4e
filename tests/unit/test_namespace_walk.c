/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/namespace_walk.h"

#define NAMESPACE                                                                              \
	"{\"Arn\":\"arn:aws:servicediscovery:us-west-2:123456789012:namespace/"                \
	"ns-a3ccy2e7e3a7rile\",\"Id\":\"ns-a3ccy2e7e3a7rile\",\"Name\":\"n\",\"Properties\":{" \
	"\"HttpProperties\":{\"HttpName\":\"n\"}}}"

static char name[] = "n", id[] = "ns-a3ccy2e7e3a7rile";
static const struct config_namespace wanted = { .cloudmap = name };

/* What became of an answer: "", "whole", or the words of the error. */
static char *answer(struct namespace_walk *w, const char *body)
{
	const struct cloudmap_wire_reply reply = {
		.status = 200,
		.body = body,
		.length = strlen(body),
	};
	struct cloudmap_wire_error error;
	bool whole;

	if (namespace_walk_take(w, &reply, &whole, &error) < 0)
		return strdup(error.message);
	return strdup(whole ? "whole" : "");
}

#define IS_ANSWERED(w, body, became)                            \
	do {                                                    \
		_cleanup_free_ char *_became = answer(w, body); \
		assert_string_equal(_became, became);           \
	} while (0)

static void begin_list(struct namespace_walk *w)
{
	namespace_walk_begin(w, &wanted);
	assert_string_equal(namespace_walk_operation(w), "ListNamespaces");
	IS_ANSWERED(w, "{\"Namespaces\":[" NAMESPACE "]}", "");
	assert_string_equal(namespace_walk_operation(w), "ListServices");
}

static void it_goes_through_empty_pages_to_the_end(void **state)
{
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };
	_cleanup_free_ char *body = NULL;

	(void)state;
	namespace_walk_begin(&w, &wanted);
	IS_ANSWERED(&w, "{\"Namespaces\":[],\"NextToken\":\"1\"}", "");
	IS_ANSWERED(&w, "{\"Namespaces\":[" NAMESPACE "],\"NextToken\":\"2\"}", "");
	IS_ANSWERED(&w, "{\"Namespaces\":[]}", "");
	IS_ANSWERED(&w, "{\"Services\":[],\"NextToken\":\"1\"}", "");
	IS_ANSWERED(&w, "{\"Services\":[{\"Name\":\"a\"}],\"NextToken\":\"2\"}", "");
	body = namespace_walk_ask(&w);
	assert_non_null(strstr(body, "\"NextToken\":\"2\""));
	assert_non_null(strstr(body, "\"Values\":[\"ns-a3ccy2e7e3a7rile\"]"));
	IS_ANSWERED(&w, "{\"Services\":[]}", "whole");
	assert_int_equal(w.names.n, 1);
	assert_int_equal(w.pages, 3);
}

static void one_that_is_told_by_its_id_is_asked_for_itself(void **state)
{
	const struct config_namespace by_id = { .cloudmap = id };
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };

	(void)state;
	namespace_walk_begin(&w, &by_id);
	assert_string_equal(namespace_walk_operation(&w), "GetNamespace");
	assert_string_equal(namespace_walk_target(&w), "Route53AutoNaming_v20170314.GetNamespace");
	IS_ANSWERED(&w, "{\"Namespace\":" NAMESPACE "}", "");
	IS_ANSWERED(&w, "{\"Services\":[]}", "whole");
}

static void a_page_that_fails_can_be_asked_for_again(void **state)
{
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };

	(void)state;
	begin_list(&w);
	IS_ANSWERED(&w, "{\"Services\":[{\"Name\":\"a\"}],\"NextToken\":\"1\"}", "");
	IS_ANSWERED(&w, "{\"Services\":[{\"Name\":\"b\"},{}],\"NextToken\":\"2\"}",
		    "Services: one without a good Name");
	IS_ANSWERED(&w, "{\"Services\":[{\"Name\":\"b\"}],\"NextToken\":\"1\"}",
		    "NextToken: got that of this page");
	assert_int_equal(w.names.n, 1);
	assert_string_equal(w.token, "1");
	IS_ANSWERED(&w, "{\"Services\":[{\"Name\":\"b\"}]}", "whole");
	assert_int_equal(w.names.n, 2);
}

static void a_list_without_end_has_an_end(void **state)
{
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };
	char page[64];

	(void)state;
	begin_list(&w);
	for (int i = 1; i < NAMESPACE_WALK_PAGES_MAX; i++) {
		(void)snprintf(page, sizeof(page), "{\"Services\":[],\"NextToken\":\"%d\"}", i);
		IS_ANSWERED(&w, page, "");
	}
	IS_ANSWERED(&w, "{\"Services\":[],\"NextToken\":\"x\"}", "more than 1000 pages");
}

static void only_what_the_filters_leave_is_gathered_and_not_more_than_fits(void **state)
{
	char *patterns[] = { "s*" };
	const struct config_namespace some = { .cloudmap = name, .include = { patterns, 1 } };
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };
	_cleanup_free_ char *page = NULL;
	FILE *to;
	size_t length;

	(void)state;
	namespace_walk_begin(&w, &some);
	IS_ANSWERED(&w, "{\"Namespaces\":[" NAMESPACE "]}", "");
	to = open_memstream(&page, &length);
	(void)fputs("{\"Services\":[{\"Name\":\"t\"}", to);
	for (int i = 0; i < 900; i++)
		(void)fprintf(to, ",{\"Name\":\"s%d\"}", i);
	(void)fprintf(to, "],\"NextToken\":\"%s\"}", "00");
	assert_int_equal(fclose(to), 0);
	for (size_t i = 0; i < CONFIG_SERVICES_MAX / 900; i++) {
		page[length - 3] = (char)('a' + i);
		IS_ANSWERED(&w, page, "");
	}
	assert_int_equal(w.unwanted, CONFIG_SERVICES_MAX / 900);
	page[length - 3] = '1';
	IS_ANSWERED(&w, page, "more than 16384 services, wanted filters that leave fewer");
	assert_int_equal(w.names.n, CONFIG_SERVICES_MAX / 900 * 900);
}

static void a_namespace_that_is_not_there_is_told_in_words(void **state)
{
	static char owner[] = "210987654321";
	const struct config_namespace shared = { .cloudmap = name, .owner_account = owner };
	_cleanup_(namespace_walk_done) struct namespace_walk w = { 0 };

	(void)state;
	namespace_walk_begin(&w, &wanted);
	IS_ANSWERED(&w, "{\"Namespaces\":[]}",
		    "no namespace of this account and region has the HTTP name 'n'");
	namespace_walk_begin(&w, &shared);
	IS_ANSWERED(&w, "{\"Namespaces\":[" NAMESPACE "]}",
		    "account 210987654321 shares no namespace with the HTTP name 'n'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_goes_through_empty_pages_to_the_end),
		cmocka_unit_test(one_that_is_told_by_its_id_is_asked_for_itself),
		cmocka_unit_test(a_page_that_fails_can_be_asked_for_again),
		cmocka_unit_test(a_list_without_end_has_an_end),
		cmocka_unit_test(only_what_the_filters_leave_is_gathered_and_not_more_than_fits),
		cmocka_unit_test(a_namespace_that_is_not_there_is_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
