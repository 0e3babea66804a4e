/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the attached programs leave alone: the agent's own sockets, and tasks in excluded cgroups.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "io/own_socket.h"
#include "kernel/exclude.h"
#include "playground.h"

#define BACKEND_PORT 3000

static struct agent agent;

static int begin(void **state)
{
	(void)state;
	playground_enter();
	playground_listen(BACKEND_PORT);
	agent_init(&agent);
	require(agent_start(&agent) == 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	agent_end(&agent);
	playground_leave();
	return 0;
}

/* --- the agent's own sockets ------------------------------------------------------------------ */

/* Whom a new socket reaches that is one of the agent's own, or of anybody. */
static unsigned int reached_by(const char *to, int kind, bool own)
{
	struct addr_port at = wanted_address(to);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&at, &address);
	_cleanup_close_ int fd = socket(address.ss_family, kind | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	if (own)
		own_socket_set(fd);
	assert_return_code(connect(fd, (struct sockaddr *)&address, length), errno);
	return playground_reached(fd);
}

static void services_at_real_addresses(void)
{
	agent_become(&agent, WANTED({ "v4", "10.0.0.1:3000", PROTOCOL_ANY, "10.0.0.2:3000" },
				    { "v6", "[fd00::1]:3000", PROTOCOL_ANY, "[fd00::2]:3000" }));
}

static void the_agents_own_connects_go_where_they_were_going(void **state)
{
	static const int kinds[] = { SOCKET_TCP, SOCKET_UDP };

	(void)state;
	services_at_real_addresses();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(reached_by("10.0.0.1:3000", kinds[i], false), 2);
		assert_int_equal(reached_by("10.0.0.1:3000", kinds[i], true), 1);
		assert_int_equal(reached_by("[fd00::1]:3000", kinds[i], false), 102);
		assert_int_equal(reached_by("[fd00::1]:3000", kinds[i], true), 101);
	}
	assert_int_equal(agent_counters(&agent, "v4").redirected,
			 1); /* UDP connects do not count */
	assert_int_equal(agent_counters(&agent, "v6").redirected, 1);
}

static int bound(const char *at)
{
	struct addr_port own = wanted_address(at);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&own, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_return_code(fd, errno);
	assert_return_code(bind(fd, (struct sockaddr *)&address, length), errno);
	return fd;
}

/* Which of the two a datagram arrives at: 0 or 1. */
static unsigned int delivered_to(const char *to, bool own, const int servers[2])
{
	struct pollfd ready[] = { { servers[0], POLLIN, 0 }, { servers[1], POLLIN, 0 } };
	struct addr_port at = wanted_address(to);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&at, &address);
	_cleanup_close_ int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int which;
	char byte = 'a';

	assert_return_code(fd, errno);
	if (own)
		own_socket_set(fd);
	assert_int_equal(sendto(fd, &byte, 1, 0, (struct sockaddr *)&address, length), 1);
	assert_int_equal(poll(ready, 2, 5000), 1);
	which = ready[1].revents ? 1 : 0;
	assert_int_equal(recv(servers[which], &byte, 1, 0), 1);
	return which;
}

static void the_agents_own_datagrams_go_where_they_were_going(void **state)
{
	_cleanup_close_ int asked4 = bound("10.0.0.1:3000"), backend4 = bound("10.0.0.2:3000");
	_cleanup_close_ int asked6 = bound("[fd00::1]:3000"), backend6 = bound("[fd00::2]:3000");
	const int servers4[] = { asked4, backend4 }, servers6[] = { asked6, backend6 };

	(void)state;
	services_at_real_addresses();
	assert_int_equal(delivered_to("10.0.0.1:3000", false, servers4), 1);
	assert_int_equal(delivered_to("10.0.0.1:3000", true, servers4), 0);
	assert_int_equal(delivered_to("[fd00::1]:3000", false, servers6), 1);
	assert_int_equal(delivered_to("[fd00::1]:3000", true, servers6), 0);
}

