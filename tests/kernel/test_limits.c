/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on connections, of a service and of each backend; and those that have fewer. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "scene.h"

#define THREE "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000"
#define DEAD "10.0.0.1:3001" /* until somebody listens there */

static void set_limits(const char *backends, uint32_t connections, uint32_t per_backend)
{
	struct shunt_rules rules = { .connections_max = connections,
				     .backend_connections_max = per_backend };

	scene_set(backends, &rules,
		  (connections || per_backend ? SHUNT_HEAD_LIMITS : 0) |
			  (per_backend ? SHUNT_HEAD_LOADS : 0));
}

/* Connections that are held; each is to be made. */
static void hold(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = playground_connect(SCENE_VIP, SOCKET_TCP);
		assert_return_code(fds[i], -fds[i]);
	}
}

static void let_go(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void is_limited(void)
{
	uint64_t limited = scene_policy().limited, no_backend = scene_counters().no_backend;

	assert_int_equal(playground_connect(SCENE_VIP, SOCKET_TCP), -ECONNREFUSED);
	assert_int_equal(scene_policy().limited, limited + 1);
	assert_int_equal(scene_counters().no_backend, no_backend);
}

/* --- of the service --------------------------------------------------------------------------- */

static void beyond_the_limit_a_connect_is_refused_until_one_ends(void **state)
{
	int fds[3];

	(void)state;
	set_limits(THREE, 3, 0);
	agent_stop(&scene);
	hold(fds, 3);
	is_limited();
	is_limited();
	assert_int_equal(scene_policy().active, 3);
	assert_int_equal(scene_counters().active, 3);
	assert_int_equal(scene_counters().redirected, 3);
	let_go(fds, 1);
	hold(fds, 1);
	is_limited();
	let_go(fds, 3);
	assert_int_equal(scene_policy().active, 0);
}

/* A limit that comes later counts only those that began under it. */
static void connections_from_before_the_limit_take_no_place(void **state)
{
	int before[3], fds[2];

	(void)state;
	set_limits(THREE, 0, 0);
	hold(before, 3);
	set_limits(THREE, 2, 0);
	hold(fds, 2);
	is_limited();
	let_go(before, 3);
	assert_int_equal(scene_policy().active, 2);
	is_limited();
	let_go(fds, 2);
	assert_int_equal(scene_policy().active, 0);
}

#define THREADS 4
#define CONNECTS 50

static pthread_barrier_t start;

static void *connect_many(void *fds)
{
	(void)pthread_barrier_wait(&start);
	for (int i = 0; i < CONNECTS; i++)
		((int *)fds)[i] = playground_connect(SCENE_VIP, SOCKET_TCP);
	return NULL;
}

/* Of many at once, how many are made? All the rest is refused. */
static unsigned int connect_at_once(unsigned int by_backend[static SCENE_COUNTS])
{
	static int fds[THREADS][CONNECTS];
	pthread_t threads[THREADS];
	unsigned int made = 0;

	memset(by_backend, 0, SCENE_COUNTS * sizeof(*by_backend));
	require(pthread_barrier_init(&start, NULL, THREADS) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, connect_many, fds[i]) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_join(threads[i], NULL) == 0);
	(void)pthread_barrier_destroy(&start);
	for (size_t i = 0; i < (size_t)THREADS * CONNECTS; i++) {
		int fd = fds[i / CONNECTS][i % CONNECTS];

		assert_true(fd >= 0 || fd == -ECONNREFUSED);
		made += fd >= 0;
		if (fd >= 0)
			by_backend[playground_reached(fd)]++;
	}
	assert_int_equal(scene_counters().active, made);
	for (size_t i = 0; i < (size_t)THREADS * CONNECTS; i++)
		if (fds[i / CONNECTS][i % CONNECTS] >= 0)
			close(fds[i / CONNECTS][i % CONNECTS]);
	return made;
}

static void limits_are_exact_under_many_threads(void **state)
{
	unsigned int by_backend[SCENE_COUNTS];

	(void)state;
	set_limits(THREE, 100, 0);
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(connect_at_once(by_backend), 100);
		assert_int_equal(scene_policy().limited, 100 * i);
		assert_int_equal(scene_policy().active, 0);
	}
}

