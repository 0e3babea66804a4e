/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/config.h"

#define AROUND "{\"aws\":{\"region\":\"eu-west-1\"},\"services\":[{\"name\":\"x\",\"port\":80,%s}]}"
#define OF(service) "\"cloudmap\":{\"namespace\":\"n\",\"service\":\"" service "\"}"

static int parse(const char *keys, struct config **ret, struct diag *problems)
{
	const struct config_environment environment = { 0 };
	char text[2048];

	assert_in_range(snprintf(text, sizeof(text), AROUND, keys), 1, sizeof(text) - 1);
	return config_parse(text, strlen(text), "file", &environment, ret, problems);
}

static struct config *accepted(const char *keys)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct config *c = NULL;
	int r = parse(keys, &c, &problems);

	diag_print(&problems, "", stderr);
	assert_int_equal(r, 0);
	return c;
}

static void a_part_is_the_service_with_another_source(void **state)
{
	_cleanup_(config_free_p) struct config *c = accepted(
		"\"weights\":{\"attribute\":\"w\"},\"split\":[{" OF(
			"a") ",\"weight\":1000},"
			     "{\"weight\":0,\"cloudmap\":{\"namespace\":\"m\",\"service\":\"b\","
			     "\"poll\":\"1m\"}}]");
	const struct config_service *s = &c->services[0];
	struct config_service first = config_part_service(s, 0);
	struct config_service second = config_part_service(s, 1);

	(void)state;
	assert_int_equal(s->source, CONFIG_SOURCE_SPLIT);
	assert_int_equal(config_count_parts(s), 2);
	assert_int_equal(config_part_weight(s, 0), 1000);
	assert_int_equal(config_part_weight(s, 1), 0);
	assert_int_equal(first.source, CONFIG_SOURCE_CLOUDMAP);
	assert_string_equal(first.cloudmap.namespace, "n");
	assert_string_equal(first.cloudmap.service, "a");
	assert_int_equal(first.cloudmap.poll_ms, 5000);
	assert_string_equal(second.cloudmap.namespace, "m");
	assert_int_equal(second.cloudmap.poll_ms, 60000);
	assert_int_equal(second.port, 80);
	assert_string_equal(second.weights.attribute, "w");
}

static void a_service_without_a_split_is_its_own_only_part(void **state)
{
	_cleanup_(config_free_p) struct config *c = accepted(OF("a"));
	const struct config_service *s = &c->services[0];
	struct config_service part = config_part_service(s, 0);

	(void)state;
	assert_int_equal(config_count_parts(s), 1);
	assert_int_equal(config_part_weight(s, 0), 1);
	assert_true(config_same_source(&part, s));
}

static void a_part_is_the_same_wherever_it_stands_and_however_it_is_asked(void **state)
{
	static const char *const keys[] = {
		OF("a"),
		"\"split\":[{" OF("a") ",\"weight\":7}]",
		"\"split\":[{\"weight\":1,\"cloudmap\":{\"namespace\":\"n\",\"service\":\"a\","
		"\"poll\":\"9s\"}}]",
		"\"split\":[{" OF("b") ",\"weight\":7}]",
		"\"split\":[{\"weight\":1,\"cloudmap\":{\"namespace\":\"m\",\"service\":\"a\"}}]",
		"\"static\":{\"file\":\"/a\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
			_cleanup_(config_free_p) struct config *a = accepted(keys[i]);
			_cleanup_(config_free_p) struct config *b = accepted(keys[j]);
			struct config_service one = config_part_service(a->services, 0);
			struct config_service other = config_part_service(b->services, 0);

			assert_int_equal(config_same_target(&one, &other),
					 i == j || (i < 3 && j < 3));
			assert_int_equal(config_same_source(&one, &other),
					 i == j || (i < 2 && j < 2));
		}
	}
}

