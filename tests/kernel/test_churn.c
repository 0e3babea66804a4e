/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred thousand replacements of backends under threads that connect as fast as they can, one
 * by TCP, one by UDP (I1, I2). Nothing is killed and nothing is waited for: grace periods pass in a
 * thread of their own, as the agent's do, and what they free is reused all the time.
 *
 * In every generation each service is given a backend that nobody had before, and loses none to
 * three. A backend's address tells whose it is and of which generation, so each connect is judged
 * by itself: it must have reached a backend of its service, of a set that was in force while it
 * lasted. The tests after the first plant bugs, which the same judge has to find.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/util.h"
#include "playground.h"

#define SERVICES 4
#define GENERATIONS 25000
#define GENERATIONS_MAX 65535 /* as many as an address can tell apart */
#define SECONDS_MAX 120
#define CONNECTS_MIN 1000 /* of a thread, for what it found to say something */
#define BACKEND_PORT 9

static struct agent agent;

/* Generations: the last one that is written whole, and the one that is being written. */
static uint32_t in_force, begun;

static uint32_t load(const uint32_t *place)
{
	return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *place, uint32_t value)
{
	__atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}

/* --- what is wanted --------------------------------------------------------------------------- */

/* The backends of a generation are the one that is new in it and the newest ones before. */
static uint32_t size_of(uint32_t generation)
{
	return 1 + generation % 3;
}

/* 10.S.G.G or fd00::S:GGGG, S being 1 for the first service: by both an address is told. */
static void name_backend(struct addr *a, size_t service, uint32_t generation)
{
	a->octets[13] = (uint8_t)(service + 1);
	a->octets[14] = (uint8_t)(generation >> 8);
	a->octets[15] = (uint8_t)generation;
}

static void fill(struct table_service *s, size_t service, uint32_t generation)
{
	uint32_t size = size_of(generation);

	s->n_backends = size;
	for (uint32_t i = 0; i < size; i++)
		name_backend(&s->backends[i].endpoint.at.addr, service, generation + i + 1 - size);
}

/* Each with room for three backends. */
static struct table services_wanted(void)
{
	static const char three4[] = "10.0.0.1:9 10.0.0.2:9 10.0.0.3:9";
	static const char three6[] = "[fd00::1]:9 [fd00::2]:9 [fd00::3]:9";

	return WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, three4 },
		      { "b", "127.254.0.2:80", PROTOCOL_ANY, three4 },
		      { "c", "[fd00::f1]:80", PROTOCOL_ANY, three6 },
		      { "d", "[fd00::f2]:80", PROTOCOL_ANY, three6 });
}

/* --- who connects, and is judged -------------------------------------------------------------- */

struct client {
	pthread_t thread;
	const struct table *want;
	int kind; /* of sockets */
	bool stop;
	uint64_t connects, failed, misled;
};

/* Was this backend of the service in force between those two generations? */
static bool is_right(const struct addr_port *peer, size_t service, uint32_t first, uint32_t last)
{
	uint32_t generation = (uint32_t)peer->addr.octets[14] << 8 | peer->addr.octets[15];

	return peer->port == BACKEND_PORT && peer->addr.octets[13] == service + 1 &&
	       generation + size_of(first) > first && generation <= last;
}

static void connect_once(struct client *c, size_t service)
{
	uint32_t first = load(&in_force);
	_cleanup_close_ int fd = playground_connect_to(&c->want->services[service].vip, c->kind);
	uint32_t last = load(&begun);
	struct addr_port peer;

	if (fd < 0) {
		__atomic_add_fetch(&c->failed, 1, __ATOMIC_RELAXED);
		return;
	}
	peer = playground_peer(fd);
	if (!is_right(&peer, service, first, last))
		__atomic_add_fetch(&c->misled, 1, __ATOMIC_RELAXED);
}

static void *connect_all_the_time(void *user)
{
	struct client *c = user;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		connect_once(c, __atomic_fetch_add(&c->connects, 1, __ATOMIC_RELAXED) % c->want->n);
	return NULL;
}

/* One for TCP, one for UDP. */
static void clients_start(struct client clients[2], const struct table *want)
{
	for (size_t i = 0; i < 2; i++) {
		struct client *c = &clients[i];

		*c = (struct client){ .want = want, .kind = i ? SOCKET_UDP : SOCKET_TCP };
		require(pthread_create(&c->thread, NULL, connect_all_the_time, c) == 0);
	}
}

static uint64_t client_connects(const struct client *c)
{
	return __atomic_load_n(&c->connects, __ATOMIC_RELAXED);
}

static uint64_t clients_found(const struct client clients[2])
{
	uint64_t found = 0;

	for (size_t i = 0; i < 2; i++)
		found += __atomic_load_n(&clients[i].failed, __ATOMIC_RELAXED) +
			 __atomic_load_n(&clients[i].misled, __ATOMIC_RELAXED);
	return found;
}