/* As on a kernel before 5.15, too. */
static void the_programs_without_tracks_leave_them_alone_as_well(void **state)
{
	(void)state;
	agent_stop(&agent);
	agent.options.without_tracks = true;
	assert_int_equal(agent_start(&agent), 0);
	services_at_real_addresses();
	assert_int_equal(reached_by("10.0.0.1:3000", SOCKET_TCP, false), 2);
	assert_int_equal(reached_by("10.0.0.1:3000", SOCKET_TCP, true), 1);
	agent_stop(&agent);
	agent.options.without_tracks = false;
	assert_int_equal(agent_start(&agent), 0);
}

/* --- excluded cgroups ------------------------------------------------------------------------- */

/* What a task in the cgroup reaches at 10.0.0.1:3000, where a service leads to 10.0.0.2. */
static unsigned int reached_from(const char *cgroup, const char *to)
{
	unsigned int reached;

	playground_join(cgroup);
	reached = reached_by(to, SOCKET_TCP, false);
	playground_go_inside();
	return reached;
}

/* Brings it about that what the paths name is excluded from the service (NULL: from all). */
static void exclude(const char *service, const char *const *paths, size_t n)
{
	_cleanup_(exclusions_done) struct exclusions want = { 0 };
	struct cgroup_matches found[4] = { 0 };

	assert_in_range(n, 0, ARRAY_SIZE(found));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(dataplane_find_cgroups(agent.dataplane, paths[i], &found[i]), 0);
		for (size_t j = 0; j < found[i].n; j++) {
			const struct cgroup_match *match = &found[i].list[j];
			const struct exclusion row = { match->id,
						       service ? agent_id(&agent, service) : 0,
						       match->level, match->path };

			assert_int_equal(exclusions_add(&want, &row), 0);
		}
	}
	exclusions_sort(&want);
	assert_int_equal(dataplane_exclude(agent.dataplane, &want), 0);
	assert_int_equal(dataplane_include_others(agent.dataplane, &want), 0);
	for (size_t i = 0; i < n; i++)
		cgroup_matches_done(&found[i]);
}
#define EXCLUDE(service, ...)                                  \
	exclude(service, (const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static unsigned int rows_in_the_map(void)
{
	_cleanup_close_ int map = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/shunt_excluded");
	struct shunt_excluded_key key, *from = NULL;
	unsigned int n = 0;

	assert_return_code(map, errno);
	while (bpf_map_get_next_key(map, from, &key) == 0 && n < 1000) {
		from = &key;
		n++;
	}
	return n;
}

static void a_task_in_an_excluded_cgroup_or_below_it_is_left_alone(void **state)
{
	_cleanup_free_ char *task = playground_make_cgroup("task-1");
	_cleanup_free_ char *container = playground_make_cgroup("task-1/container");
	_cleanup_free_ char *other = playground_make_cgroup("task-2");
	uint64_t counted;

	(void)state;
	services_at_real_addresses();
	EXCLUDE(NULL, "task-1");
	counted = agent_counters(&agent, "v4").redirected;
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 1);
	assert_int_equal(reached_from(container, "10.0.0.1:3000"), 1);
	assert_int_equal(reached_from(task, "[fd00::1]:3000"), 101);
	assert_int_equal(agent_counters(&agent, "v4").redirected, counted);
	assert_int_equal(reached_from(other, "10.0.0.1:3000"), 2);
	assert_int_equal(reached_from(playground_cgroup(), "10.0.0.1:3000"), 2);

	EXCLUDE(NULL, "task-1/container", "task-2");
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 2);
	assert_int_equal(reached_from(container, "10.0.0.1:3000"), 1);
	assert_int_equal(reached_from(other, "10.0.0.1:3000"), 1);

	EXCLUDE(NULL, "no-such");
	assert_int_equal(reached_from(container, "10.0.0.1:3000"), 2);
	assert_int_equal(rows_in_the_map(), 0);
}

static void a_service_leaves_its_own_excluded_tasks_alone_and_no_others(void **state)
{
	_cleanup_free_ char *task = playground_make_cgroup("task-1");

	(void)state;
	services_at_real_addresses();
	EXCLUDE("v6", "task-*");
	assert_int_equal(reached_from(task, "[fd00::1]:3000"), 101);
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 2);
	EXCLUDE("v6", "no-such");
}

