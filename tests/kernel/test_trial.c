/* SPDX-License-Identifier: Apache-2.0 */
/* How a backend that was ejected comes back: one connection tries it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "scene.h"

#define DEAD "10.0.0.1:3001" /* until somebody listens there */
#define TWO DEAD " 10.0.0.2:3000"
#define NS_PER_MS 1000000ULL

/* Ejects DEAD for the host; no task has enough failures of its own. */
static void eject_with(const struct shunt_rules *rules)
{
	scene_set(TWO, rules, 0);
	scene_fail(SCENE_VIP, 3);
	scene_be_task(1);
	scene_fail(SCENE_VIP, 2);
	scene_be_task(0);
	require(scene_health(DEAD).eject_until != 0);
}

static void eject(void)
{
	eject_with(&scene_rules);
}

static void let_time_pass(void)
{
	struct shunt_health health = scene_health(DEAD);

	health.eject_until = 1;
	scene_put_health(DEAD, &health);
}

static bool is_ejected(void)
{
	return scene_health(DEAD).eject_until != 0;
}

/* Else it waits until it has come through: to be given up would speak against the other one. */
static bool is_there(int fd)
{
	bool there = playground_reached(fd) == 1;

	if (!there)
		require(scene_error(fd) == 0);
	return there;
}

/* A hundred sockets on their way, each closed at once: how many go to DEAD? */
static unsigned int go_there(void)
{
	unsigned int n = 0;

	for (int i = 0; i < 100; i++) {
		int fd = scene_start(SCENE_VIP, SOCKET_TCP);

		n += is_there(fd);
		close(fd);
	}
	return n;
}

static void all_use_it_again(void)
{
	for (unsigned int task = 0; task < 2; task++) {
		scene_be_task(task);
		assert_in_range(go_there(), 40, 60);
	}
	scene_be_task(0);
	assert_false(is_ejected());
	assert_int_equal(scene_policy().ejected, 0);
}

static bool trial_is_over(const void *unused)
{
	(void)unused;
	return scene_health(DEAD).trial == 0;
}

/* --- it comes through ------------------------------------------------------------------------- */

static void one_connection_tries_it_while_others_avoid_it(void **state)
{
	_cleanup_close_ int filler = -1, listener = -1, trial = -1;

	(void)state;
	eject();
	listener = scene_listen_in_vain(DEAD, &filler);
	assert_int_equal(go_there(), 0);
	let_time_pass();
	agent_stop(&scene);
	trial = scene_start_to(1);
	assert_int_equal(go_there(), 0);
	scene_be_task(1);
	assert_int_equal(go_there(), 0);
	close(scene_accept(listener)); /* the filler; the next SYN comes in */
	assert_int_equal(scene_error(trial), 0);
	assert_true(is_ejected());
	require(listen(listener, 200) == 0);
	all_use_it_again();
}

static void a_trial_that_has_ended_well_readmits(void **state)
{
	_cleanup_close_ int listener = -1;
	int trial;

	(void)state;
	eject();
	let_time_pass();
	listener = scene_listen(DEAD, 200);
	trial = scene_start_to(1);
	scene_end_well(trial, scene_accept(listener));
	assert_true(scene_wait(trial_is_over, NULL));
	assert_false(is_ejected());
	all_use_it_again();
}

/* The agent has taken it off the count when it took its share. */
static void a_trial_of_one_without_a_share_is_not_taken_off_the_count_again(void **state)
{
	_cleanup_close_ int listener = -1;
	int trial;

	(void)state;
	eject();
	let_time_pass();
	listener = scene_listen(DEAD, 200);
	trial = scene_start_to(1);
	dataplane_settle_ejected(scene.dataplane, agent_id(&scene, "s"), 1, 0);
	scene_end_well(trial, scene_accept(listener));
	assert_true(scene_wait(trial_is_over, NULL));
	assert_false(is_ejected());
	assert_int_equal(scene_policy().ejected, 0);
}

