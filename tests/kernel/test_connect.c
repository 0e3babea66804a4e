/* SPDX-License-Identifier: Apache-2.0 */
/* Real connects through the attached programs. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/util.h"
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

/* Starts anew, as on a kernel without bpf_set_retval() or with it. */
static void start_again(bool without_set_retval)
{
	agent_stop(&agent);
	agent.options.without_set_retval = without_set_retval;
	assert_int_equal(agent_start(&agent), 0);
}

static void what_the_kernel_lacks_is_said_and_from_linux_6_1_on_it_lacks_nothing(void **state)
{
	const struct diag *missing = dataplane_missing(agent.dataplane);
	static const char expected[] = "kernel: active connections, failures and bytes are not "
				       "counted, so nobody is ejected and limits do not hold: ";

	(void)state;
	diag_print(missing, "# missing: ", stdout);
	if (playground_linux_is(6, 1)) {
		assert_int_equal(missing->total, 0);
		return;
	}
	assert_int_equal(missing->total, 1);
	assert_memory_equal(missing->lines[0], expected, strlen(expected));
	assert_null(strchr(missing->lines[0], '\\')); /* libbpf's words end in a new line */
}

static void a_connect_reaches_the_backend_and_shows_the_address_asked_for(void **state)
{
	static const struct {
		const char *to;
		int kind;
		unsigned int reached;
	} cases[] = {
		{ "127.254.0.1:80", SOCKET_TCP, 1 },
		{ "127.254.0.1:80", SOCKET_UDP, 1 },
		{ "127.254.0.1:80", SOCKET_TCP | SOCKET_MAPPED, 1 },
		{ "127.254.0.1:80", SOCKET_UDP | SOCKET_MAPPED, 1 },
		{ "[fd00::f1]:80", SOCKET_TCP, 102 },
		{ "[fd00::f1]:80", SOCKET_UDP, 102 },
		{ "[fd00::f2]:80", SOCKET_TCP, 3 },
		{ "[fd00::f2]:80", SOCKET_UDP, 3 },
		{ "127.254.0.4:80", SOCKET_TCP | SOCKET_MAPPED, 104 },
		{ "127.254.0.5:4242", SOCKET_TCP, 5 },
	};

	(void)state;
	agent_become(&agent, WANTED({ "v4", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000" },
				    { "v6", "[fd00::f1]:80", PROTOCOL_ANY, "[fd00::2]:3000" },
				    { "v6to4", "[fd00::f2]:80", PROTOCOL_ANY, "10.0.0.3:3000" },
				    { "v4to6", "127.254.0.4:80", PROTOCOL_ANY, "[fd00::4]:3000" },
				    { "any", "127.254.0.5", PROTOCOL_ANY, "10.0.0.5:3000" }));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = playground_connect(cases[i].to, cases[i].kind);
		struct addr_port asked = wanted_address(cases[i].to), peer;

		assert_return_code(fd, -fd);
		assert_int_equal(playground_reached(fd), cases[i].reached);
		peer = playground_peer(fd);
		assert_int_equal(addr_port_compare(&peer, &asked), 0);
	}
}

static int udp_server(const char *at)
{
	struct addr_port own = wanted_address(at);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&own, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	require(fd >= 0);
	require(bind(fd, (struct sockaddr *)&address, length) == 0);
	return fd;
}

/* One datagram to `to` and one back; who the answer seems to come from, in the family of `to`. */
static void exchange(int client, int server, const struct sockaddr *to, socklen_t length,
		     struct sockaddr_storage *ret_from)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);
	struct pollfd ready = { .fd = server, .events = POLLIN };
	char byte = 'a';

	assert_int_equal(sendto(client, &byte, 1, 0, to, length), 1);
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_int_equal(recvfrom(server, &byte, 1, 0, (struct sockaddr *)&from, &size), 1);
	assert_int_equal(sendto(server, &byte, 1, 0, (struct sockaddr *)&from, size), 1);
	ready.fd = client;
	assert_int_equal(poll(&ready, 1, 5000), 1);
	memset(ret_from, 0, sizeof(*ret_from));
	size = sizeof(*ret_from);
	assert_int_equal(recvfrom(client, &byte, 1, 0, (struct sockaddr *)ret_from, &size), 1);
	assert_int_equal(size, length);
}

