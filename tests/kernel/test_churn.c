/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of replacements under connecting threads. Every backend address belongs to one service
 * for good, so a connect that another service's backend got is seen; every set is never empty, so
 * no connect may fail (I1, I2). Runs and addresses are reused all the time, after graces.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/util.h"
#include "playground.h"

#define REPLACEMENTS 20000
#define GRACE_EVERY 200 /* plans; each frees two runs */
#define SECONDS_MAX 20
#define THREADS 2

static struct agent agent;

static int begin(void **state)
{
	(void)state;
	playground_enter();
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

/* Service i of 2 has backends 10.0.0.(20 i + 1..20), fd00:: likewise; generation g uses 1 to 3. */
static void fill(struct table *want, uint32_t generation)
{
	for (size_t i = 0; i < want->n; i++) {
		struct table_service *s = &want->services[i];
		uint32_t first = (generation * 7 + (uint32_t)i * 3) % 18;

		s->n_backends = 1 + generation % 3;
		for (uint32_t j = 0; j < s->n_backends; j++) {
			struct addr *a = &s->backends[j].endpoint.at.addr;
			uint8_t number = (uint8_t)(20 * (i % 2) + 1 + first + j);

			if (addr_is_ipv4(a))
				a->octets[15] = number;
			else /* as its text reads: fd00::21 */
				a->octets[15] = (uint8_t)(number / 10 * 16 + number % 10);
		}
	}
}

struct client {
	const struct addr_port *vips;
	bool stop;
	uint64_t connects, failed, misled;
};

static void *connect_all_the_time(void *user)
{
	struct client *c = user;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		unsigned int i = (unsigned int)c->connects++ % 4;
		_cleanup_close_ int fd = playground_connect_to(&c->vips[i], SOCKET_UDP);
		unsigned int reached = fd < 0 ? 0 : playground_reached(fd) % 100;

		c->failed += reached == 0;
		c->misled += reached != 0 && (reached > 20) != i % 2;
	}
	return NULL;
}

static void replace_all_the_time(struct table *want)
{
	struct timespec begun, now;

	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	for (uint32_t g = 1; g <= REPLACEMENTS; g++) {
		_cleanup_(plan_done) struct plan plan = { 0 };

		fill(want, g);
		assert_int_equal(planner_make(agent.planner, want, &plan), 0);
		assert_int_equal(dataplane_apply(agent.dataplane, &plan), 0);
		assert_int_equal(plan.refused.n, 0);
		assert_false(plan.deferred);
		if (g % GRACE_EVERY == 0)
			agent_grace(&agent);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		assert_in_range(now.tv_sec - begun.tv_sec, 0, SECONDS_MAX);
	}
}

static void no_connect_fails_or_is_misled_by_twenty_thousand_replacements(void **state)
{
	static const char three4[] = "10.0.0.1:9 10.0.0.2:9 10.0.0.3:9";
	static const char three6[] = "[fd00::1]:9 [fd00::2]:9 [fd00::3]:9";
	_cleanup_(table_done) struct table want =
		WANTED({ "a", "127.254.0.1:80", PROTOCOL_UDP, three4 },
		       { "b", "127.254.0.2:80", PROTOCOL_UDP, three4 },
		       { "c", "[fd00::f1]:80", PROTOCOL_UDP, three6 },
		       { "d", "[fd00::f2]:80", PROTOCOL_UDP, three6 });
	struct addr_port vips[4];
	struct client clients[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		vips[i] = want.services[i].vip;
	fill(&want, 0);
	agent_make(&agent, &want);
	for (size_t i = 0; i < THREADS; i++) {
		clients[i] = (struct client){ .vips = vips };
		require(pthread_create(&threads[i], NULL, connect_all_the_time, &clients[i]) == 0);
	}
	replace_all_the_time(&want);
	for (size_t i = 0; i < THREADS; i++) {
		__atomic_store_n(&clients[i].stop, true, __ATOMIC_RELAXED);
		require(pthread_join(threads[i], NULL) == 0);
		print_message("%llu connects\n", (unsigned long long)clients[i].connects);
		assert_int_equal(clients[i].failed, 0);
		assert_int_equal(clients[i].misled, 0);
		assert_true(clients[i].connects > 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_connect_fails_or_is_misled_by_twenty_thousand_replacements),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
