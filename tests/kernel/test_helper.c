/* SPDX-License-Identifier: Apache-2.0 */
/* The helper beside the agent: it opens things in network namespaces, and ends with its parent. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/util.h"
#include "helper/helper.h"
#include "playground.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C /* linux/sockios.h: the network namespace of a socket */
#endif

struct seen {
	ino_t wanted;
	size_t found, calls;
};

static ino_t own_namespace(void)
{
	struct stat own;

	require(stat("/proc/self/ns/net", &own) == 0);
	return own.st_ino;
}

static int see(void *user, const int *fds, size_t n)
{
	struct seen *seen = user;
	struct stat namespace;
	int fd;

	seen->calls++;
	assert_int_equal(n, 1);
	fd = ioctl(fds[0], SIOCGSKNS);
	require(fd >= 0 && fstat(fd, &namespace) == 0);
	close(fd);
	seen->found += namespace.st_ino == seen->wanted;
	return 0;
}

/* A process in a network namespace of its own; its end of the pipe ends it. */
static pid_t make_task(int *ret_pipe, ino_t *ret_namespace)
{
	int ready[2], life[2];
	pid_t task;

	require(pipe2(ready, O_CLOEXEC) == 0 && pipe2(life, O_CLOEXEC) == 0);
	task = fork();
	require(task >= 0);
	if (task == 0) {
		ino_t namespace;
		char byte;

		close(life[1]);
		require(unshare(CLONE_NEWNET) == 0);
		namespace = own_namespace();
		require(write(ready[1], &namespace, sizeof(namespace)) == sizeof(namespace));
		(void)!read(life[0], &byte, 1);
		_exit(0);
	}
	require(read(ready[0], ret_namespace, sizeof(*ret_namespace)) == sizeof(*ret_namespace));
	close(ready[0]);
	close(ready[1]);
	close(life[0]);
	*ret_pipe = life[1];
	return task;
}

static void end_task(pid_t task, int life)
{
	close(life);
	require(waitpid(task, NULL, 0) == task);
}

static void each_network_namespace_is_entered_once(void **state)
{
	_cleanup_(helper_free_p) struct helper *helper = NULL;
	struct seen seen = { 0 };
	struct helper_walked walked;
	int life, life_too;
	pid_t task, too;

	(void)state;
	require(helper_start(&helper) == 0);
	task = make_task(&life, &seen.wanted);
	too = make_task(&life_too, &(ino_t){ 0 });
	for (int times = 1; times <= 3; times++) {
		assert_int_equal(
			helper_walk(helper, HELPER_SOCK_DIAG, NULL, 0, see, &seen, &walked), 0);
		assert_int_equal(seen.found, times);
	}
	end_task(too, life_too);
	seen = (struct seen){ .wanted = own_namespace() };
	assert_int_equal(helper_walk(helper, HELPER_SOCK_DIAG, NULL, 0, see, &seen, &walked), 0);
	assert_int_equal(seen.found, 1);
	assert_int_equal(walked.entered - walked.failed, seen.calls);
	end_task(task, life);
}

static int refuse(void *user, const int *fds, size_t n)
{
	(void)fds;
	(void)n;
	(*(size_t *)user)++;
	return -EIO;
}

static void an_error_in_one_namespace_does_not_end_the_walk(void **state)
{
	_cleanup_(helper_free_p) struct helper *helper = NULL;
	struct helper_walked walked;
	size_t calls = 0;
	ino_t unused;
	pid_t task;
	int life;

	(void)state;
	require(helper_start(&helper) == 0);
	task = make_task(&life, &unused);
	assert_int_equal(helper_walk(helper, HELPER_SOCK_DIAG, NULL, 0, refuse, &calls, &walked),
			 0);
	assert_true(calls >= 2);
	assert_true(walked.failed >= calls);
	end_task(task, life);
}

