/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to backends that are gone are reset, and no others, whichever means the kernel has.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/plan_look.h"
#include "helper/helper.h"
#include "kernel/resetter.h"
#include "playground.h"

#define BACKEND_PORT 3000

/* The means: what newer kernels have, what older ones have, and what the oldest have. */
static const struct means {
	bool without_sock_destroy, without_tracks;
} means[] = {
	{ false, false },
	{ true, false },
	{ true, true },
};

static struct agent agent;
static struct helper *helper;
static struct resetter *resetter;

static int begin(void **state)
{
	(void)state;
	require(helper_start(&helper) == 0);
	playground_enter();
	playground_listen(BACKEND_PORT);
	agent_init(&agent);
	return 0;
}

static int end(void **state)
{
	(void)state;
	agent_end(&agent);
	helper_free(helper);
	playground_leave();
	return 0;
}

static void stop(void)
{
	resetter_free(resetter);
	resetter = NULL;
	agent_end(&agent);
}

/* After a test that failed half-way. */
static int tidy(void **state)
{
	(void)state;
	stop();
	return 0;
}

/* Services A and B share the backend 10.0.0.1; C's address is that of a backend of A's. */
static void start(const struct means *m)
{
	struct diag missing = { 0 };
	int r;

	agent_init(&agent);
	agent.options.without_sock_destroy = m->without_sock_destroy;
	agent.options.without_tracks = m->without_tracks;
	require(agent_start(&agent) == 0);
	r = resetter_open(agent.dataplane, &resetter, &missing);
	diag_print(&missing, "missing: ", stderr);
	diag_done(&missing);
	assert_int_equal(r, 0);
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000" },
				    { "b", "127.254.0.2:80", PROTOCOL_ANY, "10.0.0.1:3000" },
				    { "c", "10.0.0.1:3333", PROTOCOL_ANY, "10.0.0.2:3000" },
				    { "six", "[fd00::f1]:80", PROTOCOL_ANY, "[fd00::2]:3000" },
				    { "any", "127.254.0.5", PROTOCOL_ANY, "10.0.0.5" }));
}

/* Whether connections are tracked with these means, on this kernel; else all is stopped again. */
static bool start_tracking(const struct means *m)
{
	start(m);
	if (dataplane_missing(agent.dataplane)->total == 0)
		return true;
	stop();
	return false;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t born_of(uint32_t service_id, const struct addr_port *backend)
{
	struct plan_member m;

	for (size_t i = 0; planner_backend(agent.planner, service_id, i, &m); i++) {
		if (addr_port_compare(&m.at, backend) == 0)
			return m.born;
	}
	fail_msg("no such backend");
	return 0;
}

static void reset_at(const char *service, const char *backend, enum shunt_reset_reason reason,
		     uint64_t due_ms)
{
	struct reset_due due = {
		.service_id = agent_id(&agent, service),
		.backend = wanted_address(backend),
		.reason = reason,
		.due_ms = due_ms,
	};

	due.born = born_of(due.service_id, &due.backend);
	assert_int_equal(reset_rows_put(agent.dataplane, &due), 0);
}

static void reset(const char *service, const char *backend)
{
	reset_at(service, backend, RESET_REMOVED, now_ms());
}

static int destroy_in(void *user, const int *fds, size_t n)
{
	return resetter_walk(user, fds, n);
}

/* What the agent does when something is due. */
static void destroy(void)
{
	int links[RESETTER_LINKS];
	size_t n = resetter_links(resetter, links);
	struct helper_walked walked;

	if (resetter_begin(resetter) == 0)
		return;
	assert_int_equal(helper_walk(helper, n ? HELPER_ITERATE : HELPER_SOCK_DIAG, links, n,
				     destroy_in, resetter, &walked),
			 0);
	assert_true(walked.entered > 0);
	assert_int_equal(walked.failed, 0);
}

static int error_of(int fd)
{
	socklen_t length = sizeof(int);
	int error = 0;

	require(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
	return error;
}

static int connected(const char *to, int kind)
{
	int fd = playground_connect(to, kind);

	assert_return_code(fd, -fd);
	return fd;
}

static uint64_t resets(const char *service, enum shunt_reset_reason reason)
{
	uint64_t resets[RESETS];

	dataplane_resets(agent.dataplane, agent_id(&agent, service), resets);
	return resets[reason];
}

static void connections_to_a_backend_that_is_gone_are_reset_and_counted(void **state)
{
	static const struct {
		const char *service, *backend, *to;
		int kind;
	} cases[] = {
		{ "a", "10.0.0.1:3000", "127.254.0.1:80", SOCKET_TCP },
		{ "a", "10.0.0.1:3000", "127.254.0.1:80", SOCKET_UDP },
		{ "a", "10.0.0.1:3000", "127.254.0.1:80", SOCKET_TCP | SOCKET_MAPPED },
		{ "a", "10.0.0.1:3000", "127.254.0.1:80", SOCKET_UDP | SOCKET_MAPPED },
		{ "six", "[fd00::2]:3000", "[fd00::f1]:80", SOCKET_TCP },
		{ "six", "[fd00::2]:3000", "[fd00::f1]:80", SOCKET_UDP },
		{ "any", "10.0.0.5", "127.254.0.5:3000", SOCKET_TCP },
		{ "any", "10.0.0.5", "127.254.0.5:3000", SOCKET_UDP },
	};

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		start(&means[m]);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			enum shunt_reset_reason reason = i % RESETS;
			uint64_t before = resets(cases[i].service, reason);
			_cleanup_close_ int fd = connected(cases[i].to, cases[i].kind);

			reset_at(cases[i].service, cases[i].backend, reason, now_ms());
			destroy();
			assert_int_equal(error_of(fd), ECONNABORTED);
			assert_int_equal(resets(cases[i].service, reason), before + 1);
		}
		stop();
	}
}

