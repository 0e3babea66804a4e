/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/resolv_conf.h"

#define SERVERS_MAX 3

static void servers_are_read_and_all_else_is_passed_over(void **state)
{
	static const struct {
		const char *text, *servers;
	} rows[] = {
		{ "", "" },
		{ "nameserver 169.254.169.253", "169.254.169.253:53" },
		{ "nameserver 10.0.0.2\nnameserver fd00:ec2::253\n",
		  "10.0.0.2:53 [fd00:ec2::253]:53" },
		{ "nameserver\t 10.0.0.2 # the VPC's\r\n", "10.0.0.2:53" },
		{ "nameserver 10.0.0.2:5353\nnameserver [::1]:54\n", "10.0.0.2:5353 [::1]:54" },
		{ "search internal\n; nameserver 10.0.0.1\n#nameserver 10.0.0.1\noptions ndots:5\n",
		  "" },
		{ " nameserver 10.0.0.1\nnameservers 10.0.0.1\nnameserver\nnameserver \n\n", "" },
		{ "nameserver ns.internal\nnameserver fe80::1%eth0\nnameserver 0.0.0.0\n"
		  "nameserver 10.0.0.1:0\nnameserver 10.0.0.9\n",
		  "10.0.0.9:53" },
		{ "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"
		  "nameserver 10.0.0.4\n",
		  "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr_port list[SERVERS_MAX];
		char got[256] = "", at[ADDR_PORT_TEXT_MAX];
		size_t n = resolv_conf_servers(rows[i].text, list, SERVERS_MAX), used = 0;

		for (size_t j = 0; j < n; j++)
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s",
						 j ? " " : "", addr_port_format(&list[j], at));
		assert_string_equal(got, rows[i].servers);
	}
}

static void a_line_without_end_is_no_server(void **state)
{
	_cleanup_free_ char *text = calloc(1, 100001);
	struct addr_port list[SERVERS_MAX];

	(void)state;
	memset(text, ' ', 100000);
	memcpy(text, "nameserver", 10);
	memcpy(text + 99980, "10.0.0.1\n", 9);
	memcpy(text + 99990, "", 1);
	assert_int_equal(resolv_conf_servers(text, list, SERVERS_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_read_and_all_else_is_passed_over),
		cmocka_unit_test(a_line_without_end_is_no_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