/* Until each has connected often enough to say that nothing is wrong so far. */
static void clients_find_nothing(const struct client clients[2])
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (int naps = 0; naps < SECONDS_MAX * 1000; naps++) {
		require(clients_found(clients) == 0);
		if (client_connects(&clients[0]) > CONNECTS_MIN &&
		    client_connects(&clients[1]) > CONNECTS_MIN)
			return;
		(void)nanosleep(&nap, NULL);
	}
	require(!"enough connects in time");
}

static void clients_stop(struct client clients[2])
{
	for (size_t i = 0; i < 2; i++)
		__atomic_store_n(&clients[i].stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 2; i++) {
		struct client *c = &clients[i];

		require(pthread_join(c->thread, NULL) == 0);
		print_message("%s: %llu connects, %llu failed, %llu misdirected\n",
			      c->kind == SOCKET_TCP ? "TCP" : "UDP",
			      (unsigned long long)c->connects, (unsigned long long)c->failed,
			      (unsigned long long)c->misled);
	}
}

/* --- who replaces ----------------------------------------------------------------------------- */

static struct {
	pthread_t thread;
	bool runs;
	uint32_t over;
	uint64_t n;
} grace;

static void *wait_for_grace(void *unused)
{
	(void)unused;
	require(dataplane_wait_grace(agent.dataplane) == 0);
	store(&grace.over, true);
	return NULL;
}

static void grace_end(void)
{
	if (!grace.runs)
		return;
	require(pthread_join(grace.thread, NULL) == 0);
	planner_grace_end(agent.planner);
	grace.runs = false;
	grace.n++;
}

/* As the agent does it: one after the other, and no plan waits for any. */
static void grace_go_on(void)
{
	if (grace.runs && !load(&grace.over))
		return;
	grace_end();
	planner_grace_begin(agent.planner);
	store(&grace.over, false);
	require(pthread_create(&grace.thread, NULL, wait_for_grace, NULL) == 0);
	grace.runs = true;
}

/* `plant` may be NULL: no bug. */
static void replace_all(struct table *want, uint32_t generation, void (*plant)(struct plan *))
{
	_cleanup_(plan_done) struct plan plan = { 0 };

	for (size_t i = 0; i < want->n; i++)
		fill(&want->services[i], i, generation);
	require(planner_make(agent.planner, want, &plan) == 0);
	require(plan.refused.n == 0);
	require(!plan.deferred);
	if (plant)
		plant(&plan);
	store(&begun, generation);
	require(dataplane_apply(agent.dataplane, &plan) == 0);
	store(&in_force, generation);
	grace_go_on();
}

static void no_connect_fails_or_is_misdirected_in_a_hundred_thousand_replacements(void **state)
{
	_cleanup_(table_done) struct table want = services_wanted();
	struct client clients[2];

	(void)state;
	replace_all(&want, 2, NULL); /* sets of three; of generation 1 they would begin before 0 */
	clients_start(clients, &want);
	for (uint32_t g = 3; g < GENERATIONS + 3; g++)
		replace_all(&want, g, NULL);
	clients_stop(clients);
	grace_end();
	print_message("%u replacements, %llu grace periods\n", GENERATIONS * SERVICES,
		      (unsigned long long)grace.n);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(clients[i].failed, 0);
		assert_int_equal(clients[i].misled, 0);
		assert_true(clients[i].connects > CONNECTS_MIN);
	}
}

/* --- bugs that are planted -------------------------------------------------------------------- */

static void is_found(void (*plant)(struct plan *))
{
	_cleanup_(table_done) struct table want = services_wanted();
	struct client clients[2];
	uint64_t found = 0;

	replace_all(&want, 2, NULL);
	clients_start(clients, &want);
	clients_find_nothing(clients);
	for (uint32_t g = 3; g <= GENERATIONS_MAX && !found; g++) {
		replace_all(&want, g, plant);
		found = clients_found(clients);
	}
	clients_stop(clients);
	grace_end();
	assert_int_not_equal(found, 0);
}

/* The old sets go first, and their successors come last. */
static void delete_before_repoint(struct plan *plan)
{
	struct plan_op *list = calloc(2 * plan->ops.n, sizeof(*list));
	size_t n = 0;

	require(list);
	for (size_t i = 0; i < plan->ops.n; i++) {
		if (plan->ops.list[i].kind == PLAN_RUN)
			list[n++] = (struct plan_op){ .kind = PLAN_RUN,
						      .index = plan->ops.list[i].index };
	}
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < plan->ops.n; i++) {
			if ((plan->ops.list[i].kind == PLAN_RUN) == pass)
				list[n++] = plan->ops.list[i];
		}
	}
	free(plan->ops.list);
	plan->ops.list = list;
	plan->ops.n = n;
}

static void a_deletion_before_its_replacement_is_found(void **state)
{
	(void)state;
	is_found(delete_before_repoint);
}