static void a_connection_lives_until_its_backend_is_due(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		_cleanup_close_ int tcp = -1, udp = -1;

		start(&means[m]);
		tcp = connected("127.254.0.1:80", SOCKET_TCP);
		udp = connected("127.254.0.1:80", SOCKET_UDP);
		reset_at("a", "10.0.0.1:3000", RESET_REMOVED, now_ms() + 60000);
		destroy();
		assert_int_equal(error_of(tcp), 0);
		assert_int_equal(error_of(udp), 0);
		stop();
	}
}

static void a_reprieved_backend_keeps_its_connections(void **state)
{
	struct addr_port backend = wanted_address("10.0.0.1:3000");

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		_cleanup_close_ int fd = -1;

		start(&means[m]);
		fd = connected("127.254.0.1:80", SOCKET_TCP);
		reset("a", "10.0.0.1:3000");
		assert_int_equal(
			reset_rows_delete(agent.dataplane, agent_id(&agent, "a"), &backend), 0);
		destroy();
		assert_int_equal(error_of(fd), 0);
		stop();
	}
}

/* --- those that must live --------------------------------------------------------------------- */

static void disconnect(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	assert_int_equal(connect(fd, &nobody, sizeof(nobody)), 0);
	(void)error_of(fd); /* ECONNRESET, by our own reset */
}

static void connect_again(int fd, const char *to)
{
	struct addr_port address = wanted_address(to);
	struct sockaddr_storage ss;
	socklen_t length = addr_port_sockaddr(&address, &ss);

	assert_int_equal(connect(fd, (struct sockaddr *)&ss, length), 0);
}

static int another_service_of_the_same_backend(int kind)
{
	return connected("127.254.0.2:80", kind);
}

static int another_backend_by_the_address_of_the_one_that_is_gone(int kind)
{
	return connected("10.0.0.1:3333", kind);
}

static int a_direct_connection(int kind)
{
	return connected("10.0.0.1:3000", kind);
}

static int connected_elsewhere_since(int kind)
{
	int fd = connected("127.254.0.1:80", kind);

	disconnect(fd);
	connect_again(fd, "10.0.0.9:3000");
	return fd;
}

static int not_connected_any_more(int kind)
{
	int fd = connected("127.254.0.1:80", kind);

	disconnect(fd);
	return fd;
}

static int never_connected(int kind)
{
	struct addr_port address = wanted_address("127.254.0.1:80");
	struct sockaddr_storage ss;
	socklen_t length = addr_port_sockaddr(&address, &ss);
	int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);

	require(fd >= 0);
	if (kind == SOCKET_UDP)
		require(sendto(fd, "x", 1, 0, (struct sockaddr *)&ss, length) == 1);
	return fd;
}

static int connected_for_another_service_since(int kind)
{
	int fd = connected("127.254.0.1:80", kind);

	disconnect(fd);
	connect_again(fd, "127.254.0.2:80");
	return fd;
}

/* Of a UDP socket with notes of two services for one peer nobody can tell whose it is. */
static int that_may_be_of_another_service(int kind)
{
	int fd = connected("127.254.0.2:80", kind);

	if (kind != SOCKET_UDP)
		return fd;
	disconnect(fd);
	connect_again(fd, "127.254.0.1:80");
	return fd;
}

