/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/substitute.h"

/* "1:80*5@z 2:81": 10.0.0.1:80 of weight 5 in zone z, and 10.0.0.2:81. */
static struct endpoints endpoints_of(const char *text, uint8_t state)
{
	struct endpoints e = { 0 };
	unsigned int last, port, weight;
	char zone[8] = "";
	int used;

	for (; *text; text += used + (text[used] == ' ')) {
		struct endpoint added = { .weight = 1, .state = state };

		used = 0;
		zone[0] = '\0';
		weight = 1;
		assert_true(sscanf(text, "%u:%u%n*%u%n@%7[a-z]%n", &last, &port, &used, &weight,
				   &used, zone, &used) >= 2);
		added.at.addr = addr_from_ipv4((const uint8_t[]){ 10, 0, 0, (uint8_t)last });
		added.at.port = (uint16_t)port;
		added.weight = (uint16_t)weight;
		(void)util_copy(added.zone, sizeof(added.zone), zone);
		assert_int_equal(endpoints_add(&e, &added), 0);
	}
	endpoints_normalise(&e);
	return e;
}

static void what_is_known_of_an_endpoint_stays_with_it(void **state)
{
	static const struct {
		const char *known, *found, *wanted;
		bool portless;
	} rows[] = {
		{ "", "", "", true },
		{ "", "1:80 2:80", "1:80 2:80", true },
		{ "1:8080*5@z", "", "", true },
		{ "1:8080*5@z", "1:80 2:80", "1:8080*5@z 2:80", true },
		{ "1:8080*5@z", "1:80 1:8080 2:80", "1:80 1:8080*5@z 2:80", false },
		{ "1:80 1:81*2 3:80", "1:9 2:9", "1:80 1:81*2 2:9", true },
		{ "3:80 4:80", "1:9 2:9", "1:9 2:9", true },
		{ "1:80 2:80", "3:9", "3:9", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(endpoints_done) struct endpoints got = { 0 };
		_cleanup_(endpoints_done) struct endpoints known = endpoints_of(rows[i].known,
										STATE_UNHEALTHY);
		_cleanup_(endpoints_done) struct endpoints found = endpoints_of(rows[i].found,
										STATE_HEALTHY);
		_cleanup_(endpoints_done) struct endpoints wanted = endpoints_of(rows[i].wanted,
										 STATE_HEALTHY);

		assert_int_equal(substitute_make(&found, &known, rows[i].portless, &got), 0);
		assert_true(endpoints_equal(&got, &wanted));
	}
}

static void the_port_is_that_of_all_or_the_fallback(void **state)
{
	static const struct {
		const char *known;
		uint16_t port;
	} rows[] = { { "", 7 }, { "1:80", 80 }, { "1:80 2:80", 80 }, { "1:80 2:81", 7 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(endpoints_done) struct endpoints known = endpoints_of(rows[i].known,
										STATE_HEALTHY);

		assert_int_equal(substitute_port(&known, 7), rows[i].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_an_endpoint_stays_with_it),
		cmocka_unit_test(the_port_is_that_of_all_or_the_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