/* --- of a backend ----------------------------------------------------------------------------- */

static void another_backend_is_taken_for_one_that_is_full(void **state)
{
	unsigned int counts[4] = { 0 };
	int fds[6];

	(void)state;
	set_limits(THREE, 0, 2);
	hold(fds, 6);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		counts[playground_reached(fds[i])]++;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(counts[i], 2);
	is_limited();
	assert_int_equal(scene_load("10.0.0.2:3000").active, 2);
	let_go(fds + 5, 1);
	hold(fds + 5, 1);
	is_limited();
	let_go(fds, 6);
	assert_int_equal(scene_load("10.0.0.1:3000").active, 0);
	assert_int_equal(scene_load("10.0.0.2:3000").active, 0);
	assert_int_equal(scene_load("10.0.0.3:3000").active, 0);
}

static void the_last_place_is_found_among_many_backends(void **state)
{
	char backends[40 * 16] = "";
	size_t at = 0;
	int fds[40];

	(void)state;
	for (int i = 1; i <= 40; i++)
		at += (size_t)snprintf(backends + at, sizeof(backends) - at, " 10.0.0.%d:3000", i);
	set_limits(backends, 0, 1);
	hold(fds, 40);
	is_limited();
	let_go(fds, 40);
}

static void the_last_place_is_found_among_many_slots(void **state)
{
	int fds[2];

	(void)state;
	set_limits("10.0.0.1:3000*1000 10.0.0.2:3000*1", 0, 1);
	for (int i = 0; i < 10; i++) {
		hold(fds, 2);
		is_limited();
		let_go(fds, 2);
	}
}

static void limits_of_backends_are_exact_under_many_threads(void **state)
{
	unsigned int by_backend[SCENE_COUNTS];

	(void)state;
	set_limits(THREE, 0, 30);
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(connect_at_once(by_backend), 90);
		for (int j = 1; j <= 3; j++)
			assert_int_equal(by_backend[j], 30);
		assert_int_equal(scene_policy().limited, (THREADS * CONNECTS - 90) * i);
	}
}

static void an_ipv6_backend_has_a_limit_too(void **state)
{
	struct shunt_rules rules = { .backend_connections_max = 1 };
	int fd;

	(void)state;
	scene_set_at("[fd00::f1]:80", PROTOCOL_TCP, "[fd00::1]:3000", &rules, SHUNT_HEAD_LOADS);
	fd = playground_connect("[fd00::f1]:80", SOCKET_TCP);
	assert_return_code(fd, -fd);
	assert_int_equal(playground_connect("[fd00::f1]:80", SOCKET_TCP), -ECONNREFUSED);
	close(fd);
	assert_int_equal(playground_reach("[fd00::f1]:80", SOCKET_TCP), 101);
}

/* --- given back at every end ------------------------------------------------------------------ */

static void closed(int listener)
{
	int fd = scene_start(SCENE_VIP, SOCKET_TCP);

	scene_end_well(fd, scene_accept(listener));
}

static void closed_by_reset(int listener)
{
	(void)listener;
	close(playground_connect(SCENE_VIP, SOCKET_TCP));
}

static void reset_by_the_peer(int listener)
{
	const struct linger reset = { .l_onoff = 1 };
	int fd = scene_start(SCENE_VIP, SOCKET_TCP), peer = scene_accept(listener);

	require(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	close(peer);
	assert_int_equal(scene_error(fd), -ECONNRESET);
	close(fd);
}

static void disconnected(int listener)
{
	int fd = scene_start(SCENE_VIP, SOCKET_TCP);

	(void)listener;
	scene_disconnect(fd);
	close(fd);
}

static void killed(int listener)
{
	int ready[2], status;
	pid_t child;
	char byte;

	(void)listener;
	require(pipe2(ready, O_CLOEXEC) == 0);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		int fd = scene_start(SCENE_VIP, SOCKET_TCP);

		require(fd >= 0 && write(ready[1], "", 1) == 1);
		for (;;)
			(void)pause();
	}
	require(read(ready[0], &byte, 1) == 1);
	assert_int_equal(scene_policy().active, 1);
	require(kill(child, SIGKILL) == 0);
	require(waitpid(child, &status, 0) == child);
	close(ready[0]);
	close(ready[1]);
}

