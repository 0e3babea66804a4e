/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that dies after every single write to a map of a plan (I4), while threads connect and
 * look whom they reach: the old backends or the new ones (I1), and always one where both have any.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/util.h"
#include "playground.h"

#define WRITES_MAX 200

/* An address that is asked for all the time. Sets of backends: bit N for playground_reached() N. */
struct target {
	const char *to;
	int kind;
	uint64_t before, after;
	bool may_fail; /* it comes or goes, or is empty before or after */
};

#define B(n) (1ULL << (n))

static int begin(void **state)
{
	(void)state;
	playground_enter();
	playground_listen(3000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	playground_leave();
	return 0;
}

/* --- who connects all the time ---------------------------------------------------------------- */

struct watcher {
	const struct target *targets;
	size_t n;
	bool stop;
	unsigned int connects, failed, misled;
	const char *misled_at;
	int misled_to;
};

static void look(struct watcher *w, const struct target *p)
{
	int reached = playground_reach(p->to, p->kind);

	w->connects++;
	if (reached <= 0) { /* 0: a UDP socket that was left alone */
		w->failed += !p->may_fail;
		return;
	}
	if (reached >= 100) /* fd00::N: N + 32 stands for it in the sets */
		reached -= 100 - 32;
	if (reached < 64 && (p->before | p->after) >> reached & 1)
		return;
	w->misled++;
	w->misled_at = p->to;
	w->misled_to = reached;
}

static void *watch(void *user)
{
	struct watcher *w = user;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		for (size_t i = 0; i < w->n; i++)
			look(w, &w->targets[i]);
	}
	return NULL;
}

static void judge(struct watcher *w)
{
	if (w->misled)
		fail_msg("%u of %u connects misled, one at %s to %d", w->misled, w->connects,
			 w->misled_at, w->misled_to);
	assert_int_equal(w->failed, 0);
}

/* --- who dies --------------------------------------------------------------------------------- */

static int writes_left;

static void die_in_time(void *unused)
{
	(void)unused;
	if (writes_left > 0 && --writes_left == 0)
		_exit(42);
}

/* A child goes on as the agent and dies after so many writes; false: it came to the end. */
static bool dies_after(struct agent *a, int writes, const struct table *want)
{
	int status;
	pid_t child = fork();

	require(child >= 0);
	if (child == 0) {
		writes_left = writes;
		agent_make(a, want);
		_exit(0);
	}
	require(waitpid(child, &status, 0) == child);
	require(WIFEXITED(status) && (WEXITSTATUS(status) == 42 || WEXITSTATUS(status) == 0));
	return WEXITSTATUS(status) == 42;
}

static bool has_backends_of(const struct table_service *left, const struct table *t)
{
	const struct table_service *s = table_find(t, left->name);
	bool same = s && s->n_backends == left->n_backends;

	for (size_t i = 0; same && i < s->n_backends; i++)
		same = addr_port_compare(&s->backends[i].endpoint.at,
					 &left->backends[i].endpoint.at) == 0;
	return same;
}

/* What a start without news has to go on with: of no service half a set, or another's. */
static void is_whole(const struct table *left, const struct table *before,
		     const struct table *after)
{
	for (size_t i = 0; i < left->n; i++) {
		const struct table_service *s = &left->services[i];
		bool comes = s->n_backends == 0 && !table_find(before, s->name);

		if (!comes && !has_backends_of(s, before) && !has_backends_of(s, after))
			fail_msg("%s is left with %zu backends", s->name, s->n_backends);
	}
}

static void is_as_wanted(struct agent *a, const struct table *want)
{
	_cleanup_(plan_done) struct plan again = { 0 };
	_cleanup_(table_done) struct table have = { 0 };

	assert_int_equal(planner_make(a->planner, want, &again), 0);
	assert_int_equal(again.ops.n, 0);
	assert_int_equal(dataplane_read(a->dataplane, &have), 0);
	assert_int_equal(have.n, want->n);
	for (size_t i = 0; i < want->n; i++) {
		assert_string_equal(have.services[i].name, want->services[i].name);
		assert_true(has_backends_of(&want->services[i], &have));
	}
}

/* The successor of the one that died, which stays open. */
static void is_repaired(struct agent *a, const struct table *before, const struct table *want)
{
	_cleanup_(table_done) struct table left = { 0 };

	agent_stop(a);
	assert_int_equal(agent_start(a), 0);
	assert_int_equal(dataplane_read(a->dataplane, &left), 0);
	is_whole(&left, before, want);
	agent_make(a, want);
	is_as_wanted(a, want);
}

static bool survives_death_after(struct agent *a, int writes, const struct table *before,
				 const struct table *after, struct watcher w)
{
	pthread_t thread;
	bool died;

	agent_make(a, before);
	require(pthread_create(&thread, NULL, watch, &w) == 0);
	died = dies_after(a, writes, after);
	is_repaired(a, before, after);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
	require(pthread_join(thread, NULL) == 0);
	judge(&w);
	return died;
}

