/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/config.h"

static struct config *parsed(const char *service)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	const struct config_environment environment = { .aws_region = "eu-west-1" };
	_cleanup_free_ char *text = NULL;
	struct config *config;

	assert_true(asprintf(&text, "{\"services\": [{\"name\": \"a\", \"port\": 80, %s}]}",
			     service) > 0);
	assert_int_equal(config_parse(text, strlen(text), "test", &environment, &config, &problems),
			 0);
	return config;
}

static void a_part_is_known_by_what_it_asks(void **state)
{
	static const struct {
		const char *service;
		const char *identities[2];
	} cases[] = {
		{ "\"cloudmap\": {\"namespace\": \"n.x\", \"service\": \"s\", \"poll\": \"1s\"}",
		  { "cloudmap eu-west-1 n.x/s" } },
		{ "\"split\": [{\"cloudmap\": {\"namespace\": \"n\", \"service\": \"s\"}, "
		  "\"weight\": 9}, {\"cloudmap\": {\"namespace\": \"n\", \"service\": \"t\"}, "
		  "\"weight\": 1}]",
		  { "cloudmap eu-west-1 n/s", "cloudmap eu-west-1 n/t" } },
		{ "\"dns\": {\"name\": \"x.y\", \"type\": \"AAAA\", \"port\": 81}",
		  { "dns AAAA x.y 81" } },
		{ "\"dns\": {\"name\": \"x.y\", \"type\": \"SRV\"}", { "dns SRV x.y" } },
		{ "\"static\": {\"file\": \"/etc/a b\"}", { "static /etc/a b" } },
		{ "\"static\": {\"endpoints\": [\"10.0.0.1:80\"]}", { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_free_p) struct config *config = parsed(cases[i].service);

		for (size_t j = 0; j < config_count_parts(&config->services[0]); j++) {
			const struct config_service part = config_part_service(&config->services[0],
									       j);
			_cleanup_free_ char *identity = config_identity(config, &part);

			assert_int_equal(!identity, !cases[i].identities[j]);
			if (identity)
				assert_string_equal(identity, cases[i].identities[j]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_known_by_what_it_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