static void what_cannot_be_opened_is_told_of_each_namespace(void **state)
{
	_cleanup_(helper_free_p) struct helper *helper = NULL;
	struct seen seen = { 0 };
	struct helper_walked walked;

	(void)state;
	require(helper_start(&helper) == 0);
	assert_int_equal(helper_walk(helper, HELPER_ITERATE, &(int){ 0 }, 1, see, &seen, &walked),
			 0);
	assert_int_equal(seen.calls, 0);
	assert_true(walked.entered > 0);
	assert_int_equal(walked.failed, walked.entered);
	assert_int_equal(walked.error, -EINVAL);
}

static void with_all_privileges_nothing_is_missing(void **state)
{
	_cleanup_(helper_free_p) struct helper *helper = NULL;
	_cleanup_(diag_done) struct diag missing = { 0 };

	(void)state;
	require(helper_start(&helper) == 0);
	helper_check(helper, &missing);
	assert_int_equal(missing.total, 0);
}

static void without_privileges_it_says_so_and_enters_its_own_namespace_only(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	require(child >= 0);
	if (child == 0) {
		struct diag missing = { 0 };
		struct helper_walked walked;
		struct seen seen = { .wanted = own_namespace() };
		struct helper *helper;

		require(helper_confine() == 0);
		require(helper_start(&helper) == 0);
		helper_check(helper, &missing);
		require(missing.total == 1);
		require(streq(missing.lines[0],
			      "network namespaces: only the agent's own can be entered: Operation "
			      "not permitted. It needs CAP_SYS_ADMIN and CAP_SYS_PTRACE"));
		require(helper_walk(helper, HELPER_SOCK_DIAG, NULL, 0, see, &seen, &walked) == 0);
		require(seen.calls == 1 && seen.found == 1);
		helper_free(helper);
		_exit(0);
	}
	require(waitpid(child, &status, 0) == child);
	assert_int_equal(status, 0);
}

static void once_confined_a_process_cannot_enter_a_namespace_but_its_helper_can(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	require(child >= 0);
	if (child == 0) {
		struct helper_walked walked;
		struct seen seen = { 0 };
		struct helper *helper;
		int life;
		pid_t task;

		task = make_task(&life, &seen.wanted);
		require(helper_start(&helper) == 0);
		require(helper_confine() == 0);
		require(unshare(CLONE_NEWNET) < 0 && errno == EPERM);
		require(helper_walk(helper, HELPER_SOCK_DIAG, NULL, 0, see, &seen, &walked) == 0);
		require(seen.found == 1);
		helper_free(helper);
		end_task(task, life);
		_exit(0);
	}
	require(waitpid(child, &status, 0) == child);
	assert_int_equal(status, 0);
}

/* The write end of `ends` is held by the child and its helper: it closes when both have ended. */
static void it_ends_when_its_parent_is_killed(void **state)
{
	struct pollfd closed = { .events = POLLIN };
	int ends[2];
	char byte;
	pid_t child;

	(void)state;
	require(pipe(ends) == 0);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		struct helper *helper;

		require(dup2(ends[1], STDOUT_FILENO) >= 0); /* what a helper keeps */
		require(close(ends[0]) == 0 && close(ends[1]) == 0);
		require(helper_start(&helper) == 0);
		require(write(STDOUT_FILENO, "r", 1) == 1);
		for (;;)
			(void)pause();
	}
	close(ends[1]);
	require(read(ends[0], &byte, 1) == 1);
	closed.fd = ends[0];
	assert_int_equal(poll(&closed, 1, 0), 0);
	require(kill(child, SIGKILL) == 0);
	require(waitpid(child, NULL, 0) == child);
	assert_int_equal(poll(&closed, 1, 10000), 1);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_network_namespace_is_entered_once),
		cmocka_unit_test(an_error_in_one_namespace_does_not_end_the_walk),
		cmocka_unit_test(what_cannot_be_opened_is_told_of_each_namespace),
		cmocka_unit_test(with_all_privileges_nothing_is_missing),
		cmocka_unit_test(without_privileges_it_says_so_and_enters_its_own_namespace_only),
		cmocka_unit_test(
			once_confined_a_process_cannot_enter_a_namespace_but_its_helper_can),
		cmocka_unit_test(it_ends_when_its_parent_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
