/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/endpoints.h"

static struct endpoint made(const char *at, uint16_t weight, uint8_t state)
{
	struct endpoint e = { .weight = weight, .state = state };

	assert_int_equal(addr_port_parse(at, 0, &e.at), 0);
	return e;
}

static void add(struct endpoints *e, const char *at)
{
	struct endpoint added = made(at, 1, STATE_HEALTHY);

	assert_int_equal(endpoints_add(e, &added), 0);
}

static void is_list(const struct endpoints *e, const char *const *wanted, size_t n)
{
	char text[ADDR_PORT_TEXT_MAX];

	assert_int_equal(e->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(addr_port_format(&e->list[i].at, text), wanted[i]);
}

static void normalising_sorts_and_drops_repeats(void **state)
{
	static const char *const wanted[] = { "10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80",
					      "[2001:db8::1]:80" };
	_cleanup_(endpoints_done) struct endpoints e = { 0 };

	(void)state;
	endpoints_normalise(&e);
	assert_int_equal(e.n, 0);
	add(&e, "10.0.0.2:80");
	add(&e, "[2001:db8::1]:80");
	add(&e, "10.0.0.1:81");
	add(&e, "10.0.0.1:80");
	add(&e, "10.0.0.1:81");
	endpoints_normalise(&e);
	is_list(&e, wanted, ARRAY_SIZE(wanted));
}

static void of_two_alike_the_healthy_then_the_heavier_stays_in_any_order(void **state)
{
	const struct endpoint rivals[] = {
		made("10.0.0.1:80", 3, STATE_HEALTHY),
		made("10.0.0.1:80", 9, STATE_UNHEALTHY),
		made("10.0.0.1:80", 1, STATE_HEALTHY),
	};

	(void)state;
	for (size_t first = 0; first < 3; first++) {
		_cleanup_(endpoints_done) struct endpoints e = { 0 };

		for (size_t i = 0; i < 3; i++)
			assert_int_equal(endpoints_add(&e, &rivals[(first + i) % 3]), 0);
		endpoints_normalise(&e);
		assert_int_equal(e.n, 1);
		assert_int_equal(e.list[0].weight, 3);
		assert_int_equal(e.list[0].state, STATE_HEALTHY);
	}
}

static void merging_adds_what_is_new_and_keeps_what_was_known(void **state)
{
	static const char *const wanted[] = { "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80",
					      "10.0.0.4:80" };
	_cleanup_(endpoints_done) struct endpoints to = { 0 }, from = { 0 };
	struct endpoint heavier = made("10.0.0.2:80", 7, STATE_HEALTHY);

	(void)state;
	add(&to, "10.0.0.2:80");
	add(&to, "10.0.0.4:80");
	add(&from, "10.0.0.1:80");
	assert_int_equal(endpoints_add(&from, &heavier), 0);
	add(&from, "10.0.0.3:80");
	assert_int_equal(endpoints_merge(&to, &from), 0);
	is_list(&to, wanted, ARRAY_SIZE(wanted));
	assert_int_equal(to.list[1].weight, 1);
}

static void merging_with_nothing_changes_nothing(void **state)
{
	static const char *const wanted[] = { "10.0.0.2:80" };
	_cleanup_(endpoints_done) struct endpoints to = { 0 }, none = { 0 };

	(void)state;
	assert_int_equal(endpoints_merge(&to, &none), 0);
	assert_int_equal(to.n, 0);
	add(&to, "10.0.0.2:80");
	assert_int_equal(endpoints_merge(&to, &none), 0);
	is_list(&to, wanted, 1);
	assert_int_equal(endpoints_merge(&none, &to), 0);
	is_list(&none, wanted, 1);
}

/* ENDPOINTS_MAX endpoints 10.<net>.x.y:80, in order. */
static void fill(struct endpoints *e, uint8_t net)
{
	for (unsigned int i = 0; i < ENDPOINTS_MAX; i++) {
		const uint8_t octets[4] = { 10, net, (uint8_t)(i >> 8), (uint8_t)i };
		struct endpoint added = {
			.at = { addr_from_ipv4(octets), 80 },
			.weight = 1,
			.state = STATE_HEALTHY,
		};

		assert_int_equal(endpoints_add(e, &added), 0);
	}
}

static void more_than_the_limit_is_refused_and_leaves_the_list_alone(void **state)
{
	_cleanup_(endpoints_done) struct endpoints full = { 0 }, other = { 0 };
	struct endpoint one_more = made("192.0.2.1:80", 1, STATE_HEALTHY);

	(void)state;
	fill(&full, 1);
	assert_int_equal(endpoints_add(&full, &one_more), -E2BIG);
	add(&other, "192.0.2.1:80");
	assert_int_equal(endpoints_merge(&full, &other), -E2BIG);
	assert_int_equal(full.n, ENDPOINTS_MAX);
	assert_null(endpoints_find(&full, &one_more.at));
}

static void a_copy_is_equal_and_its_own(void **state)
{
	_cleanup_(endpoints_done) struct endpoints a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(endpoints_copy(&b, &a), 0);
	assert_true(endpoints_equal(&a, &b));
	add(&a, "10.0.0.2:80");
	add(&a, "10.0.0.3:80");
	assert_false(endpoints_equal(&a, &b));
	assert_int_equal(endpoints_copy(&b, &a), 0);
	assert_true(endpoints_equal(&a, &b));
	b.list[0].weight = 2;
	assert_false(endpoints_equal(&a, &b));
	assert_int_equal(endpoints_copy(&b, &a), 0);
	b.list[1].state = STATE_UNHEALTHY;
	assert_false(endpoints_equal(&a, &b));
	assert_int_equal(endpoints_copy(&b, &a), 0);
	(void)util_copy(b.list[1].zone, sizeof(b.list[1].zone), "us-east-1a");
	assert_false(endpoints_equal(&a, &b));
}

static void an_endpoint_is_found_by_address_and_port(void **state)
{
	_cleanup_(endpoints_done) struct endpoints e = { 0 };
	struct endpoint there = made("10.0.0.3:80", 1, 1), elsewhere = made("10.0.0.3:81", 1, 1);

	(void)state;
	assert_null(endpoints_find(&e, &there.at));
	add(&e, "10.0.0.2:80");
	add(&e, "10.0.0.3:80");
	assert_ptr_equal(endpoints_find(&e, &there.at), &e.list[1]);
	assert_null(endpoints_find(&e, &elsewhere.at));
}

static void what_is_no_place_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "x",
					     "10.0.0.1:",
					     "10.0.0.1:0",
					     "10.0.0.1:65536",
					     "10.0.0.1:80 ",
					     "fd00::1:",
					     "[fd00::1]",
					     "0.0.0.0:80",
					     "224.0.0.1:80",
					     "localhost:80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct addr_port at = { .port = 7 };

		assert_int_equal(endpoint_parse_place(texts[i], &at), -EINVAL);
		assert_int_equal(at.port, 7);
	}
}

static void a_place_is_written_without_a_port_that_is_none(void **state)
{
	static const char *const places[] = { "10.0.0.1:80", "10.0.0.1", "[fd00::1]:80",
					      "fd00::1" };
	char text[ADDR_PORT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct addr_port at;

		assert_int_equal(endpoint_parse_place(places[i], &at), 0);
		assert_string_equal(endpoint_format_place(&at, text), places[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalising_sorts_and_drops_repeats),
		cmocka_unit_test(of_two_alike_the_healthy_then_the_heavier_stays_in_any_order),
		cmocka_unit_test(merging_adds_what_is_new_and_keeps_what_was_known),
		cmocka_unit_test(merging_with_nothing_changes_nothing),
		cmocka_unit_test(more_than_the_limit_is_refused_and_leaves_the_list_alone),
		cmocka_unit_test(a_copy_is_equal_and_its_own),
		cmocka_unit_test(an_endpoint_is_found_by_address_and_port),
		cmocka_unit_test(what_is_no_place_is_refused),
		cmocka_unit_test(a_place_is_written_without_a_port_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