static void a_datagram_without_connect_is_answered_from_the_address_it_asked(void **state)
{
	static const struct {
		const char *to, *server;
	} cases[] = {
		{ "127.254.0.1:80", "10.0.0.1:3000" },
		{ "[fd00::f1]:80", "[fd00::2]:3000" },
	};

	(void)state;
	agent_become(&agent, WANTED({ "v4", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.1:3000" },
				    { "v6", "[fd00::f1]:80", PROTOCOL_UDP, "[fd00::2]:3000" }));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int server = udp_server(cases[i].server);
		struct addr_port to = wanted_address(cases[i].to);
		struct sockaddr_storage address, from;
		socklen_t length = addr_port_sockaddr(&to, &address);
		_cleanup_close_ int client = socket(address.ss_family, SOCK_DGRAM, 0);

		for (int turn = 0; turn < 3; turn++) {
			exchange(client, server, (struct sockaddr *)&address, length, &from);
			assert_memory_equal(&from, &address, length);
		}
	}
}

/* As dual-stack clients send to IPv4: ::ffff:a.b.c.d. */
static void a_datagram_from_a_dual_stack_socket_is_redirected(void **state)
{
	_cleanup_close_ int server = udp_server("10.0.0.1:3000");
	_cleanup_close_ int client = socket(AF_INET6, SOCK_DGRAM, 0);
	struct addr_port to = wanted_address("127.254.0.1:80");
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_storage from;

	(void)state;
	memcpy(&address.sin6_addr, to.addr.octets, sizeof(address.sin6_addr));
	agent_become(&agent, WANTED({ "v4", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.1:3000" }));
	exchange(client, server, (struct sockaddr *)&address, sizeof(address), &from);
	assert_memory_equal(&((struct sockaddr_in6 *)&from)->sin6_addr, &address.sin6_addr, 16);
	assert_int_equal(((struct sockaddr_in6 *)&from)->sin6_port, address.sin6_port);
}

static void a_connect_without_waiting_is_redirected_too(void **state)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct addr_port to = wanted_address("127.254.0.1:80");
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	struct sockaddr_storage address;
	int error = -1;
	socklen_t length = addr_port_sockaddr(&to, &address), size = sizeof(error);

	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.7:3000" }));
	if (connect(fd, (struct sockaddr *)&address, length) < 0)
		assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, 0);
	assert_int_equal(playground_reached(fd), 7);
}

/* At once, and in a thread that the kernel takes for it. */
static void a_connect_by_io_uring_is_redirected(void **state)
{
	static const unsigned int flags[] = { 0, IOSQE_ASYNC };
	struct addr_port to = wanted_address("127.254.0.1:80");
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&to, &address);
	struct io_uring ring;

	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.7:3000" }));
	assert_int_equal(io_uring_queue_init(1, &ring, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct io_uring_sqe *request = io_uring_get_sqe(&ring);
		struct io_uring_cqe *completion;
		struct addr_port peer;

		io_uring_prep_connect(request, fd, (struct sockaddr *)&address, length);
		io_uring_sqe_set_flags(request, flags[i]);
		assert_int_equal(io_uring_submit_and_wait(&ring, 1), 1);
		assert_int_equal(io_uring_peek_cqe(&ring, &completion), 0);
		assert_int_equal(completion->res, 0);
		io_uring_cqe_seen(&ring, completion);
		assert_int_equal(playground_reached(fd), 7);
		peer = playground_peer(fd);
		assert_int_equal(addr_port_compare(&peer, &to), 0);
	}
	io_uring_queue_exit(&ring);
}

static void a_socket_that_goes_elsewhere_shows_where_it_went(void **state)
{
	_cleanup_close_ int fd = playground_connect("127.254.0.1:80", SOCKET_UDP);
	struct addr_port to = wanted_address("127.0.0.9:9"), peer;
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&to, &address);

	(void)state;
	assert_return_code(connect(fd, (struct sockaddr *)&address, length), errno);
	peer = playground_peer(fd);
	assert_int_equal(addr_port_compare(&peer, &to), 0);
}

