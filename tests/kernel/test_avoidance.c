/* SPDX-License-Identifier: Apache-2.0 */
/* Who is picked instead of backends that are ejected, and how many may be. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "scene.h"

/* One failure of a task is enough for it, and of a second one for the host. */
static struct shunt_rules strict(uint8_t max_percent, uint8_t panic_percent)
{
	struct shunt_rules rules = scene_rules;

	rules.ejection_failures = 1;
	rules.ejection_max_percent = max_percent;
	rules.panic_percent = panic_percent;
	return rules;
}

/* Two tasks fail at all of the `n` that refuse; a third looks on. */
static void eject(unsigned int n)
{
	for (unsigned int task = 1; task <= 2; task++) {
		scene_be_task(task);
		for (int i = 0; i < 100; i++)
			(void)playground_reach(SCENE_VIP, SOCKET_TCP);
	}
	scene_be_task(0);
	assert_int_equal(scene_policy().ejected, n);
}

/* --- how many --------------------------------------------------------------------------------- */

static void no_more_are_ejected_than_allowed(void **state)
{
	struct shunt_rules rules = strict(50, 0);
	unsigned int counts[SCENE_COUNTS], ejected = 0;

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3001 10.0.0.3:3001 10.0.0.4:3000", &rules, 0);
	eject(2);
	ejected += scene_health("10.0.0.1:3001").eject_until != 0;
	ejected += scene_health("10.0.0.2:3001").eject_until != 0;
	ejected += scene_health("10.0.0.3:3001").eject_until != 0;
	assert_int_equal(ejected, 2);
	scene_fail(SCENE_VIP, 1); /* the third is still met; then it is this task's own */
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[4], 100);
}

static void one_may_always_be_ejected(void **state)
{
	struct shunt_rules rules = strict(1, 50);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	eject(1);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[2], 100);
}

static void with_too_few_left_all_are_used(void **state)
{
	struct shunt_rules rules = strict(100, 51);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3001 10.0.0.3:3000 10.0.0.4:3000", &rules, 0);
	eject(2);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_in_range(counts[0], 48, 52); /* the round robin of two CPUs */
	rules.panic_percent = 50;
	scene_set("10.0.0.1:3001 10.0.0.2:3001 10.0.0.3:3000 10.0.0.4:3000", &rules, 0);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[0], 0);
}

static void the_only_backend_is_always_used(void **state)
{
	struct shunt_rules rules = strict(50, 50);

	(void)state;
	scene_set("10.0.0.1:3001", &rules, 0);
	eject(1);
	scene_fail(SCENE_VIP, 5);
	assert_int_equal(scene_counters().no_backend, 0);
}

/* All that a task has left are its own grudges: better one of them than nobody. */
static void a_task_that_avoids_all_uses_one_all_the_same(void **state)
{
	struct shunt_rules rules = strict(50, 50);

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3001", &rules, 0);
	scene_fail(SCENE_VIP, 10);
	assert_int_equal(scene_counters().no_backend, 0);
	assert_int_equal(scene_failures(FAILURE_REFUSED), 10);
}

static void without_ejection_nobody_is_avoided_any_more(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	eject(1);
	rules.ejection_failures = 0;
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_in_range(counts[0], 48, 52);
}

/* --- who instead ------------------------------------------------------------------------------ */

#define ROUNDS 20 /* of a hundred connects */

static void spread_many(unsigned int sums[static SCENE_COUNTS])
{
	unsigned int counts[SCENE_COUNTS];

	memset(sums, 0, SCENE_COUNTS * sizeof(*sums));
	for (int i = 0; i < ROUNDS; i++) {
		scene_spread(SCENE_VIP, SOCKET_TCP, counts);
		for (size_t j = 0; j < SCENE_COUNTS; j++)
			sums[j] += counts[j];
	}
	assert_int_equal(sums[0], 0);
}

static void no_neighbour_gets_more_than_others(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	unsigned int sums[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3000 10.0.0.2:3001 10.0.0.3:3000 10.0.0.4:3000", &rules, 0);
	eject(1);
	spread_many(sums);
	for (int i = 1; i <= 4; i++) /* 500 of their own turns, a third of 500: +- 8 times 10.5 */
		assert_in_range(sums[i], i == 2 ? 0 : 582, i == 2 ? 0 : 751);
}

static void weights_are_kept_among_those_left(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	unsigned int sums[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3000*3 10.0.0.2:3001*5 10.0.0.3:3000*1", &rules, 0);
	eject(1);
	spread_many(sums);
	/* 667 of its own turns, three quarters of 1,111: +- 8 times 14.4 */
	assert_in_range(sums[1], 1385, 1615);
	assert_int_equal(sums[1] + sums[3], 2000);
}

static void a_task_of_maglev_keeps_one_alternative(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	int listeners[4] = { -1, -1, -1, -1 };
	unsigned int counts[SCENE_COUNTS];
	int first, second;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		char at[32];

		(void)snprintf(at, sizeof(at), "10.0.0.%d:3001", i);
		listeners[i] = scene_listen(at, 1000);
	}
	scene_set("10.0.0.1:3001 10.0.0.2:3001 10.0.0.3:3001 task", &rules, 0);
	first = playground_reach(SCENE_VIP, SOCKET_TCP);
	assert_in_range(first, 1, 3);
	close(listeners[first]);
	scene_fail(SCENE_VIP, 1);
	second = playground_reach(SCENE_VIP, SOCKET_TCP);
	assert_in_range(second, 1, 3);
	assert_int_not_equal(second, first);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[second], 100);
	for (int i = 1; i <= 3; i++)
		if (i != first)
			close(listeners[i]);
}