static void survives(struct table before, struct table after, const struct target *targets,
		     size_t n)
{
	const struct watcher w = { .targets = targets, .n = n };
	struct agent a;
	int writes = 1;

	agent_init(&a);
	a.options.after_write = die_in_time;
	assert_int_equal(agent_start(&a), 0);
	while (survives_death_after(&a, writes, &before, &after, w))
		assert_in_range(++writes, 1, WRITES_MAX);
	agent_end(&a);
	table_done(&before);
	table_done(&after);
}

#define SURVIVES(before, after, ...)                                    \
	survives(before, after, (const struct target[]){ __VA_ARGS__ }, \
		 sizeof((const struct target[]){ __VA_ARGS__ }) / sizeof(struct target))

#define NOTHING ((struct table){ 0 })

/* --- the plans -------------------------------------------------------------------------------- */

static void while_a_service_comes(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "old", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000 10.0.0.2:3000" }),
		 WANTED({ "old", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000 10.0.0.2:3000" },
			{ "new", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.3:3000 10.0.0.4:3000" }),
		 { "127.254.0.1:80", SOCKET_TCP, B(1) | B(2), B(1) | B(2), false },
		 { "127.254.0.2:80", SOCKET_UDP, 0, B(3) | B(4), true });
}

static void while_all_backends_are_replaced(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP,
			  "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" }),
		 WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.4:3000 10.0.0.5:3000" }),
		 { "127.254.0.1:80", SOCKET_TCP, B(1) | B(2) | B(3), B(4) | B(5), false });
}

static void while_a_service_goes(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.1:3000" },
			{ "b", "127.254.0.2:80", PROTOCOL_UDP, "10.0.0.2:3000" }),
		 WANTED({ "b", "127.254.0.2:80", PROTOCOL_UDP, "10.0.0.2:3000" }),
		 { "127.254.0.1:80", SOCKET_UDP, B(1), 0, true },
		 { "127.254.0.2:80", SOCKET_UDP, B(2), B(2), false });
}

static void while_a_service_is_renamed(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" }),
		 WANTED({ "z", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" }),
		 { "127.254.0.1:80", SOCKET_TCP, B(1), B(2), false });
}

static void while_two_services_swap_addresses(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			{ "b", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.2:3000" }),
		 WANTED({ "a", "127.254.0.2:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			{ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.2:3000" }),
		 { "127.254.0.1:80", SOCKET_TCP, B(1), B(2), false },
		 { "127.254.0.2:80", SOCKET_TCP, B(2), B(1), false });
}

static void while_a_protocol_changes_hands(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" },
			{ "b", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.2:3000" }),
		 WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000" }),
		 { "127.254.0.1:80", SOCKET_TCP, B(1), B(1), false },
		 { "127.254.0.1:80", SOCKET_UDP, B(2), B(1), false });
}

static void while_any_port_becomes_one(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "127.254.0.1", PROTOCOL_UDP, "10.0.0.1:3000" }),
		 WANTED({ "a", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.2:3000" },
			{ "b", "127.254.0.1:81", PROTOCOL_UDP, "10.0.0.3:3000" }),
		 { "127.254.0.1:80", SOCKET_UDP, B(1), B(2), false },
		 { "127.254.0.1:81", SOCKET_UDP, B(1) | B(2), B(3), false });
}

static void while_ipv6_backends_change(void **state)
{
	(void)state;
	SURVIVES(WANTED({ "a", "[fd00::f1]:80", PROTOCOL_TCP, "[fd00::1]:3000 [fd00::2]:3000" },
			{ "b", "[fd00::f2]:80", PROTOCOL_TCP, "10.0.0.5:3000" }),
		 WANTED({ "a", "[fd00::f1]:80", PROTOCOL_TCP, "[fd00::3]:3000" },
			{ "b", "[fd00::f2]:80", PROTOCOL_TCP, "[fd00::4]:3000 10.0.0.6:3000" }),
		 { "[fd00::f1]:80", SOCKET_TCP, B(33) | B(34), B(35), false },
		 { "[fd00::f2]:80", SOCKET_TCP, B(5), B(36), false });
}

static void while_the_first_services_ever_come(void **state)
{
	(void)state;
	SURVIVES(NOTHING,
		 WANTED({ "a", "127.254.0.1:80", PROTOCOL_UDP, "10.0.0.1:3000" },
			{ "b", "[fd00::f1]:80", PROTOCOL_ANY, "[fd00::1]:3000" },
			{ "c", "127.254.0.2:80", PROTOCOL_UDP, "" }),
		 { "127.254.0.1:80", SOCKET_UDP, 0, B(1), true },
		 { "[fd00::f1]:80", SOCKET_UDP, 0, B(33), true },
		 { "127.254.0.2:80", SOCKET_UDP, 0, 0, true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_a_service_comes),
		cmocka_unit_test(while_all_backends_are_replaced),
		cmocka_unit_test(while_a_service_goes),
		cmocka_unit_test(while_a_service_is_renamed),
		cmocka_unit_test(while_two_services_swap_addresses),
		cmocka_unit_test(while_a_protocol_changes_hands),
		cmocka_unit_test(while_any_port_becomes_one),
		cmocka_unit_test(while_ipv6_backends_change),
		cmocka_unit_test(while_the_first_services_ever_come),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