static void is_refused_at_once(const char *to, int kind)
{
	struct timespec before, after;

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(playground_connect(to, kind), -ECONNREFUSED);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range((after.tv_sec - before.tv_sec) * 1000 +
				(after.tv_nsec - before.tv_nsec) / 1000000,
			0, 10000); /* the kernel gives up after minutes */
}

static void an_empty_service_refuses_at_once_on_every_kernel(void **state)
{
	(void)state;
	for (int old_kernel = 0; old_kernel < 2; old_kernel++) {
		start_again(old_kernel);
		agent_become(&agent, WANTED({ "e4", "127.254.0.1:80", PROTOCOL_TCP, "" },
					    { "e6", "[fd00::f1]:80", PROTOCOL_TCP, "" }));
		is_refused_at_once("127.254.0.1:80", SOCKET_TCP);
		is_refused_at_once("127.254.0.1:80", SOCKET_TCP | SOCKET_MAPPED);
		is_refused_at_once("[fd00::f1]:80", SOCKET_TCP);
	}
	start_again(false);
	assert_int_equal(agent_counters(&agent, "e4").no_backend, 4);
	assert_int_equal(agent_counters(&agent, "e6").no_backend, 2);
}

static void an_empty_service_that_passes_leaves_the_connect_alone(void **state)
{
	struct addr_port asked = wanted_address("10.0.0.9:3000"), peer;
	_cleanup_close_ int fd = -1;

	(void)state;
	agent_become(&agent, WANTED({ "p", "10.0.0.9:3000", PROTOCOL_TCP, "pass" }));
	fd = playground_connect("10.0.0.9:3000", SOCKET_TCP);
	assert_return_code(fd, -fd);
	peer = playground_peer(fd);
	assert_int_equal(addr_port_compare(&peer, &asked), 0);
	assert_int_equal(playground_reached(fd), 9);
}

static void what_is_not_ours_is_left_alone(void **state)
{
	static const char *const others[] = {
		"127.254.0.2:3000", "127.0.0.1:3000",	"10.0.0.3:3000",
		"[::1]:3000",	    "[fd00::3]:3000",	"169.254.169.254:80",
		"169.254.170.2:80", "169.254.172.2:80", "169.254.169.253:53",
	};

	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:3000", PROTOCOL_ANY, "10.0.0.1:3000" },
				    { "b", "[fd00::f1]:3000", PROTOCOL_ANY, "10.0.0.1:3000" }));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct addr_port asked = wanted_address(others[i]), peer;
		_cleanup_close_ int fd = playground_connect(others[i], SOCKET_UDP);

		if (fd == -ENETUNREACH) /* the link-local ones: as without us */
			continue;
		assert_return_code(fd, -fd);
		peer = playground_peer(fd);
		assert_int_equal(addr_port_compare(&peer, &asked), 0);
	}
	assert_int_equal(agent_counters(&agent, "a").redirected, 0);
}

/* A link-local address that a service names is that service's (and only that port). */
static void a_link_local_address_is_ours_only_when_named(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "a", "169.254.170.2:80", PROTOCOL_TCP, "10.0.0.6:3000" }));
	assert_int_equal(playground_reach("169.254.170.2:80", SOCKET_TCP), 6);
	assert_int_equal(playground_reach("169.254.170.2:81", SOCKET_UDP), -ENETUNREACH);
}

static void a_socket_made_outside_the_cgroup_is_left_alone(void **state)
{
	(void)state;
	agent_become(&agent,
		     WANTED({ "inside", "127.254.0.1:3000", PROTOCOL_TCP, "10.0.0.4:3000" }));
	assert_int_equal(playground_reach("127.254.0.1:3000", SOCKET_TCP), 4);
	playground_go_outside();
	assert_int_equal(playground_reach("127.254.0.1:3000", SOCKET_TCP), 0);
	playground_go_inside();
	assert_int_equal(agent_counters(&agent, "inside").redirected, 1);
}

