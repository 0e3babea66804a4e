/* SPDX-License-Identifier: Apache-2.0 */
/* Connects under way: how long they may take, how long they took, and what is left of that after.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "kernel/events.h"
#include "playground.h"

#define BACKEND_PORT 3000
#define DEAF_PORT 3001	  /* its listener's queue is full: SYNs to it are dropped */
#define PATIENCE_MS 60000 /* the kernel's own is two minutes */
#define SECOND_US 1000000u
#define JIFFY_US 10000u /* at most */

static struct agent agent;
static int deaf;

/* Nobody accepts, and the queue has room for one. */
static void listen_deafly(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(DEAF_PORT) };

	deaf = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(deaf >= 0);
	require(bind(deaf, (struct sockaddr *)&any, sizeof(any)) == 0);
	require(listen(deaf, 0) == 0);
	require(playground_connect("10.0.0.1:3001", SOCKET_TCP) >= 0); /* until the program ends */
}

static int begin(void **state)
{
	(void)state;
	playground_enter();
	playground_listen(BACKEND_PORT);
	listen_deafly();
	agent_init(&agent);
	require(agent_start(&agent) == 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	agent_end(&agent);
	playground_leave();
	close(deaf);
	return 0;
}

static void as_on_a_kernel_without_tracks(bool without)
{
	agent_stop(&agent);
	agent.options.without_tracks = without;
	require(agent_start(&agent) == 0);
}

static void events(bool wanted)
{
	struct diag problems = { 0 };
	int r = dataplane_events(agent.dataplane, wanted, &problems);

	diag_print(&problems, "events: ", stderr);
	diag_done(&problems);
	assert_int_equal(r, 0);
}

/* Services that all ask: one that answers, one that does not, one without a way to it. */
static void services_ask(uint32_t timeout_ms, bool timing)
{
	_cleanup_(table_done) struct table want =
		WANTED({ "good", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
		       { "deaf", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3001" },
		       { "far", "127.254.0.3:80", PROTOCOL_TCP, "192.0.2.1:3001" },
		       { "good6", "[fd00::f1]:80", PROTOCOL_TCP, "[fd00::1]:3000" },
		       { "deaf6", "[fd00::f2]:80", PROTOCOL_TCP, "[fd00::2]:3001" });

	for (size_t i = 0; i < want.n; i++) {
		want.services[i].rules.connect_timeout_ms = timeout_ms;
		want.services[i].rules.connect_timing = timing;
		if (timeout_ms || timing)
			want.services[i].head_flags = SHUNT_HEAD_EVENTS;
	}
	if (timeout_ms || timing)
		events(true);
	agent_make(&agent, &want);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int made(const char *to, int kind, uint32_t own_ms)
{
	struct addr_port at = wanted_address(to);
	int family = addr_is_ipv4(&at.addr) && !(kind & SOCKET_MAPPED) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	if (own_ms)
		assert_return_code(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &own_ms,
					      sizeof(own_ms)),
				   errno);
	return fd;
}

/* 0 or an errno. */
static int sent(int fd, const char *to, int kind)
{
	struct addr_port at = wanted_address(to);
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(at.port) };
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&at, &address);

	if (kind & SOCKET_MAPPED) {
		memcpy(&mapped.sin6_addr, at.addr.octets, sizeof(mapped.sin6_addr));
		memcpy(&address, &mapped, sizeof(mapped));
		length = sizeof(mapped);
	}
	return connect(fd, (struct sockaddr *)&address, length) < 0 ? errno : 0;
}

static int disconnect(int fd)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	return connect(fd, &nobody, sizeof(nobody));
}

static uint32_t timeout_of(int fd)
{
	uint32_t ms = UINT32_MAX;
	socklen_t length = sizeof(ms);

	assert_return_code(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &length), errno);
	return ms;
}

/* After the first SYN; what came of it since, if it took us long, is taken back. */
static uint32_t next_syn_us(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	assert_return_code(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), errno);
	assert_int_equal(info.tcpi_state, TCP_SYN_SENT);
	return info.tcpi_rto >> info.tcpi_backoff;
}