static void sockets_that_are_not_of_that_backend_live(void **state)
{
	static int (*const make[])(int kind) = {
		another_service_of_the_same_backend,
		another_backend_by_the_address_of_the_one_that_is_gone,
		a_direct_connection,
		connected_elsewhere_since,
		not_connected_any_more,
		never_connected,
		connected_for_another_service_since,
		that_may_be_of_another_service,
	};
	static const int kinds[] = { SOCKET_TCP, SOCKET_UDP };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		start(&means[m]);
		for (size_t i = 0; i < ARRAY_SIZE(make) * ARRAY_SIZE(kinds); i++) {
			_cleanup_close_ int fd = make[i / 2](kinds[i % 2]);
			_cleanup_close_ int victim = connected("127.254.0.1:80", kinds[i % 2]);

			reset("a", "10.0.0.1:3000");
			destroy();
			assert_int_equal(error_of(victim), ECONNABORTED);
			if (error_of(fd) != 0)
				fail_msg("means %zu, case %zu was destroyed", m, i);
		}
		assert_int_equal(resets("a", RESET_REMOVED), ARRAY_SIZE(make) * ARRAY_SIZE(kinds));
		stop();
	}
}

/* --- tracks ----------------------------------------------------------------------------------- */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	require(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0);
	return cookie;
}

static int open_tracks(void)
{
	int fd = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/shunt_tracks");

	require(fd >= 0);
	return fd;
}

static struct shunt_track track_read(int tracks, uint64_t cookie)
{
	uint32_t index = (uint32_t)cookie & (SHUNT_TRACKS - 1);
	struct shunt_track track;

	require(bpf_map_lookup_elem(tracks, &index, &track) == 0);
	return track;
}

static void track_write(int tracks, uint64_t cookie, const struct shunt_track *track)
{
	uint32_t index = (uint32_t)cookie & (SHUNT_TRACKS - 1);

	require(bpf_map_update_elem(tracks, &index, track, BPF_ANY) == 0);
}

/* Tracks that were left behind, in the place of sockets that are not the ones they tell of. */
static void a_socket_with_the_cookie_of_a_track_but_another_peer_lives(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		_cleanup_close_ int tracks = -1, ours = -1, elsewhere = -1, direct = -1;
		struct shunt_track track;

		if (!start_tracking(&means[m]))
			continue;
		tracks = open_tracks();
		ours = connected("127.254.0.1:80", SOCKET_TCP);
		elsewhere = connected("10.0.0.9:3000", SOCKET_TCP);
		direct = connected("10.0.0.1:3000", SOCKET_TCP);
		track = track_read(tracks, cookie_of(ours));
		assert_int_equal(track.cookie, cookie_of(ours));
		track.cookie = cookie_of(elsewhere);
		track_write(tracks, track.cookie, &track);
		track.cookie = cookie_of(direct);
		track.note.backend_port++;
		track_write(tracks, track.cookie, &track);
		reset("a", "10.0.0.1:3000");
		destroy();
		assert_int_equal(error_of(ours), ECONNABORTED);
		assert_int_equal(error_of(elsewhere), 0);
		assert_int_equal(error_of(direct), 0);
		stop();
	}
}

static void a_connection_of_an_earlier_service_with_that_id_lives(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		_cleanup_close_ int tracks = -1, fd = -1;
		struct shunt_track track;

		if (!start_tracking(&means[m]))
			continue;
		tracks = open_tracks();
		fd = connected("127.254.0.1:80", SOCKET_TCP);
		track = track_read(tracks, cookie_of(fd));
		track.generation--;
		track_write(tracks, track.cookie, &track);
		reset("a", "10.0.0.1:3000");
		destroy();
		assert_int_equal(error_of(fd), 0);
		stop();
	}
}

/* It has left and come back while those of the time before were waited for. */
static void a_connection_to_a_backend_that_has_come_back_since_lives(void **state)
{
	static const int kinds[] = { SOCKET_TCP, SOCKET_UDP };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		start(&means[m]);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			_cleanup_close_ int old = connected("127.254.0.1:80", kinds[i]), now = -1;

			reset("a", "10.0.0.1:3000");
			agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY,
						      "10.0.0.3:3000" }));
			agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY,
						      "10.0.0.1:3000" }));
			now = connected("127.254.0.1:80", kinds[i]);
			destroy();
			assert_int_equal(error_of(old), ECONNABORTED);
			assert_int_equal(error_of(now), 0);
		}
		stop();
	}
}