/* Many a server ends each connection so. */
static void a_trial_that_came_through_and_was_reset_then_readmits(void **state)
{
	const struct linger reset = { .l_onoff = 1 };
	_cleanup_close_ int listener = -1, trial = -1;
	int peer;

	(void)state;
	eject();
	let_time_pass();
	listener = scene_listen(DEAD, 200);
	trial = scene_start_to(1);
	peer = scene_accept(listener);
	require(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	close(peer);
	assert_int_equal(scene_error(trial), -ECONNRESET);
	assert_false(is_ejected());
	all_use_it_again();
}

static void the_task_of_the_trial_forgets_its_own_grudge(void **state)
{
	_cleanup_close_ int listener = -1;
	int trial;

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	scene_fail(SCENE_VIP, 5);
	scene_be_task(1);
	scene_fail(SCENE_VIP, 1);
	scene_be_task(0);
	assert_true(is_ejected());
	let_time_pass();
	listener = scene_listen(DEAD, 200);
	trial = scene_start_to(1);
	scene_end_well(trial, scene_accept(listener));
	assert_true(scene_wait(trial_is_over, NULL));
	all_use_it_again();
}

/* --- it does not ------------------------------------------------------------------------------ */

static void is_ejected_for(uint64_t since_ns, uint64_t ms)
{
	uint64_t until = scene_health(DEAD).eject_until;

	assert_in_range(until, since_ns + ms * NS_PER_MS,
			scene_now_ns() + (ms + ms / 8 + 1) * NS_PER_MS);
}

static void a_trial_that_is_refused_ejects_it_for_longer_up_to_a_limit(void **state)
{
	static const uint64_t wanted_ms[] = { 100000, 200000, 400000, 500000, 500000 };
	struct shunt_rules rules = scene_rules;
	uint64_t before = scene_now_ns();

	(void)state;
	rules.ejection_base_ms = 100000;
	rules.ejection_max_ms = 500000;
	eject_with(&rules);
	for (size_t i = 0; i < ARRAY_SIZE(wanted_ms); i++) {
		is_ejected_for(before, wanted_ms[i]);
		assert_int_equal(scene_policy().ejections, i + 1);
		assert_int_equal(scene_policy().ejected, 1);
		assert_int_equal(go_there(), 0);
		let_time_pass();
		before = scene_now_ns();
		scene_fail(SCENE_VIP, 1);
		assert_int_equal(scene_health(DEAD).trial, 0);
	}
}

/* After a while in service the count starts again. */
static void one_that_was_well_for_long_is_ejected_as_the_first_time(void **state)
{
	_cleanup_close_ int listener = -1;
	struct shunt_health health;
	uint64_t before;
	int trial;

	(void)state;
	eject();
	let_time_pass();
	listener = scene_listen(DEAD, 200);
	trial = scene_start_to(1);
	scene_end_well(trial, scene_accept(listener));
	close(TAKE_FD(listener));
	assert_true(scene_wait(trial_is_over, NULL));
	health = scene_health(DEAD);
	assert_int_equal(health.ejections, 1);
	health.returned_ms -= scene_rules.ejection_max_ms + 1000;
	scene_put_health(DEAD, &health);
	before = scene_now_ns();
	eject();
	is_ejected_for(before, scene_rules.ejection_base_ms);
}

static void a_trial_that_is_given_up_lets_the_next_one_try(void **state)
{
	_cleanup_close_ int filler = -1, listener = -1, trial = -1;

	(void)state;
	eject();
	let_time_pass();
	listener = scene_listen_in_vain(DEAD, &filler);
	for (int i = 0; i < 5; i++) {
		close(scene_start_to(1));
		assert_int_equal(scene_health(DEAD).trial, 0);
	}
	trial = scene_start_to(1);
	assert_int_equal(go_there(), 0);
}

static void disconnected(int fd)
{
	scene_disconnect(fd);
}

static void closed_by_reset(int fd)
{
	_cleanup_close_ int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct linger reset = { .l_onoff = 1 };

	require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	require(dup2(nothing, fd) == fd); /* closes */
}

static void connected_to_another(int fd)
{
	scene_disconnect(fd);
	scene_connect_again(fd, "10.0.0.9:3000");
}

/* Of these nothing is left by which to judge. */
static void a_trial_that_was_wiped_lets_the_next_one_try(void **state)
{
	static void (*const wipe[])(int fd) = { disconnected, closed_by_reset,
						connected_to_another };

	(void)state;
	eject();
	for (size_t i = 0; i < ARRAY_SIZE(wipe); i++) {
		_cleanup_close_ int filler = -1, listener = scene_listen_in_vain(DEAD, &filler);
		_cleanup_close_ int first = -1, second = -1;

		let_time_pass();
		first = scene_start_to(1);
		wipe[i](first);
		second = scene_start_to(1);
		assert_true(is_ejected());
		assert_int_equal(go_there(), 0);
		close(TAKE_FD(first)); /* the earlier one's end does not end the later one */
		assert_int_equal(go_there(), 0);
	}
}

/* As after a track was lost: memory that is nobody's, and memory that is another's by now. */
static void a_trial_whose_socket_is_gone_lets_the_next_one_try(void **state)
{
	(void)state;
	eject();
	for (int others = 0; others < 2; others++) {
		_cleanup_close_ int filler = -1, listener = scene_listen_in_vain(DEAD, &filler);
		_cleanup_close_ int first = -1, second = -1;
		struct shunt_health health;

		let_time_pass();
		first = scene_start_to(1);
		health = scene_health(DEAD);
		assert_int_not_equal(health.trial_socket, 0);
		health.trial += 1 << 20;
		if (!others)
			health.trial_socket = 0;
		scene_put_health(DEAD, &health);
		second = scene_start_to(1);
		assert_int_equal(go_there(), 0);
	}
}

/* --- and only one ----------------------------------------------------------------------------- */

#define THREADS 4
#define CONNECTS 20

static pthread_barrier_t start;

static void *hold_many(void *fds)
{
	(void)pthread_barrier_wait(&start);
	for (int i = 0; i < CONNECTS; i++)
		((int *)fds)[i] = scene_start(SCENE_VIP, SOCKET_TCP);
	return NULL;
}

/* How many of the sockets of many threads go to DEAD at once? */
static unsigned int go_there_at_once(void)
{
	pthread_t threads[THREADS];
	int fds[THREADS][CONNECTS];
	unsigned int n = 0;

	require(pthread_barrier_init(&start, NULL, THREADS) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, hold_many, fds[i]) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		for (size_t j = 0; j < CONNECTS; j++) {
			n += is_there(fds[i][j]);
			close(fds[i][j]);
		}
	}
	(void)pthread_barrier_destroy(&start);
	return n;
}

