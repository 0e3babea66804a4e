/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/reset_schedule.h"

static struct addr_port at(const char *text)
{
	struct addr_port address;

	assert_int_equal(addr_port_parse(text, 0, &address), 0);
	return address;
}

static void add(struct reset_schedule *d, uint32_t service_id, const char *backend, uint64_t due_ms)
{
	const struct reset_due due = {
		.service_id = service_id,
		.backend = at(backend),
		.born = (uint32_t)due_ms,
		.due_ms = due_ms,
	};

	assert_int_equal(reset_schedule_add(d, &due), 0);
}

static const struct reset_due *find(const struct reset_schedule *d, uint32_t service_id,
				    const char *backend)
{
	struct addr_port address = at(backend);

	return reset_schedule_find(d, service_id, &address);
}

/* How many of them have had their walks. */
static size_t walked(struct reset_schedule *d, uint64_t began_ms)
{
	_cleanup_(reset_schedule_done) struct reset_schedule finished = { 0 };

	assert_int_equal(reset_schedule_walked(d, began_ms, &finished), 0);
	return finished.n;
}

static void the_next_is_the_one_that_is_due_first(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule d = { 0 };

	(void)state;
	assert_int_equal(reset_schedule_next_ms(&d), RESET_SCHEDULE_NEVER);
	add(&d, 2, "10.0.0.1:80", 300);
	add(&d, 1, "10.0.0.2:80", 100);
	add(&d, 1, "10.0.0.1:80", 200);
	assert_int_equal(reset_schedule_next_ms(&d), 100);
	assert_int_equal(d.n, 3);
	assert_int_equal(find(&d, 1, "10.0.0.1:80")->due_ms, 200);
	assert_null(find(&d, 2, "10.0.0.2:80"));
	assert_null(find(&d, 1, "10.0.0.1:81"));
}

static void of_two_for_one_backend_the_earlier_counts(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule d = { 0 };

	(void)state;
	add(&d, 1, "10.0.0.1:80", 200);
	add(&d, 1, "10.0.0.1:80", 300);
	assert_int_equal(reset_schedule_next_ms(&d), 200);
	add(&d, 1, "10.0.0.1:80", 100);
	assert_int_equal(reset_schedule_next_ms(&d), 100);
	assert_int_equal(d.n, 1);
	/* and connections of each time are meant */
	assert_int_equal(d.list[0].born, 300);
}

static void a_backend_that_is_reprieved_is_forgotten(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule d = { 0 };
	struct addr_port backend = at("10.0.0.1:80");

	(void)state;
	add(&d, 1, "10.0.0.1:80", 100);
	add(&d, 2, "10.0.0.1:80", 200);
	reset_schedule_remove(&d, 1, &backend);
	reset_schedule_remove(&d, 3, &backend);
	assert_null(find(&d, 1, "10.0.0.1:80"));
	assert_int_equal(reset_schedule_next_ms(&d), 200);
}

static void what_is_due_is_walked_for_twice_a_second_apart(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule d = { 0 };

	(void)state;
	add(&d, 1, "10.0.0.1:80", 1000);
	add(&d, 1, "10.0.0.2:80", 5000);
	assert_int_equal(walked(&d, 999), 0);
	assert_int_equal(reset_schedule_next_ms(&d), 1000);
	assert_int_equal(walked(&d, 1010), 0);
	assert_int_equal(reset_schedule_next_ms(&d), 2010);
	assert_int_equal(walked(&d, 2010), 1);
	assert_null(find(&d, 1, "10.0.0.1:80"));
	assert_int_equal(reset_schedule_next_ms(&d), 5000);
}

static void one_that_comes_again_during_its_walks_has_all_of_them(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule d = { 0 };

	(void)state;
	add(&d, 1, "10.0.0.1:80", 1000);
	assert_int_equal(walked(&d, 1000), 0);
	add(&d, 1, "10.0.0.1:80", 1500);
	assert_int_equal(walked(&d, 2000), 0);
	assert_int_equal(walked(&d, 3000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_is_the_one_that_is_due_first),
		cmocka_unit_test(of_two_for_one_backend_the_earlier_counts),
		cmocka_unit_test(a_backend_that_is_reprieved_is_forgotten),
		cmocka_unit_test(what_is_due_is_walked_for_twice_a_second_apart),
		cmocka_unit_test(one_that_comes_again_during_its_walks_has_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
