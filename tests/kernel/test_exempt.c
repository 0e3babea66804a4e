/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the attached programs leave alone: the agent's own sockets. */
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

/* As on a kernel before 5.12, too. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agents_own_connects_go_where_they_were_going),
		cmocka_unit_test(the_agents_own_datagrams_go_where_they_were_going),
		cmocka_unit_test(the_programs_without_tracks_leave_them_alone_as_well),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
