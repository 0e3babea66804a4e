/* SPDX-License-Identifier: Apache-2.0 */
/* Which backends are avoided, by failures of real connections; how they come back: test_trial.c. */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "scene.h"

#define DEAD "10.0.0.1:3001" /* until somebody listens there */
#define TWO DEAD " 10.0.0.2:3000"

static void nobody_is_refused(void)
{
	unsigned int counts[200];

	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[0], 0);
}

static bool is_ejected(const char *backend)
{
	return scene_health(backend).eject_until != 0;
}

/* The window's count, in failures that tell all. */
static double failures_of(const char *backend)
{
	return scene_health(backend).window.failures / 4.0;
}

/* --- who is convinced ------------------------------------------------------------------------- */

static void five_refusals_by_a_task_keep_it_from_the_backend_and_nobody_else(void **state)
{
	(void)state;
	scene_set(TWO, &scene_rules, 0);
	agent_stop(&scene);
	scene_fail(SCENE_VIP, 5);
	nobody_is_refused();
	assert_int_equal(scene_failures(FAILURE_REFUSED), 5);
	assert_false(is_ejected(DEAD));
	assert_int_equal(scene_policy().ejected, 0);
	scene_be_task(1);
	scene_fail(SCENE_VIP, 1);
}

static void failures_of_two_tasks_eject_it_for_the_host(void **state)
{
	(void)state;
	scene_set(TWO, &scene_rules, 0);
	agent_stop(&scene);
	scene_fail(SCENE_VIP, 3);
	scene_be_task(1);
	scene_fail(SCENE_VIP, 1);
	assert_false(is_ejected(DEAD));
	scene_fail(SCENE_VIP, 1);
	assert_true(is_ejected(DEAD));
	for (unsigned int task = 0; task < 3; task++) {
		scene_be_task(task);
		nobody_is_refused();
	}
	assert_int_equal(scene_policy().ejected, 1);
	assert_int_equal(scene_policy().ejections, 1);
}

static void ipv6_backends_are_ejected_too(void **state)
{
	unsigned int counts[200];

	(void)state;
	scene_set_at("[fd00::f1]:80", PROTOCOL_TCP, "[fd00::1]:3001 [fd00::2]:3000", &scene_rules,
		     0);
	scene_fail("[fd00::f1]:80", 3);
	scene_be_task(1);
	scene_fail("[fd00::f1]:80", 2);
	assert_true(is_ejected("[fd00::1]:3001"));
	scene_spread("[fd00::f1]:80", SOCKET_TCP, counts);
	assert_int_equal(counts[102], 100);
}

/* --- what counts ------------------------------------------------------------------------------ */

static void time_outs_count_in_full(void **state)
{
	_cleanup_close_ int filler = -1, listener = scene_listen_in_vain(DEAD, &filler);
	const unsigned int timeout_ms = 100;
	int fds[5];

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = scene_start_to(1);
		require(setsockopt(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
				   sizeof(timeout_ms)) == 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(scene_error(fds[i]), -ETIMEDOUT);
		close(fds[i]);
	}
	assert_int_equal(scene_failures(FAILURE_TIMEOUT), 5);
	for (int i = 0; i < 100; i++)
		assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP), 2);
}

static void one_that_is_given_up_is_a_quarter_of_a_failure(void **state)
{
	_cleanup_close_ int filler = -1, listener = scene_listen_in_vain(DEAD, &filler);

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	for (int i = 0; i < 20; i++) {
		assert_true(failures_of(DEAD) == i / 4.0);
		close(scene_start_to(1));
	}
	assert_int_equal(scene_failures(FAILURE_OTHER), 20);
	for (int i = 0; i < 100; i++)
		assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP), 2);
}

static void is_reset(int listener)
{
	const struct linger reset = { .l_onoff = 1 };
	int fd = scene_start_to(1), peer = scene_accept(listener);
	char byte;

	assert_int_equal(scene_error(fd), 0);
	require(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	close(peer);
	assert_int_equal(scene_error(fd), -ECONNRESET);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static void one_that_is_reset_later_is_a_quarter_of_a_failure(void **state)
{
	_cleanup_close_ int listener = scene_listen(DEAD, 100);

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	for (int i = 0; i < 20; i++) {
		assert_true(failures_of(DEAD) == i / 4.0);
		is_reset(listener);
	}
	assert_int_equal(scene_failures(FAILURE_RESET), 20);
	for (int i = 0; i < 100; i++)
		assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP), 2);
}