static void a_connection_whose_track_has_spilled_is_destroyed(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		_cleanup_close_ int tracks = -1,
				    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct shunt_track other = { 0 };

		require(fd >= 0);
		if (!start_tracking(&means[m]))
			continue;
		tracks = open_tracks();
		other.cookie = cookie_of(fd) + SHUNT_TRACKS;
		track_write(tracks, other.cookie, &other);
		connect_again(fd, "127.254.0.1:80");
		assert_int_equal(track_read(tracks, other.cookie).cookie, other.cookie);
		reset("a", "10.0.0.1:3000");
		destroy();
		assert_int_equal(error_of(fd), ECONNABORTED);
		stop();
	}
}

/* --- elsewhere -------------------------------------------------------------------------------- */

/* A task of its own: connects in a network namespace of its own, and tells how that ends. */
static void task_run(int told, int go)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in own = {
		.sin_family = AF_INET,
		.sin_port = htons(BACKEND_PORT),
	};
	_cleanup_close_ int tcp = -1, udp = -1;
	char errors[2];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	require(unshare(CLONE_NEWNET) == 0);
	require(system("ip link set lo up && ip addr add 10.0.0.1/32 dev lo") == 0); /* NOLINT */
	close(listener);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(bind(listener, (const struct sockaddr *)&own, sizeof(own)) == 0);
	require(listen(listener, 8) == 0);
	tcp = playground_connect("127.254.0.1:80", SOCKET_TCP);
	udp = playground_connect("127.254.0.1:80", SOCKET_UDP);
	require(tcp >= 0 && udp >= 0);
	require(write(told, "r", 1) == 1);
	require(read(go, errors, 1) == 1);
	errors[0] = (char)error_of(tcp);
	errors[1] = (char)error_of(udp);
	require(write(told, errors, 2) == 2);
}

static void connections_in_other_network_namespaces_are_destroyed(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(means); m++) {
		int told[2], go[2], status;
		char byte, errors[2];
		pid_t task;

		start(&means[m]);
		require(pipe2(told, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
		task = fork();
		if (task == 0) {
			task_run(told[1], go[0]);
			_exit(0);
		}
		require(read(told[0], &byte, 1) == 1);
		reset("a", "10.0.0.1:3000");
		destroy();
		require(write(go[1], "g", 1) == 1);
		require(read(told[0], errors, 2) == 2);
		require(waitpid(task, &status, 0) == task && status == 0);
		assert_int_equal(errors[0], ECONNABORTED);
		assert_int_equal(errors[1], ECONNABORTED);
		for (int i = 0; i < 2; i++) {
			close(told[i]);
			close(go[i]);
		}
		stop();
	}
}

/* --- successors ------------------------------------------------------------------------------- */

static void a_successor_reads_what_is_to_be_reset_of_services_that_are_there(void **state)
{
	_cleanup_(reset_schedule_done) struct reset_schedule schedule = { 0 };
	uint64_t due_ms = now_ms() + 5000;

	(void)state;
	start(&means[0]);
	reset_at("a", "10.0.0.1:3000", RESET_UNHEALTHY, due_ms);
	reset_at("six", "[fd00::2]:3000", RESET_REMOVED, due_ms);
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.7:3000" }));
	resetter_free(resetter);
	resetter = NULL;
	agent_stop(&agent);
	assert_int_equal(agent_start(&agent), 0);
	assert_int_equal(reset_rows_read(agent.dataplane, &schedule), 0);
	assert_int_equal(schedule.n, 1);
	assert_int_equal(schedule.list[0].service_id, agent_id(&agent, "a"));
	assert_int_equal(schedule.list[0].reason, RESET_UNHEALTHY);
	assert_int_equal(schedule.list[0].due_ms, due_ms);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			connections_to_a_backend_that_is_gone_are_reset_and_counted, tidy),
		cmocka_unit_test_teardown(a_connection_lives_until_its_backend_is_due, tidy),
		cmocka_unit_test_teardown(a_reprieved_backend_keeps_its_connections, tidy),
		cmocka_unit_test_teardown(sockets_that_are_not_of_that_backend_live, tidy),
		cmocka_unit_test_teardown(
			a_socket_with_the_cookie_of_a_track_but_another_peer_lives, tidy),
		cmocka_unit_test_teardown(a_connection_of_an_earlier_service_with_that_id_lives,
					  tidy),
		cmocka_unit_test_teardown(a_connection_to_a_backend_that_has_come_back_since_lives,
					  tidy),
		cmocka_unit_test_teardown(a_connection_whose_track_has_spilled_is_destroyed, tidy),
		cmocka_unit_test_teardown(connections_in_other_network_namespaces_are_destroyed,
					  tidy),
		cmocka_unit_test_teardown(
			a_successor_reads_what_is_to_be_reset_of_services_that_are_there, tidy),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