static void refused(int listener)
{
	(void)listener;
	assert_int_equal(playground_connect(SCENE_VIP, SOCKET_TCP), -ECONNREFUSED);
}

static void refused_and_tried_again_on_the_same_socket(int listener)
{
	int fd = scene_start(SCENE_VIP, SOCKET_TCP);

	(void)listener;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(scene_error(fd), -ECONNREFUSED);
		scene_connect_again(fd, SCENE_VIP); /* ECONNABORTED: tells of the last one */
		scene_connect_again(fd, SCENE_VIP);
	}
	close(fd);
}

static void given_up(int listener)
{
	(void)listener;
	close(scene_start(SCENE_VIP, SOCKET_TCP));
}

static void given_up_and_tried_again_on_the_same_socket(int listener)
{
	int fd = scene_start(SCENE_VIP, SOCKET_TCP);

	(void)listener;
	for (int i = 0; i < 5; i++) {
		scene_disconnect(fd);
		scene_connect_again(fd, SCENE_VIP);
		assert_int_equal(playground_reached(fd), 1);
	}
	close(fd);
}

enum backend {
	LISTENS,
	LISTENS_NOT,
	LISTENS_IN_VAIN,
};

/* With limits of one each: five times, or the second is turned down. */
static void a_place_is_given_back_at_every_kind_of_end(void **state)
{
	static const struct {
		void (*end)(int listener);
		enum backend backend;
	} cases[] = {
		{ closed, LISTENS },
		{ closed_by_reset, LISTENS },
		{ reset_by_the_peer, LISTENS },
		{ disconnected, LISTENS },
		{ killed, LISTENS },
		{ refused, LISTENS_NOT },
		{ refused_and_tried_again_on_the_same_socket, LISTENS_NOT },
		{ given_up, LISTENS_IN_VAIN },
		{ given_up_and_tried_again_on_the_same_socket, LISTENS_IN_VAIN },
		{ disconnected, LISTENS_IN_VAIN },
		{ killed, LISTENS_IN_VAIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int listener = -1, filler = -1;

		scene_clear(NULL);
		set_limits(DEAD, 1, 1);
		if (cases[i].backend == LISTENS)
			listener = scene_listen(DEAD, 100);
		if (cases[i].backend == LISTENS_IN_VAIN)
			listener = scene_listen_in_vain(DEAD, &filler);
		for (int times = 0; times < 5; times++) {
			cases[i].end(listener);
			scene_wait_active(0);
			assert_int_equal(scene_policy().active, 0);
			assert_int_equal(scene_load(DEAD).active, 0);
		}
		assert_int_equal(scene_policy().limited, 0);
	}
}

#define NOWHERE "192.0.2.1:3000" /* no route: the attempt is over, its place the socket's still */

static int try_again(int fd)
{
	struct addr_port address = wanted_address(SCENE_VIP);
	struct sockaddr_storage ss;
	socklen_t length = addr_port_sockaddr(&address, &ss);

	return connect(fd, (struct sockaddr *)&ss, length) < 0 ? -errno : 0;
}

static void a_socket_that_tries_again_is_not_in_its_own_way(void **state)
{
	(void)state;
	for (int per_backend = 0; per_backend < 2; per_backend++) {
		_cleanup_close_ int fd = -1;

		scene_clear(NULL);
		set_limits(NOWHERE, !per_backend, per_backend);
		fd = scene_start(SCENE_VIP, SOCKET_TCP);
		assert_int_equal(scene_counters().active, 1);
		for (int i = 0; i < 3; i++)
			assert_int_equal(try_again(fd), -ENETUNREACH);
		assert_int_equal(scene_policy().limited, 0);
		is_limited();
		assert_int_equal(scene_counters().active, 1);
	}
}

/* There is no end of the attempts before to be seen, but another attempt of the same socket. */
static void without_limits_it_is_counted_once_too(void **state)
{
	int fd;

	(void)state;
	set_limits(NOWHERE, 0, 0);
	fd = scene_start(SCENE_VIP, SOCKET_TCP);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(try_again(fd), -ENETUNREACH);
		assert_int_equal(scene_counters().active, 1);
	}
	close(fd);
	scene_wait_active(0);
	assert_int_equal(scene_counters().redirected, 4);
}