static void faults_of_a_split_are_found(void **state)
{
	static const struct {
		const char *keys, *line;
	} cases[] = {
		{ "\"split\":{}",
		  "file: services[0].split (x): got an object, wanted a list of at most 8, each an "
		  "object" },
		{ "\"split\":[]",
		  "file: services[0].split (x): got no parts, wanted a part with a weight above "
		  "0" },
		{ "\"split\":[{" OF("a") ",\"weight\":0},{" OF("b") ",\"weight\":0}]",
		  "file: services[0].split (x): got weights of 0 only, wanted a part with a weight "
		  "above 0" },
		{ "\"split\":[1,{" OF("a") ",\"weight\":1}]",
		  "file: services[0].split[0] (x): got 1, wanted an object" },
		{ "\"split\":[{" OF("a") ",\"weight\":1},{" OF("b") "}]",
		  "file: services[0].split[1].weight (x): got nothing, wanted a whole number from "
		  "0 "
		  "to 1000" },
		{ "\"split\":[{" OF("a") ",\"weight\":1001}]",
		  "file: services[0].split[0].weight (x): got 1001, wanted a whole number from 0 "
		  "to "
		  "1000" },
		{ "\"split\":[{" OF("a") ",\"weight\":0.5}]",
		  "file: services[0].split[0].weight (x): got 0.5, wanted a whole number from 0 to "
		  "1000" },
		{ "\"split\":[{" OF("a") ",\"weight\":-1}]",
		  "file: services[0].split[0].weight (x): got -1, wanted a whole number from 0 to "
		  "1000" },
		{ "\"split\":[{\"weight\":1}]",
		  "file: services[0].split[0].cloudmap (x): got nothing, wanted an object" },
		{ "\"split\":[{\"weight\":1,\"cloudmap\":{\"namespace\":\"n\"}}]",
		  "file: services[0].split[0].cloudmap.service (x): got nothing, wanted text "
		  "without blanks, at most 127 octets" },
		{ "\"split\":[{\"weight\":1,\"cloudmap\":{\"namespace\":\"n\",\"service\":\"a\","
		  "\"poll\":\"1ms\"}}]",
		  "file: services[0].split[0].cloudmap.poll (x): got \"1ms\", wanted a duration "
		  "from 100ms to 1h, such as \"5s\"" },
		{ "\"split\":[{" OF("a") ",\"weight\":1},{" OF("a") ",\"weight\":2}]",
		  "file: services[0].split[1].cloudmap (x): got the service of split[0] again, "
		  "wanted another" },
		{ "\"split\":[{" OF("a") ",\"weight\":1,\"weight\":2}]",
		  "file: services[0].split[0].weight (x): got this key more than once, wanted it "
		  "once" },
		{ "\"split\":[{" OF("a") ",\"wieght\":1,\"weight\":1}]",
		  "file: services[0].split[0].wieght (x): unknown key, did you mean \"weight\"?" },
		{ "\"split\":[{" OF("a") ",\"weight\":1,\"dns\":{\"name\":\"a\",\"type\":\"A\"}}]",
		  "file: services[0].split[0].dns (x): unknown key" },
		{ OF("a") ",\"split\":[{" OF("b") ",\"weight\":1}]",
		  "file: services[0] (x): got cloudmap and split, wanted one of cloudmap, dns, "
		  "static, split" },
		{ OF("a") ",\"static\":{\"file\":\"/a\"},\"split\":[{" OF("b") ",\"weight\":1}]",
		  "file: services[0] (x): got cloudmap and static and more, wanted one of "
		  "cloudmap, dns, static, split" },
		{ "\"split\":[1,2,3,4,5,6,7,8,9]",
		  "file: services[0].split (x): got a list of 9, wanted a list of at most 8, each "
		  "an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };
		struct config *c = NULL;

		assert_int_equal(parse(cases[i].keys, &c, &problems), -EINVAL);
		assert_null(c);
		if (problems.n != 1)
			diag_print(&problems, "unexpected: ", stderr);
		assert_string_equal(problems.lines[0], cases[i].line);
		assert_int_equal(problems.n, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_the_service_with_another_source),
		cmocka_unit_test(a_service_without_a_split_is_its_own_only_part),
		cmocka_unit_test(a_part_is_the_same_wherever_it_stands_and_however_it_is_asked),
		cmocka_unit_test(faults_of_a_split_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