static void datagram_sockets_avoid_it_too(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set_at(SCENE_VIP, PROTOCOL_ANY, "10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	scene_spread(SCENE_VIP, SOCKET_UDP, counts);
	assert_in_range(counts[1], 10, 90);
	eject(1);
	scene_spread(SCENE_VIP, SOCKET_UDP, counts);
	assert_int_equal(counts[2], 100);
}

/* Few are left of many: the one in a hundred is found. */
static void the_last_one_is_found_among_many(void **state)
{
	struct shunt_rules rules = strict(100, 0);
	unsigned int counts[SCENE_COUNTS];
	char backends[40 * 16] = "10.0.0.40:3000";
	size_t at = strlen(backends);

	(void)state;
	for (int i = 1; i < 40; i++)
		at += (size_t)snprintf(backends + at, sizeof(backends) - at, " 10.0.0.%d:3001", i);
	scene_set(backends, &rules, 0);
	for (int i = 0; i < 10; i++)
		for (unsigned int task = 1; task <= 2; task++) {
			scene_be_task(task);
			for (int j = 0; j < 100; j++)
				(void)playground_reach(SCENE_VIP, SOCKET_TCP);
		}
	scene_be_task(0);
	assert_int_equal(scene_policy().ejected, 39);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[40], 100);
}

/* The heavy one has all slots but one; to be found that may take many. */
static void a_light_one_is_found_among_the_slots_of_a_heavy_one(void **state)
{
	static const char *const backends[] = {
		"10.0.0.1:3001*100 10.0.0.2:3000*1",
		"10.0.0.1:3001*1000 10.0.0.2:3000*1",
		"10.0.0.1:3001*30000 10.0.0.2:3000*1",
	};
	struct shunt_rules rules = strict(50, 50);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		scene_set(backends[i], &rules, 0);
		eject(1);
		scene_spread(SCENE_VIP, SOCKET_TCP, counts);
		assert_int_equal(counts[2], 100);
		scene_clear(NULL);
	}
}

/* --- another past ----------------------------------------------------------------------------- */

static void a_backend_that_has_left_and_come_back_has_no_past(void **state)
{
	struct shunt_rules rules = strict(50, 50);

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	eject(1);
	scene_set("10.0.0.2:3000", &rules, 0);
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	assert_int_equal(scene_health("10.0.0.1:3001").eject_until, 0);
	for (unsigned int task = 1; task <= 2; task++) {
		scene_be_task(task);
		scene_fail(SCENE_VIP, 1);
	}
}

/* Whoever gets its id: what one task holds against the one before is not held against it. */
static void another_backend_with_its_id_has_no_past(void **state)
{
	struct shunt_rules rules = strict(50, 50);
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	scene_fail(SCENE_VIP, 1);
	scene_set("10.0.0.2:3000", &rules, 0);
	agent_grace(&scene);
	scene_set("10.0.0.3:3000 10.0.0.2:3000", &rules, 0);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_in_range(counts[3], 48, 52);
}

/* A connection of a backend that is gone ends, and says nothing of the one that has its id. */
static void an_end_from_before_says_nothing_of_who_has_the_id_now(void **state)
{
	_cleanup_close_ int filler = -1, listener = scene_listen_in_vain("10.0.0.1:3001", &filler);
	struct shunt_rules rules = strict(50, 50);
	int fd;

	(void)state;
	rules.ejection_failures = 100;
	scene_set("10.0.0.1:3001", &rules, 0);
	fd = scene_start_to(1);
	scene_set("10.0.0.2:3000", &rules, 0);
	agent_grace(&scene);
	scene_set("10.0.0.1:3001 10.0.0.2:3000", &rules, 0);
	close(fd);
	scene_wait_active(0);
	assert_int_equal(scene_failures(FAILURE_OTHER), 1);
	assert_int_equal(scene_health("10.0.0.1:3001").window.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, scene_clear)
		TEST(no_more_are_ejected_than_allowed),
		TEST(one_may_always_be_ejected),
		TEST(with_too_few_left_all_are_used),
		TEST(the_only_backend_is_always_used),
		TEST(a_task_that_avoids_all_uses_one_all_the_same),
		TEST(without_ejection_nobody_is_avoided_any_more),
		TEST(no_neighbour_gets_more_than_others),
		TEST(weights_are_kept_among_those_left),
		TEST(a_task_of_maglev_keeps_one_alternative),
		TEST(datagram_sockets_avoid_it_too),
		TEST(the_last_one_is_found_among_many),
		TEST(a_light_one_is_found_among_the_slots_of_a_heavy_one),
		TEST(a_backend_that_has_left_and_come_back_has_no_past),
		TEST(another_backend_with_its_id_has_no_past),
		TEST(an_end_from_before_says_nothing_of_who_has_the_id_now),
	};

	return scene_run(tests);
}