static void a_socket_whose_place_is_gone_is_turned_down_and_counted_once(void **state)
{
	_cleanup_close_ int first = -1, second = -1;

	(void)state;
	set_limits(NOWHERE, 2, 0);
	first = scene_start(SCENE_VIP, SOCKET_TCP);
	second = scene_start(SCENE_VIP, SOCKET_TCP);
	set_limits(NOWHERE, 1, 0);
	assert_int_equal(try_again(first), -ECONNREFUSED);
	assert_int_equal(scene_policy().limited, 1);
	assert_int_equal(scene_policy().active, 1);
	assert_int_equal(try_again(first), -ECONNREFUSED);
	assert_int_equal(try_again(second), -ENETUNREACH);
	assert_int_equal(scene_policy().limited, 2);
}

static void datagrams_know_no_limit(void **state)
{
	struct shunt_rules rules = { .connections_max = 1, .backend_connections_max = 1 };
	int fds[10], held;

	(void)state;
	scene_set_at(SCENE_VIP, PROTOCOL_ANY, "10.0.0.1:3000", &rules,
		     SHUNT_HEAD_LIMITS | SHUNT_HEAD_LOADS);
	held = playground_connect(SCENE_VIP, SOCKET_TCP);
	assert_return_code(held, -held);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = playground_connect(SCENE_VIP, SOCKET_UDP);
		assert_return_code(fds[i], -fds[i]);
		assert_int_equal(playground_reached(fds[i]), 1);
	}
	is_limited();
	let_go(fds, ARRAY_SIZE(fds));
	close(held);
	assert_int_equal(scene_policy().active, 0);
	assert_int_equal(scene_load("10.0.0.1:3000").active, 0);
}

/* --- fewer connections ------------------------------------------------------------------------ */

/* One is full of connections: of two by lot it is taken only when it is drawn twice. */
static void the_backend_with_fewer_connections_gets_more(void **state)
{
	struct shunt_rules rules = { 0 };
	unsigned int to_second = 0;
	int fds[800];
	size_t n = 0;

	(void)state;
	scene_set("10.0.0.1:3000 10.0.0.2:3000 least", &rules, SHUNT_HEAD_LOADS);
	hold(fds, 400);
	for (size_t i = 0; i < 400; i++) {
		if (playground_reached(fds[i]) == 2)
			close(fds[i]);
		else
			fds[n++] = fds[i];
	}
	assert_int_equal(scene_load("10.0.0.1:3000").active, n);
	assert_int_equal(scene_load("10.0.0.2:3000").active, 0);
	assert_in_range(n, 150, 250); /* even: 200, where the lot alone has 10 as its deviation */
	for (size_t i = 0; i < 400; i++)
		to_second += playground_reach(SCENE_VIP, SOCKET_TCP) == 2;
	assert_in_range(to_second, 250, 350); /* 300, 8.7 the deviation; the lot alone: 200 */
	let_go(fds, n);
	assert_int_equal(scene_load("10.0.0.1:3000").active, 0);
	assert_int_equal(scene_load("10.0.0.2:3000").redirected +
				 scene_load("10.0.0.1:3000").redirected,
			 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, scene_clear)
		TEST(beyond_the_limit_a_connect_is_refused_until_one_ends),
		TEST(connections_from_before_the_limit_take_no_place),
		TEST(limits_are_exact_under_many_threads),
		TEST(another_backend_is_taken_for_one_that_is_full),
		TEST(the_last_place_is_found_among_many_backends),
		TEST(the_last_place_is_found_among_many_slots),
		TEST(limits_of_backends_are_exact_under_many_threads),
		TEST(an_ipv6_backend_has_a_limit_too),
		TEST(a_place_is_given_back_at_every_kind_of_end),
		TEST(a_socket_that_tries_again_is_not_in_its_own_way),
		TEST(without_limits_it_is_counted_once_too),
		TEST(a_socket_whose_place_is_gone_is_turned_down_and_counted_once),
		TEST(datagrams_know_no_limit),
		TEST(the_backend_with_fewer_connections_gets_more),
	};

	return scene_run(tests);
}