static void what_the_host_lacks_says_nothing_of_the_backend(void **state)
{
	static const char *const backends[] = {
		"192.0.2.1:3000", /* no route */
		"10.99.0.1:3000", /* a route that prohibits */
	};

	(void)state;
	require(system("ip route add prohibit 10.99.0.0/24") == 0);
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		scene_set(backends[i], &scene_rules, 0);
		for (int j = 0; j < 20; j++)
			assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP),
					 i ? -EACCES : -ENETUNREACH);
		assert_true(failures_of(backends[i]) == 0);
		scene_wait_active(0);
	}
	assert_int_equal(scene_counters().look, 0);
}

static void write_port_range(const char *text)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");

	require(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void to_be_out_of_ports_says_nothing_of_the_backend(void **state)
{
	_cleanup_close_ int first = -1;

	(void)state;
	scene_set("10.0.0.1:3000", &scene_rules, 0);
	write_port_range("40000 40000");
	first = playground_connect(SCENE_VIP, SOCKET_TCP);
	assert_return_code(first, -first);
	for (int i = 0; i < 20; i++)
		assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP), -EADDRNOTAVAIL);
	write_port_range("32768 60999");
	assert_true(failures_of("10.0.0.1:3000") == 0);
	assert_int_equal(scene_counters().look, 0);
	scene_wait_active(1);
}

static void another_program_that_denies_says_nothing_of_the_backend(void **state)
{
	int program;

	(void)state;
	scene_set("10.0.0.1:3000", &scene_rules, 0);
	program = playground_attach_denying(playground_cgroup(), BPF_CGROUP_INET4_CONNECT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(playground_reach(SCENE_VIP, SOCKET_TCP), -EPERM);
	playground_detach_foreign(playground_cgroup(), program, BPF_CGROUP_INET4_CONNECT);
	assert_int_equal(scene_counters().redirected, 20);
	assert_true(failures_of("10.0.0.1:3000") == 0);
	assert_int_equal(scene_counters().look, 0);
	scene_wait_active(0);
}

static void nobody_looks_at_health_while_nothing_fails(void **state)
{
	_cleanup_close_ int listener = scene_listen(DEAD, 200);
	unsigned int counts[200];

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	scene_spread(SCENE_VIP, SOCKET_TCP, counts);
	assert_int_equal(counts[1] + counts[2], 100);
	assert_int_equal(scene_counters().look, 0);
	close(TAKE_FD(listener));
	scene_fail(SCENE_VIP, 1);
	assert_int_equal(scene_counters().look, SHUNT_LOOK_SUSPECT);
	scene_fail(SCENE_VIP, 4);
	assert_int_equal(scene_counters().look, SHUNT_LOOK_SUSPECT | SHUNT_LOOK_AVOID);
}

/* --- successes, and time ---------------------------------------------------------------------- */

static void succeeds(int listener)
{
	int fd = scene_start_to(1), peer = scene_accept(listener);

	assert_int_equal(scene_error(fd), 0);
	scene_end_well(fd, peer);
	scene_wait_active(0);
}

static void successes_outweigh_failures(void **state)
{
	_cleanup_close_ int listener = -1;

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	scene_fail(SCENE_VIP, 4);
	listener = scene_listen(DEAD, 10);
	for (int i = 0; i < 5; i++)
		succeeds(listener);
	close(TAKE_FD(listener));
	scene_fail(SCENE_VIP, 1);
	assert_true(failures_of(DEAD) == 1);
	scene_fail(SCENE_VIP, 1); /* not avoided */
}

static void fewer_successes_than_failures_do_not(void **state)
{
	_cleanup_close_ int listener = -1;

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	scene_fail(SCENE_VIP, 4);
	listener = scene_listen(DEAD, 10);
	for (int i = 0; i < 3; i++)
		succeeds(listener);
	close(TAKE_FD(listener));
	scene_fail(SCENE_VIP, 1);
	nobody_is_refused();
}

static bool is_later(const void *ns)
{
	return scene_now_ns() > *(const uint64_t *)ns;
}

#define JIFFY_MAX_NS 10000000 /* 100 of them a second */

static void connections_from_before_are_no_successes(void **state)
{
	_cleanup_close_ int listener = scene_listen(DEAD, 20);
	int fds[10], peers[10];
	uint64_t later;

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = scene_start_to(1);
		peers[i] = scene_accept(listener);
	}
	close(TAKE_FD(listener));
	later = scene_now_ns() + 2 * JIFFY_MAX_NS;
	assert_true(scene_wait(is_later, &later));
	scene_fail(SCENE_VIP, 4);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		scene_end_well(fds[i], peers[i]);
	scene_wait_active(0);
	assert_true(failures_of(DEAD) == 4);
	scene_fail(SCENE_VIP, 1);
	nobody_is_refused();
}