static void of_many_at_once_one_tries(void **state)
{
	_cleanup_close_ int filler = -1, listener = -1;

	(void)state;
	eject();
	listener = scene_listen_in_vain(DEAD, &filler);
	for (int i = 0; i < 200; i++) {
		let_time_pass();
		assert_int_equal(go_there_at_once(), 1);
	}
}

static void a_datagram_socket_never_tries(void **state)
{
	unsigned int counts[SCENE_COUNTS];

	(void)state;
	scene_set_at(SCENE_VIP, PROTOCOL_ANY, TWO, &scene_rules, 0);
	scene_fail(SCENE_VIP, 3);
	scene_be_task(1);
	scene_fail(SCENE_VIP, 2);
	scene_spread(SCENE_VIP, SOCKET_UDP, counts);
	assert_int_equal(counts[2], 100);
	let_time_pass();
	scene_spread(SCENE_VIP, SOCKET_UDP, counts);
	assert_int_equal(counts[2], 100);
	assert_int_equal(scene_health(DEAD).trial, 0);
	scene_fail(SCENE_VIP, 1); /* TCP does */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, scene_clear)
		TEST(one_connection_tries_it_while_others_avoid_it),
		TEST(a_trial_that_has_ended_well_readmits),
		TEST(a_trial_of_one_without_a_share_is_not_taken_off_the_count_again),
		TEST(a_trial_that_came_through_and_was_reset_then_readmits),
		TEST(the_task_of_the_trial_forgets_its_own_grudge),
		TEST(a_trial_that_is_refused_ejects_it_for_longer_up_to_a_limit),
		TEST(one_that_was_well_for_long_is_ejected_as_the_first_time),
		TEST(a_trial_that_is_given_up_lets_the_next_one_try),
		TEST(a_trial_that_was_wiped_lets_the_next_one_try),
		TEST(a_trial_whose_socket_is_gone_lets_the_next_one_try),
		TEST(of_many_at_once_one_tries),
		TEST(a_datagram_socket_never_tries),
	};

	return scene_run(tests);
}
