/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/addr.h"
#include "base/util.h"

static struct addr made(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void addresses_are_read_and_written_in_their_usual_form(void **state)
{
	static const struct {
		const char *text, *wanted; /* wanted NULL: no address */
	} cases[] = {
		{ "10.0.1.54", "10.0.1.54" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::1", "::1" },
		{ "2001:DB8:0:0::1", "2001:db8::1" },
		{ "::ffff:10.0.1.54", "10.0.1.54" },
		{ "", NULL },
		{ "10.0.1", NULL },
		{ "10.0.1.256", NULL },
		{ "10.0.1.054", NULL },
		{ " 10.0.1.54", NULL },
		{ "10.0.1.54 ", NULL },
		{ "[::1]", NULL },
		{ "fe80::1%eth0", NULL },
		{ "localhost", NULL },
	};
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr a;

		assert_int_equal(addr_parse(cases[i].text, &a), cases[i].wanted ? 0 : -EINVAL);
		if (cases[i].wanted)
			assert_string_equal(addr_format(&a, text), cases[i].wanted);
	}
}

static void addresses_with_a_port_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		uint16_t default_port;
		const char *wanted;
	} cases[] = {
		{ "10.0.1.54:80", 0, "10.0.1.54:80" },
		{ "10.0.1.54:80", 53, "10.0.1.54:80" },
		{ "10.0.1.54", 53, "10.0.1.54:53" },
		{ "[fd00::1]:65535", 0, "[fd00::1]:65535" },
		{ "[fd00::1]", 53, "[fd00::1]:53" },
		{ "fd00::1", 53, "[fd00::1]:53" },
		{ "[::ffff:10.0.1.54]:80", 0, "10.0.1.54:80" },
		{ "10.0.1.54", 0, NULL },
		{ "fd00::1", 0, NULL },
		{ "10.0.1.54:", 53, NULL },
		{ "10.0.1.54:0", 53, NULL },
		{ "10.0.1.54:080", 0, NULL },
		{ "10.0.1.54:65536", 0, NULL },
		{ "10.0.1.54:4294967376", 0, NULL },
		{ "10.0.1.54:+80", 0, NULL },
		{ "10.0.1.54:80 ", 0, NULL },
		{ "[10.0.1.54]:80", 0, NULL },
		{ "[fd00::1:80", 0, NULL },
		{ "[fd00::1]80", 53, NULL },
		{ "[]:80", 0, NULL },
		{ ":80", 0, NULL },
		{ "", 53, NULL },
	};
	char text[ADDR_PORT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr_port a;

		assert_int_equal(addr_port_parse(cases[i].text, cases[i].default_port, &a),
				 cases[i].wanted ? 0 : -EINVAL);
		if (cases[i].wanted)
			assert_string_equal(addr_port_format(&a, text), cases[i].wanted);
	}
}

static void an_endless_text_is_no_address(void **state)
{
	struct addr_prefix prefix;
	struct addr_port a;
	char text[4096];

	(void)state;
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(addr_port_parse(text, 53, &a), -EINVAL);
	assert_int_equal(addr_prefix_parse(text, &prefix), -EINVAL);
}

static void a_prefix_has_no_host_bits(void **state)
{
	static const struct {
		const char *text;
		int wanted;
	} cases[] = {
		{ "127.254.0.0/16", 0 }, { "10.0.0.1/32", 0 },	     { "0.0.0.0/0", 0 },
		{ "fd00::/8", 0 },	 { "::1/128", 0 },	     { "10.0.0.1/31", -EDOM },
		{ "fd00::1/64", -EDOM }, { "10.0.0.0/33", -EINVAL }, { "fd00::/129", -EINVAL },
		{ "10.0.0.0", -EINVAL }, { "10.0.0.0/", -EINVAL },   { "10.0.0.0/-1", -EINVAL },
		{ "/8", -EINVAL },
	};
	struct addr_prefix prefix;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(addr_prefix_parse(cases[i].text, &prefix), cases[i].wanted);
}

static void a_prefix_contains_the_addresses_of_its_family(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool wanted;
	} cases[] = {
		{ "127.254.0.0/16", "127.254.255.255", true },
		{ "127.254.0.0/16", "127.255.0.0", false },
		{ "10.0.0.0/30", "10.0.0.3", true },
		{ "10.0.0.0/30", "10.0.0.4", false },
		{ "0.0.0.0/0", "192.0.2.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "fd00:1::/33", "fd00:1:7fff::", true },
		{ "fd00:1::/33", "fd00:1:8000::", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr a = made(cases[i].address);
		struct addr_prefix prefix;

		assert_int_equal(addr_prefix_parse(cases[i].prefix, &prefix), 0);
		assert_int_equal(addr_prefix_contains(&prefix, &a), cases[i].wanted);
	}
}

static void kinds_of_addresses_are_told_apart(void **state)
{
	static const struct {
		const char *address;
		bool ipv4, loopback, unicast;
	} cases[] = {
		{ "10.0.0.1", true, false, true },
		{ "127.254.0.10", true, true, true },
		{ "0.0.0.0", true, false, false },
		{ "0.1.2.3", true, false, false },
		{ "224.0.0.1", true, false, false },
		{ "239.255.255.255", true, false, false },
		{ "255.255.255.255", true, false, false },
		{ "240.0.0.1", true, false, true },
		{ "::1", false, true, true },
		{ "::", false, false, false },
		{ "ff02::1", false, false, false },
		{ "fd00::1", false, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr a = made(cases[i].address);

		assert_int_equal(addr_is_ipv4(&a), cases[i].ipv4);
		assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
		assert_int_equal(addr_is_unicast(&a), cases[i].unicast);
	}
}

static void a_socket_address_is_made_of_either_family(void **state)
{
	struct addr_port a = { made("10.0.1.54"), 80 }, b = { made("fd00::1"), 81 };
	struct sockaddr_storage s;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&s;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&s;

	(void)state;
	assert_int_equal(addr_port_sockaddr(&a, &s), sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 80);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x0a000136);
	assert_int_equal(addr_port_sockaddr(&b, &s), sizeof(*in6));
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 81);
	assert_memory_equal(&in6->sin6_addr, b.addr.octets, 16);
}

static void order_is_by_address_then_port(void **state)
{
	struct addr_port a = { made("10.0.0.1"), 80 }, b = { made("10.0.0.1"), 65535 };
	struct addr_port c = { made("10.0.0.2"), 1 };

	(void)state;
	assert_true(addr_port_compare(&a, &b) < 0);
	assert_true(addr_port_compare(&b, &c) < 0);
	assert_true(addr_port_compare(&c, &a) > 0);
	assert_int_equal(addr_port_compare(&a, &a), 0);
	assert_true(addr_equal(&a.addr, &b.addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written_in_their_usual_form),
		cmocka_unit_test(addresses_with_a_port_are_read_and_written),
		cmocka_unit_test(an_endless_text_is_no_address),
		cmocka_unit_test(a_prefix_has_no_host_bits),
		cmocka_unit_test(a_prefix_contains_the_addresses_of_its_family),
		cmocka_unit_test(kinds_of_addresses_are_told_apart),
		cmocka_unit_test(a_socket_address_is_made_of_either_family),
		cmocka_unit_test(order_is_by_address_then_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