#define THREADS 4
#define CONNECTS 2500

static void *connect_many(void *failed)
{
	for (int i = 0; i < CONNECTS; i++) {
		int reached = playground_reach("127.254.0.1:80", SOCKET_TCP);

		if (reached < 1 || reached > 3)
			__atomic_fetch_add((int *)failed, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void counters_are_exact_under_many_threads(void **state)
{
	pthread_t threads[THREADS];
	int failed = 0;

	(void)state;
	agent_become(&agent, WANTED({ "counted", "127.254.0.1:80", PROTOCOL_TCP,
				      "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" }));
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, connect_many, &failed) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_join(threads[i], NULL) == 0);
	assert_int_equal(failed, 0);
	assert_int_equal(agent_counters(&agent, "counted").redirected, THREADS * CONNECTS);
	assert_int_equal(agent_counters(&agent, "counted").no_backend, 0);
}

static void the_reader_sees_what_is_in_force(void **state)
{
	_cleanup_(dataplane_close_p) struct dataplane *reader = NULL;
	_cleanup_(table_done) struct table have = { 0 };
	_cleanup_free_ struct endpoint *slots = NULL;
	struct addr_port vip = wanted_address("127.254.0.1:80"), other = vip;
	struct diag problems = { 0 };
	struct shunt_head head;
	char text[ADDR_PORT_TEXT_MAX];
	size_t n = 0;

	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP,
				      "pass 10.0.0.1:3000*2 [fd00::2]:3000" }));
	assert_int_equal(dataplane_open_reader(PLAYGROUND_BPFFS, &reader, &problems), 0);
	assert_int_equal(dataplane_read(reader, &have), 0);
	assert_int_equal(have.n, 1);
	assert_string_equal(have.services[0].name, "a");
	assert_int_equal(have.services[0].on_empty, ON_EMPTY_PASS);
	assert_int_equal(have.services[0].n_backends, 2);
	assert_int_equal(have.services[0].backends[0].endpoint.weight, 2);
	other.port = 81;
	assert_int_equal(dataplane_lookup(reader, &vip, PROTOCOL_TCP), have.services[0].id);
	assert_int_equal(dataplane_lookup(reader, &other, PROTOCOL_TCP), 0);
	assert_int_equal(dataplane_read_run(reader, have.services[0].id, &head, &slots, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(head.on_empty, ON_EMPTY_PASS);
	assert_string_equal(addr_port_format(&slots[0].at, text), "10.0.0.1:3000");
	assert_string_equal(addr_port_format(&slots[1].at, text), "[fd00::2]:3000");
	diag_done(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_the_kernel_lacks_is_said_and_from_linux_6_1_on_it_lacks_nothing),
		cmocka_unit_test(a_connect_reaches_the_backend_and_shows_the_address_asked_for),
		cmocka_unit_test(a_datagram_without_connect_is_answered_from_the_address_it_asked),
		cmocka_unit_test(a_datagram_from_a_dual_stack_socket_is_redirected),
		cmocka_unit_test(a_connect_without_waiting_is_redirected_too),
		cmocka_unit_test(a_connect_by_io_uring_is_redirected),
		cmocka_unit_test(a_socket_that_goes_elsewhere_shows_where_it_went),
		cmocka_unit_test(an_empty_service_refuses_at_once_on_every_kernel),
		cmocka_unit_test(an_empty_service_that_passes_leaves_the_connect_alone),
		cmocka_unit_test(what_is_not_ours_is_left_alone),
		cmocka_unit_test(a_link_local_address_is_ours_only_when_named),
		cmocka_unit_test(a_socket_made_outside_the_cgroup_is_left_alone),
		cmocka_unit_test(counters_are_exact_under_many_threads),
		cmocka_unit_test(the_reader_sees_what_is_in_force),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