/* A connect() under way, which nobody will answer. */
static int started(const char *to, uint32_t own_ms)
{
	int fd = made(to, SOCKET_TCP, own_ms);

	assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
	assert_int_equal(sent(fd, to, SOCKET_TCP), EINPROGRESS);
	return fd;
}

/* --- bounding --------------------------------------------------------------------------------- */

static const struct {
	const char *good, *deaf;
	int kind;
} ways[] = {
	{ "127.254.0.1:80", "127.254.0.2:80", SOCKET_TCP },
	{ "127.254.0.1:80", "127.254.0.2:80", SOCKET_TCP | SOCKET_MAPPED },
	{ "[fd00::f1]:80", "[fd00::f2]:80", SOCKET_TCP },
};

static void a_connect_fails_in_time(void)
{
	services_ask(300, false);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_close_ int fd = made(ways[i].deaf, ways[i].kind, 0);
		time_t begun = time(NULL);

		assert_int_equal(sent(fd, ways[i].deaf, ways[i].kind), ETIMEDOUT);
		assert_in_range(time(NULL) - begun, 0, PATIENCE_MS / 1000);
		assert_int_equal(timeout_of(fd), 0);
	}
}

static void a_connect_that_nobody_answers_fails_in_time(void **state)
{
	(void)state;
	a_connect_fails_in_time();
}

static void and_without_tracks_too(void **state)
{
	(void)state;
	as_on_a_kernel_without_tracks(true);
	a_connect_fails_in_time();
	as_on_a_kernel_without_tracks(false);
}

static void an_established_connection_has_the_timeout_it_had_before(void **state)
{
	static const uint32_t own_ms[] = { 0, 700, 5000, 700000 };

	(void)state;
	services_ask(5000, false);
	for (size_t i = 0; i < ARRAY_SIZE(ways) * ARRAY_SIZE(own_ms); i++) {
		size_t way = i / ARRAY_SIZE(own_ms), own = i % ARRAY_SIZE(own_ms);
		_cleanup_close_ int fd = made(ways[way].good, ways[way].kind, own_ms[own]);

		assert_int_equal(sent(fd, ways[way].good, ways[way].kind), 0);
		assert_int_equal(timeout_of(fd), own_ms[own]);
	}
}

static void meanwhile_the_shorter_of_two_timeouts_is_in_force(void **state)
{
	static const struct {
		uint32_t own_ms, meanwhile_ms;
	} cases[] = { { 0, 5000 }, { 700, 700 }, { 5000, 5000 }, { 700000, 5000 } };

	(void)state;
	services_ask(5000, false);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = started("127.254.0.2:80", cases[i].own_ms);

		assert_int_equal(timeout_of(fd), cases[i].meanwhile_ms);
		assert_return_code(disconnect(fd), errno);
		assert_int_equal(timeout_of(fd), cases[i].own_ms);
	}
}

static void what_the_application_sets_meanwhile_stays(void **state)
{
	_cleanup_close_ int fd = -1;
	uint32_t ms = 400;

	(void)state;
	services_ask(60000, false);
	fd = started("127.254.0.2:80", 0);
	assert_int_equal(timeout_of(fd), 60000);
	assert_return_code(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)), errno);
	assert_return_code(disconnect(fd), errno);
	assert_int_equal(timeout_of(fd), 400);
}

static void the_second_syn_is_sent_within_a_quarter_of_the_time(void **state)
{
	static const struct {
		uint32_t timeout_ms, after_us;
	} cases[] = {
		{ 3600, 900000 }, { 4000, SECOND_US }, { 300000, SECOND_US }, { 0, SECOND_US }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = -1;

		services_ask(cases[i].timeout_ms, true);
		fd = started("127.254.0.2:80", 0);
		assert_in_range(next_syn_us(fd), cases[i].after_us, cases[i].after_us + JIFFY_US);
	}
}