/* However long ago: hours, days, a year. */
static void old_connections_are_no_successes_either(void **state)
{
	static const uint64_t jiffies[] = { 1 << 14,	1 << 23,    3 << 22,   1 << 30,
					    3ULL << 30, 1ULL << 33, 1ULL << 35 };
	_cleanup_close_ int listener = scene_listen(DEAD, 20);
	int fds[ARRAY_SIZE(jiffies)], peers[ARRAY_SIZE(jiffies)];

	(void)state;
	scene_set(TWO, &scene_rules, 0);
	for (size_t i = 0; i < ARRAY_SIZE(jiffies); i++) {
		fds[i] = scene_start_to(1);
		peers[i] = scene_accept(listener);
		scene_age(fds[i], jiffies[i]);
	}
	close(TAKE_FD(listener));
	scene_fail(SCENE_VIP, 4);
	for (size_t i = 0; i < ARRAY_SIZE(jiffies); i++) {
		scene_end_well(fds[i], peers[i]);
		scene_wait_active((int64_t)(ARRAY_SIZE(jiffies) - i - 1));
		assert_int_equal(scene_health(DEAD).window.successes, 0);
	}
	assert_true(failures_of(DEAD) == 4);
}

static void failures_outside_the_window_do_not_add_up(void **state)
{
	struct shunt_rules brief = scene_rules;
	uint64_t over;

	(void)state;
	brief.ejection_within_ms = 20;
	scene_set(TWO, &brief, 0);
	scene_fail(SCENE_VIP, 4);
	over = scene_now_ns() + 21000000;
	assert_true(scene_wait(is_later, &over));
	scene_fail(SCENE_VIP, 1);
	assert_true(failures_of(DEAD) == 1);
	scene_fail(SCENE_VIP, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			five_refusals_by_a_task_keep_it_from_the_backend_and_nobody_else,
			scene_clear),
		cmocka_unit_test_setup(failures_of_two_tasks_eject_it_for_the_host, scene_clear),
		cmocka_unit_test_setup(ipv6_backends_are_ejected_too, scene_clear),
		cmocka_unit_test_setup(time_outs_count_in_full, scene_clear),
		cmocka_unit_test_setup(one_that_is_given_up_is_a_quarter_of_a_failure, scene_clear),
		cmocka_unit_test_setup(one_that_is_reset_later_is_a_quarter_of_a_failure,
				       scene_clear),
		cmocka_unit_test_setup(what_the_host_lacks_says_nothing_of_the_backend,
				       scene_clear),
		cmocka_unit_test_setup(to_be_out_of_ports_says_nothing_of_the_backend, scene_clear),
		cmocka_unit_test_setup(another_program_that_denies_says_nothing_of_the_backend,
				       scene_clear),
		cmocka_unit_test_setup(nobody_looks_at_health_while_nothing_fails, scene_clear),
		cmocka_unit_test_setup(successes_outweigh_failures, scene_clear),
		cmocka_unit_test_setup(fewer_successes_than_failures_do_not, scene_clear),
		cmocka_unit_test_setup(connections_from_before_are_no_successes, scene_clear),
		cmocka_unit_test_setup(old_connections_are_no_successes_either, scene_clear),
		cmocka_unit_test_setup(failures_outside_the_window_do_not_add_up, scene_clear),
	};

	return scene_run(tests);
}
