/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wanted.h"

static void sorting_orders_services_by_name_and_backends_by_address(void **state)
{
	_cleanup_(table_done) struct table t =
		WANTED({ "web", "127.254.0.2:80", PROTOCOL_TCP,
			 "[2001:db8::1]:80 10.0.0.2:81 10.0.0.2:80 10.0.0.1:80" },
		       { "cache", "127.254.0.1:80", PROTOCOL_TCP, "" });
	static const char *const wanted[] = { "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:81",
					      "[2001:db8::1]:80" };
	char text[ADDR_PORT_TEXT_MAX];

	(void)state;
	assert_string_equal(t.services[0].name, "cache");
	assert_string_equal(t.services[1].name, "web");
	assert_int_equal(t.services[1].n_backends, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(addr_port_format(&t.services[1].backends[i].endpoint.at, text),
				    wanted[i]);
}

static void a_service_is_found_by_its_whole_name_or_its_id(void **state)
{
	_cleanup_(table_done) struct table t = WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "" },
						      { "ab", "127.254.0.2:80", PROTOCOL_TCP, "" },
						      { "b", "127.254.0.3:80", PROTOCOL_TCP, "" });
	char long_name[SHUNT_NAME_MAX + 1];

	(void)state;
	t.services[2].id = 9;
	assert_ptr_equal(table_find(&t, "ab"), &t.services[1]);
	assert_ptr_equal(table_find_id(&t, 9), &t.services[2]);
	assert_null(table_find(&t, "abc"));
	assert_null(table_find(&t, ""));
	assert_null(table_find_id(&t, 10));
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(table_find(&t, long_name));
}

static void an_empty_table_can_be_sorted_searched_and_freed(void **state)
{
	struct table t = { 0 };

	(void)state;
	table_sort(&t);
	assert_null(table_find(&t, "a"));
	assert_null(table_find_id(&t, 0));
	table_done(&t);
	table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorting_orders_services_by_name_and_backends_by_address),
		cmocka_unit_test(a_service_is_found_by_its_whole_name_or_its_id),
		cmocka_unit_test(an_empty_table_can_be_sorted_searched_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