static void datagrams_of_an_excluded_task_go_where_they_were_going(void **state)
{
	_cleanup_close_ int asked = bound("10.0.0.1:3000"), backend = bound("10.0.0.2:3000");
	_cleanup_free_ char *task = playground_make_cgroup("task-1");
	const int servers[] = { asked, backend };

	(void)state;
	services_at_real_addresses();
	EXCLUDE("v4", "task-1");
	assert_int_equal(delivered_to("10.0.0.1:3000", false, servers), 1);
	playground_join(task);
	assert_int_equal(delivered_to("10.0.0.1:3000", false, servers), 0);
	playground_go_inside();
	EXCLUDE("v4", "no-such");
}

static void the_cgroup_of_the_caller_counts_not_that_of_the_socket(void **state)
{
	_cleanup_free_ char *task = playground_make_cgroup("task-1");
	struct addr_port at = wanted_address("10.0.0.1:3000");
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&at, &address);
	_cleanup_close_ int fd = -1;

	(void)state;
	services_at_real_addresses();
	EXCLUDE(NULL, "task-1");
	playground_join(task);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	playground_go_inside();
	assert_return_code(fd, errno);
	assert_return_code(connect(fd, (struct sockaddr *)&address, length), errno);
	assert_int_equal(playground_reached(fd), 2);
	EXCLUDE(NULL, "no-such");
}

static void exclusions_outlive_the_agent_and_its_successor_clears_them(void **state)
{
	_cleanup_free_ char *task = playground_make_cgroup("task-1");

	(void)state;
	services_at_real_addresses();
	EXCLUDE(NULL, "task-*");
	agent_stop(&agent);
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 1);
	assert_int_equal(agent_start(&agent), 0);
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 1);
	EXCLUDE(NULL, "no-such");
	assert_int_equal(reached_from(task, "10.0.0.1:3000"), 2);
	assert_int_equal(rows_in_the_map(), 0);
}

static void cgroups_are_found_by_path_and_by_pattern(void **state)
{
	_cleanup_free_ char *task = playground_make_cgroup("task-1");
	_cleanup_free_ char *container = playground_make_cgroup("task-1/container");
	_cleanup_free_ char *other = playground_make_cgroup("task-2");
	_cleanup_free_ char *sister = NULL;
	struct cgroup_matches none = { 0 };
	const struct {
		const char *path;
		size_t n;
		const char *first; /* where there is one only */
	} cases[] = {
		{ "task-1", 1, "task-1" },
		{ task, 1, "task-1" },
		{ "task-1/container", 1, "task-1/container" },
		{ "task-1/*", 1, "task-1/container" },
		{ "task-?", 2, NULL },
		{ "task-[2-9]", 1, "task-2" },
		{ "task-3", 0, NULL },
		{ "task-1/cgroup.procs", 0, NULL },
		{ "no-such/*", 0, NULL },
		{ "task-1/cgroup.procs/*", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_matches found = { 0 };

		assert_int_equal(dataplane_find_cgroups(agent.dataplane, cases[i].path, &found), 0);
		assert_int_equal(found.n, cases[i].n);
		if (cases[i].first)
			assert_string_equal(found.list[0].path, cases[i].first);
		cgroup_matches_done(&found);
	}
	assert_true(asprintf(&sister, "%s-2/a", playground_cgroup()) > 0);
	assert_int_equal(dataplane_find_cgroups(agent.dataplane, sister, &none), -EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agents_own_connects_go_where_they_were_going),
		cmocka_unit_test(the_agents_own_datagrams_go_where_they_were_going),
		cmocka_unit_test(the_programs_without_tracks_leave_them_alone_as_well),
		cmocka_unit_test(a_task_in_an_excluded_cgroup_or_below_it_is_left_alone),
		cmocka_unit_test(a_service_leaves_its_own_excluded_tasks_alone_and_no_others),
		cmocka_unit_test(datagrams_of_an_excluded_task_go_where_they_were_going),
		cmocka_unit_test(the_cgroup_of_the_caller_counts_not_that_of_the_socket),
		cmocka_unit_test(exclusions_outlive_the_agent_and_its_successor_clears_them),
		cmocka_unit_test(cgroups_are_found_by_path_and_by_pattern),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