/* The runs first, and the cells that they lead to last. */
static void publish_before_written(struct plan *plan)
{
	struct plan_op *list = calloc(plan->ops.n, sizeof(*list));
	size_t n = 0;

	require(list);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < plan->ops.n; i++) {
			if ((plan->ops.list[i].kind == PLAN_CELLS) == pass)
				list[n++] = plan->ops.list[i];
		}
	}
	free(plan->ops.list);
	plan->ops.list = list;
}

static void a_run_published_before_its_cells_is_found(void **state)
{
	(void)state;
	is_found(publish_before_written);
}

/* What a program that picks reads of a plan. */
static bool is_read(const struct plan_op *op)
{
	return op->kind == PLAN_CELLS || op->kind == PLAN_RUN;
}

static void own_cells(struct plan_op *op)
{
	const union shunt_cell *cells = op->cells;

	if (op->kind != PLAN_CELLS)
		return;
	op->cells = calloc(op->n, sizeof(*cells));
	require(op->cells);
	memcpy(op->cells, cells, op->n * sizeof(*cells));
}

static void append_read(struct plan *to, const struct plan *from)
{
	for (size_t i = 0; i < from->ops.n; i++) {
		if (!is_read(&from->ops.list[i]))
			continue;
		require(util_grow(&to->ops.list, &to->ops.capacity, to->ops.n + 1,
				  sizeof(*to->ops.list)) == 0);
		to->ops.list[to->ops.n] = from->ops.list[i];
		own_cells(&to->ops.list[to->ops.n++]);
	}
}

/*
 * Two services that take turns to be given a backend, each in the place that the other left in the
 * turn before, because grace periods are said to be over at once. After six turns the places are
 * those of the beginning, so that these writes can be repeated with no planning in between: a
 * reader has to be in the way of two of them. The balance is one that takes its time between the
 * run and the slot.
 */
static void take_turns_without_grace(struct table *want, struct plan *ret)
{
	for (uint32_t turn = 0; turn < 6; turn++) {
		_cleanup_(plan_done) struct plan plan = { 0 };

		name_backend(&want->services[turn % 2].backends[0].endpoint.at.addr, turn % 2,
			     turn + 1);
		assert_int_equal(planner_make(agent.planner, want, &plan), 0);
		assert_int_equal(dataplane_apply(agent.dataplane, &plan), 0);
		append_read(ret, &plan);
		planner_grace_begin(agent.planner);
		planner_grace_end(agent.planner);
	}
}

static void a_reuse_without_a_grace_period_is_found(void **state)
{
	_cleanup_(table_done) struct table want =
		WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, "random 10.1.0.0:9" },
		       { "b", "127.254.0.2:80", PROTOCOL_ANY, "random 10.2.0.0:9" });
	_cleanup_(plan_done) struct plan turns = { 0 };
	struct timespec start, now;
	struct client clients[2];
	uint64_t rounds = 0;

	(void)state;
	agent_make(&agent, &want);
	take_turns_without_grace(&want, &turns);
	store(&in_force, 0);
	store(&begun, GENERATIONS_MAX); /* only whose the backend is counts */
	clients_start(clients, &want);
	clients_find_nothing(clients);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		require(dataplane_apply(agent.dataplane, &turns) == 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		rounds++;
	} while (!clients_found(clients) && now.tv_sec - start.tv_sec < SECONDS_MAX);
	clients_stop(clients);
	print_message("%llu reuses\n", (unsigned long long)rounds * 6);
	assert_int_not_equal(clients_found(clients), 0);
}

/* --- what they all start from ----------------------------------------------------------------- */

/* A peer is then the backend that was reached, and not the address that was asked for. */
static void detach(const char *link)
{
	_cleanup_close_ int fd = bpf_obj_get(link);

	require(fd >= 0);
	require(bpf_link_detach(fd) == 0);
}

static int begin(void **state)
{
	(void)state;
	agent_init(&agent);
	require(agent_start(&agent) == 0);
	detach(PLAYGROUND_BPFFS "/shunt/link_getpeername4");
	detach(PLAYGROUND_BPFFS "/shunt/link_getpeername6");
	return 0;
}

static int end(void **state)
{
	(void)state;
	agent_end(&agent);
	return 0;
}

static int enter(void **state)
{
	(void)state;
	playground_enter();
	require(system("ip route add local 10.0.0.0/8 dev lo;" /* NOLINT: a constant of ours */
		       "ip -6 route add local fd00::/16 dev lo") == 0);
	playground_listen(BACKEND_PORT);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	playground_leave();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* The first argument, if any, is a pattern of the tests to be run: the benchmarks want the first.
 */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(no_connect_fails_or_is_misdirected_in_a_hundred_thousand_replacements),
		TEST(a_deletion_before_its_replacement_is_found),
		TEST(a_run_published_before_its_cells_is_found),
		TEST(a_reuse_without_a_grace_period_is_found),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, enter, leave);
}
