/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ctl/target.h"

static const char config_text[] =
	"{\"services\": [{\"name\": \"backend.internal\", \"aliases\": [\"backend\"],"
	"\"port\": 8080, \"static\": {\"endpoints\": [\"10.0.1.54:80\"]}}]}";

struct fixture {
	struct table table;
	struct config *config;
};

static void add_service(struct table *t, const char *name, const char *vip, uint16_t port)
{
	struct table_service *service = table_add(t);

	assert_non_null(service);
	(void)util_copy(service->name, sizeof(service->name), name);
	assert_int_equal(addr_parse(vip, &service->vip.addr), 0);
	service->vip.port = port;
	service->protocol = PROTOCOL_TCP;
}

static int set_up(void **state)
{
	const struct config_environment environment = { 0 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct diag problems = { 0 };

	assert_non_null(f);
	assert_int_equal(config_parse(config_text, strlen(config_text), "test", &environment,
				      &f->config, &problems),
			 0);
	add_service(&f->table, "backend.internal", "127.254.0.10", 8080);
	add_service(&f->table, "cache", "127.254.0.11", 6379);
	add_service(&f->table, "other", "127.254.0.11", 53);
	add_service(&f->table, "any", "::1", 0);
	table_sort(&f->table);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	table_done(&f->table);
	config_free(f->config);
	free(f);
	return 0;
}

static void targets_are_names_aliases_and_addresses(void **state)
{
	static const struct {
		const char *text;
		const char *first, *second;
		uint16_t first_port, second_port;
	} cases[] = {
		{ "backend.internal", "127.254.0.10", NULL, 8080, 0 },
		{ "backend", "127.254.0.10", NULL, 8080, 0 },
		{ "backend:9", "127.254.0.10", NULL, 9, 0 },
		{ "any", "::1", NULL, 0, 0 },
		{ "127.254.0.11", "127.254.0.11", "127.254.0.11", 6379, 53 },
		{ "127.254.0.11:1", "127.254.0.11", NULL, 1, 0 },
		{ "10.1.2.3", "10.1.2.3", NULL, 0, 0 },
		{ "10.1.2.3:65535", "10.1.2.3", NULL, 65535, 0 },
		{ "2001:db8::1", "2001:db8::1", NULL, 0, 0 },
		{ "[::1]:80", "::1", NULL, 80, 0 },
		{ "::ffff:10.1.2.3", "10.1.2.3", NULL, 0, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(target_done) struct target target = { 0 };
		char text[ADDR_TEXT_MAX];
		const char *near;

		assert_int_equal(target_parse(cases[i].text, &f->table, f->config, &target, &near),
				 0);
		assert_int_equal(target.n, cases[i].second ? 2 : 1);
		assert_string_equal(addr_format(&target.list[0].addr, text), cases[i].first);
		assert_int_equal(target.list[0].port, cases[i].first_port);
		if (!cases[i].second)
			continue;
		assert_string_equal(addr_format(&target.list[1].addr, text), cases[i].second);
		assert_int_equal(target.list[1].port, cases[i].second_port);
	}
}

static void what_is_no_target_is_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *near;
	} cases[] = {
		{ "backand", -ENOENT, "backend" },
		{ "backend.interal:80", -ENOENT, "backend.internal" },
		{ "nothing-like-it", -ENOENT, NULL },
		{ "", -ENOENT, NULL },
		{ "backend:", -EINVAL, NULL },
		{ "backend:0", -EINVAL, NULL },
		{ "backend:65536", -EINVAL, NULL },
		{ "backend:-1", -EINVAL, NULL },
		{ "backend:8 ", -EINVAL, NULL },
		{ "10.1.2.3:99999", -EINVAL, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target target = { 0 };
		const char *near;

		assert_int_equal(target_parse(cases[i].text, &f->table, f->config, &target, &near),
				 cases[i].error);
		assert_null(target.list);
		if (cases[i].near)
			assert_string_equal(near, cases[i].near);
		else
			assert_null(near);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(targets_are_names_aliases_and_addresses, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_target_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