/* --- others ----------------------------------------------------------------------------------- */

static void a_connect_that_is_not_ours_is_left_alone(void **state)
{
	_cleanup_close_ int fd = -1;

	(void)state;
	services_ask(300, true);
	fd = started("10.0.0.2:3001", 0);
	assert_int_equal(timeout_of(fd), 0);
	assert_in_range(next_syn_us(fd), SECOND_US, SECOND_US + JIFFY_US);
}

/* Rules alone do not count: nobody looks at them for a service whose head does not say so. */
static void a_service_whose_head_does_not_say_so_is_left_alone(void **state)
{
	_cleanup_(table_done) struct table want =
		WANTED({ "deaf", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3001" });
	_cleanup_close_ int fd = -1;

	(void)state;
	events(true);
	want.services[0].rules.connect_timeout_ms = 60000;
	agent_make(&agent, &want);
	fd = started("127.254.0.2:80", 0);
	assert_int_equal(timeout_of(fd), 0);
}

static void a_socket_that_is_used_again_takes_nothing_along(void **state)
{
	_cleanup_close_ int fd = made("127.254.0.2:80", SOCKET_TCP, 9000);

	(void)state;
	services_ask(300, true);
	assert_int_equal(sent(fd, "127.254.0.2:80", SOCKET_TCP), ETIMEDOUT);
	assert_int_equal(timeout_of(fd), 9000);
	assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
	assert_int_equal(sent(fd, "10.0.0.2:3001", SOCKET_TCP), EINPROGRESS);
	assert_int_equal(timeout_of(fd), 9000);
}

/* There is no SYN, and so nobody sees its end. */
static void a_socket_without_a_way_takes_nothing_along_either(void **state)
{
	_cleanup_close_ int fd = made("127.254.0.3:80", SOCKET_TCP, 9000);

	(void)state;
	services_ask(300, true);
	assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
	assert_int_equal(sent(fd, "127.254.0.3:80", SOCKET_TCP), ENETUNREACH);
	assert_int_equal(timeout_of(fd), 9000);
	assert_int_equal(sent(fd, "10.0.0.2:3001", SOCKET_TCP), EINPROGRESS);
	assert_int_equal(timeout_of(fd), 9000);
	assert_in_range(next_syn_us(fd), SECOND_US, SECOND_US + JIFFY_US);
}

/* --- timing ----------------------------------------------------------------------------------- */

static uint64_t timed(const char *service, uint64_t *ret_sum_ns)
{
	struct shunt_timing timing;
	uint64_t count = 0;

	assert_true(dataplane_timing(agent.dataplane, agent_id(&agent, service), &timing));
	for (size_t i = 0; i < SHUNT_TIMING_BUCKETS; i++)
		count += timing.count[i];
	*ret_sum_ns = timing.sum_ns;
	return count;
}

static void the_connects_that_succeed_are_timed(void)
{
	uint64_t before, after, sum, sum_after;

	services_ask(300, true);
	before = timed("good", &sum);
	for (int i = 0; i < 10; i++)
		assert_int_equal(playground_reach("127.254.0.1:80", SOCKET_TCP), 1);
	after = timed("good", &sum_after);
	assert_int_equal(after - before, 10);
	assert_in_range(sum_after - sum, 1, 10 * PATIENCE_MS * UINT64_C(1000000));
	assert_int_equal(playground_reach("127.254.0.2:80", SOCKET_TCP), -ETIMEDOUT);
	assert_int_equal(timed("deaf", &sum), 0);
}

static void a_connect_that_succeeds_is_timed(void **state)
{
	(void)state;
	the_connects_that_succeed_are_timed();
}

static void and_without_tracks_as_well(void **state)
{
	(void)state;
	as_on_a_kernel_without_tracks(true);
	the_connects_that_succeed_are_timed();
	as_on_a_kernel_without_tracks(false);
}

static void a_service_that_does_not_ask_is_not_timed(void **state)
{
	struct shunt_timing timing;
	uint64_t before, sum;

	(void)state;
	services_ask(300, true);
	before = timed("good", &sum);
	services_ask(300, false);
	assert_int_equal(playground_reach("127.254.0.1:80", SOCKET_TCP), 1);
	assert_false(dataplane_timing(agent.dataplane, agent_id(&agent, "good"), &timing));
	services_ask(300, true);
	assert_int_equal(timed("good", &sum), before);
}

static void timing_begins_anew_with_another_name(void **state)
{
	_cleanup_(table_done) struct table renamed =
		WANTED({ "other", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" });
	uint64_t sum;

	(void)state;
	services_ask(0, true);
	assert_int_equal(playground_reach("127.254.0.1:80", SOCKET_TCP), 1);
	assert_int_not_equal(timed("good", &sum), 0);
	renamed.services[0].rules.connect_timing = 1;
	renamed.services[0].head_flags = SHUNT_HEAD_EVENTS;
	agent_make(&agent, &renamed);
	assert_int_equal(timed("other", &sum), 0);
	assert_int_equal(sum, 0);
}

/* --- being attached --------------------------------------------------------------------------- */

static unsigned int attached(void)
{
	_cleanup_close_ int cgroup = open(playground_cgroup(), O_RDONLY | O_DIRECTORY);
	uint32_t ids[8], n = ARRAY_SIZE(ids), flags;

	assert_return_code(bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, &flags, ids, &n), errno);
	return n;
}

static void the_program_is_attached_while_it_is_wanted(void **state)
{
	(void)state;
	services_ask(0, false);
	events(false);
	assert_int_equal(attached(), 0);
	assert_int_equal(dataplane_check(agent.dataplane, &agent.problems), 0);
	events(true);
	events(true);
	assert_int_equal(attached(), 1);
	assert_int_equal(dataplane_check(agent.dataplane, &agent.problems), 0);
	assert_return_code(unlink(PLAYGROUND_BPFFS "/shunt/link_sock_ops"), errno);
	assert_int_equal(dataplane_check(agent.dataplane, &agent.problems), -ENOLINK);
	events(false);
	events(true);
	assert_int_equal(dataplane_check(agent.dataplane, &agent.problems), 0);
}

static void a_successor_replaces_it_or_takes_it_off(void **state)
{
	(void)state;
	services_ask(300, false);
	assert_int_equal(attached(), 1);
	agent_stop(&agent);
	assert_int_equal(playground_reach("127.254.0.2:80", SOCKET_TCP), -ETIMEDOUT);
	require(agent_start(&agent) == 0);
	assert_int_equal(attached(), 1);
	events(true);
	assert_int_equal(attached(), 1);
	agent_stop(&agent);
	require(agent_start(&agent) == 0);
	services_ask(0, false);
	events(false);
	assert_int_equal(attached(), 0);
	assert_int_equal(access(PLAYGROUND_BPFFS "/shunt/prog_sock_ops", F_OK), -1);
}

static void it_stays_until_the_last_timeout_is_given_back(void **state)
{
	struct diag problems = { 0 };
	_cleanup_close_ int fd = -1;

	(void)state;
	services_ask(60000, false);
	fd = started("127.254.0.2:80", 0);
	services_ask(0, false);
	assert_int_equal(dataplane_events(agent.dataplane, false, &problems), -EAGAIN);
	assert_int_equal(problems.total, 0);
	assert_int_equal(attached(), 1);
	assert_return_code(disconnect(fd), errno);
	assert_int_equal(timeout_of(fd), 0);
	events(false);
	assert_int_equal(attached(), 0);
}

/* A socket whose connect() has timed out, unseen, because of another program. */
static int timed_out_unseen(uint32_t own_ms)
{
	int program = playground_attach_deafening(playground_cgroup());
	int fd = made("127.254.0.2:80", SOCKET_TCP, own_ms);

	assert_int_equal(sent(fd, "127.254.0.2:80", SOCKET_TCP), ETIMEDOUT);
	playground_detach_foreign(playground_cgroup(), program, BPF_CGROUP_SOCK_OPS);
	assert_int_equal(timeout_of(fd), 300);
	return fd;
}

static void let_pass(int fd, uint64_t ms)
{
	_cleanup_close_ int map = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/shunt_attempts");
	struct shunt_attempt attempt;

	assert_return_code(map, errno);
	assert_return_code(bpf_map_lookup_elem(map, &fd, &attempt), errno);
	attempt.begun_ns -= ms * 1000000;
	assert_return_code(bpf_map_update_elem(map, &fd, &attempt, BPF_EXIST), errno);
}

static void an_end_that_nobody_saw_is_not_waited_for(void **state)
{
	_cleanup_close_ int fd = -1;

	(void)state;
	services_ask(300, false);
	fd = timed_out_unseen(0);
	services_ask(0, false);
	let_pass(fd, 2000); /* of 300, and a second more */
	events(false);
	assert_int_equal(attached(), 0);
}

static void what_nobody_took_back_is_at_the_next_connect(void **state)
{
	static const char *const next[] = { "127.254.0.1:80", "10.0.0.1:3000" };
	static const uint32_t own_ms[] = { 0, 9000 };

	(void)state;
	services_ask(300, false);
	for (size_t i = 0; i < ARRAY_SIZE(next) * ARRAY_SIZE(own_ms); i++) {
		uint32_t own = own_ms[i / ARRAY_SIZE(next)];
		_cleanup_close_ int fd = timed_out_unseen(own);

		assert_int_equal(sent(fd, next[i % ARRAY_SIZE(next)], SOCKET_TCP), 0);
		assert_int_equal(timeout_of(fd), own);
	}
}

static void who_is_in_the_way_is_named(void **state)
{
	struct diag problems = { 0 };
	int program;

	(void)state;
	services_ask(0, false);
	events(false);
	program = playground_attach_foreign(playground_cgroup(), "not_ours", BPF_CGROUP_SOCK_OPS,
					    0);
	assert_int_equal(dataplane_events(agent.dataplane, true, &problems), -EEXIST);
	assert_non_null(strstr(problems.lines[0], "('not_ours') is attached to sock_ops"));
	playground_detach_foreign(playground_cgroup(), program, BPF_CGROUP_SOCK_OPS);
	diag_done(&problems);
	events(true);
	assert_int_equal(attached(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connect_that_nobody_answers_fails_in_time),
		cmocka_unit_test(and_without_tracks_too),
		cmocka_unit_test(an_established_connection_has_the_timeout_it_had_before),
		cmocka_unit_test(meanwhile_the_shorter_of_two_timeouts_is_in_force),
		cmocka_unit_test(what_the_application_sets_meanwhile_stays),
		cmocka_unit_test(the_second_syn_is_sent_within_a_quarter_of_the_time),
		cmocka_unit_test(a_connect_that_is_not_ours_is_left_alone),
		cmocka_unit_test(a_service_whose_head_does_not_say_so_is_left_alone),
		cmocka_unit_test(a_socket_that_is_used_again_takes_nothing_along),
		cmocka_unit_test(a_socket_without_a_way_takes_nothing_along_either),
		cmocka_unit_test(a_connect_that_succeeds_is_timed),
		cmocka_unit_test(and_without_tracks_as_well),
		cmocka_unit_test(a_service_that_does_not_ask_is_not_timed),
		cmocka_unit_test(timing_begins_anew_with_another_name),
		cmocka_unit_test(the_program_is_attached_while_it_is_wanted),
		cmocka_unit_test(a_successor_replaces_it_or_takes_it_off),
		cmocka_unit_test(it_stays_until_the_last_timeout_is_given_back),
		cmocka_unit_test(an_end_that_nobody_saw_is_not_waited_for),
		cmocka_unit_test(what_nobody_took_back_is_at_the_next_connect),
		cmocka_unit_test(who_is_in_the_way_is_named),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
