/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application notices: a client and a server in two network namespaces, connected directly,
 * by shunt, by DNAT of nftables and through haproxy. All take turns in every round, in another
 * order each time, and are compared with the direct connections of the same round.
 *
 * Every way has a port of its own: the TIME_WAIT of one would be in the way of another.
 */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"
#include "echo.h"
#include "lab.h"
#include "measure.h"
#include "playground.h"
#include "relays.h"

#define ROUNDS 48
#define WARM_UP 60	/* connections at the beginning of a turn, not measured */
#define CONNECTIONS 300 /* a turn */
#define REQUESTS 600
#define BULK (32ULL << 20)
#define SAMPLES_MAX 1024

#define VIP "127.254.0.1:80"

enum way_kind {
	WAY_DIRECT,
	WAY_SHUNT,
	WAY_NFT,
	WAY_HAPROXY,
};

enum figure {
	FIGURE_CONNECT, /* connect() and answer, median of a turn, us */
	FIGURE_CPU,	/* of client, server and haproxy, a connection, us */
	FIGURE_REQUEST, /* on a connection that is kept, median of a turn, us */
	FIGURE_BULK,	/* MB a second */
	FIGURES,
};

struct way {
	const char *what;
	enum way_kind kind;
	struct measure figures[FIGURES];
};

static struct way ways[] = {
	{ .what = "direct", .kind = WAY_DIRECT },
	{ .what = "direct again: the noise of this run", .kind = WAY_DIRECT },
	{ .what = "shunt, default metrics", .kind = WAY_SHUNT },
	{ .what = "nft DNAT", .kind = WAY_NFT },
	{ .what = "haproxy, TCP mode", .kind = WAY_HAPROXY },
};

#define WAYS ARRAY_SIZE(ways) /* prime: any stride leads round all of them */

static struct {
	char *inside;
	pid_t haproxy;
	struct agent agent;
} bench;

static uint16_t port_of(size_t way)
{
	return (uint16_t)(3001 + way);
}

/* Who connects directly goes round the backends itself. */
static struct addr_port target(size_t way, uint32_t turn)
{
	switch (ways[way].kind) {
	case WAY_SHUNT:
		return wanted_address(VIP);
	case WAY_NFT:
		return relays_nft_address(port_of(way));
	case WAY_HAPROXY:
		return relays_haproxy_address();
	case WAY_DIRECT:
	default:
		return lab_backend(LAB_PLAIN, turn % LAB_BACKENDS, port_of(way));
	}
}

/* --- a turn ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static double process_cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	require(clock_getcpuclockid(pid, &clock) == 0);
	require(clock_gettime(clock, &used) == 0);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static double cpu_us(void)
{
	return process_cpu_us(getpid()) + process_cpu_us(lab_server()) +
	       process_cpu_us(bench.haproxy);
}

static void warm_up(size_t way)
{
	for (uint32_t i = 0; i < WARM_UP; i++) {
		struct addr_port to = target(way, i);
		_cleanup_close_ int fd = echo_socket();

		echo_connect(fd, &to);
		echo_ask(fd, ECHO_QUESTION);
	}
}

static void measure_connections(size_t way)
{
	double us[CONNECTIONS], begun;

	warm_up(way);
	begun = cpu_us();
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		struct addr_port to = target(way, i);
		_cleanup_close_ int fd = echo_socket();
		uint64_t then = measure_now_ns();

		echo_connect(fd, &to);
		echo_ask(fd, ECHO_QUESTION);
		us[i] = (double)(measure_now_ns() - then) / 1e3;
	}
	measure_add(&ways[way].figures[FIGURE_CPU], (cpu_us() - begun) / CONNECTIONS);
	measure_add(&ways[way].figures[FIGURE_CONNECT], median(us, CONNECTIONS));
}

static void measure_kept(size_t way)
{
	struct addr_port to = target(way, 0);
	_cleanup_close_ int fd = echo_socket();
	double us[REQUESTS];
	uint64_t then;

	echo_connect(fd, &to);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		then = measure_now_ns();
		echo_ask(fd, ECHO_QUESTION);
		us[i] = (double)(measure_now_ns() - then) / 1e3;
	}
	measure_add(&ways[way].figures[FIGURE_REQUEST], median(us, REQUESTS));
	then = measure_now_ns();
	echo_ask(fd, BULK);
	measure_add(&ways[way].figures[FIGURE_BULK],
		    (double)BULK * 1e3 / (double)(measure_now_ns() - then));
}

/* Attached for its turn only: the others' connections meet nothing of ours. */
static void shunt_start(size_t way)
{
	struct table want =
		WANTED({ "bench", VIP, PROTOCOL_TCP, "10.99.0.11 10.99.0.12 10.99.0.13" });

	for (size_t i = 0; i < want.services[0].n_backends; i++)
		want.services[0].backends[i].endpoint.at.port = port_of(way);
	agent_init(&bench.agent);
	bench.agent.options.cgroup = bench.inside;
	if (agent_start(&bench.agent) < 0)
		diag_print(&bench.agent.problems, "bench: ", stderr);
	require(bench.agent.error == 0);
	agent_become(&bench.agent, want);
}

static void take_turn(size_t way)
{
	if (ways[way].kind == WAY_SHUNT)
		shunt_start(way);
	lab_enter(ways[way].kind == WAY_NFT ? LAB_OTHER : LAB_PLAIN);
	measure_connections(way);
	measure_kept(way);
	lab_enter(LAB_PLAIN);
	if (ways[way].kind == WAY_SHUNT)
		agent_end(&bench.agent);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void print_figure(enum figure figure)
{
	static const struct {
		struct measure_table table;
		double bar; /* of ours */
	} tables[FIGURES] = {
		[FIGURE_CONNECT] = { { "connect and answer", "us", RELATION_RATIO, "to direct", 2 },
				     1 },
		[FIGURE_CPU] = { { "CPU a connection, both ends", "us", RELATION_RATIO, "to direct",
				   2 },
				 1 },
		[FIGURE_REQUEST] = { { "a request on a kept connection", "us", RELATION_RATIO,
				       "to direct", 2 },
				     1 },
		[FIGURE_BULK] = { { "bulk, more is better", "MB/s", RELATION_RATIO, "to direct",
				    0 },
				  1 },
	};

	measure_print_head(&tables[figure].table);
	for (size_t i = 0; i < WAYS; i++) {
		struct measure *m = &ways[i].figures[figure];

		m->what = ways[i].what;
		m->base = i > 0 ? &ways[0].figures[figure] : NULL;
		m->bar = ways[i].kind == WAY_SHUNT ? tables[figure].bar : 0;
		measure_print(&tables[figure].table, m);
	}
}

static void pin(pid_t pid, size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	require(sched_setaffinity(pid, sizeof(set), &set) == 0);
}

int main(void)
{
	uint16_t ports[WAYS];
	int rounds = measure_rounds(ROUNDS);

	playground_enter();
	bench.inside = playground_make_cgroup("inside");
	for (size_t i = 0; i < WAYS; i++)
		ports[i] = port_of(i);
	lab_open(ports, WAYS);
	relays_start_nft();
	for (size_t i = 0; i < WAYS; i++) {
		if (ways[i].kind == WAY_HAPROXY)
			bench.haproxy = relays_start_haproxy(port_of(i));
	}
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		pin(0, 0);
		pin(lab_server(), 1);
	}
	for (int round = 0; round < rounds; round++) {
		size_t stride = 1 + (size_t)round % (WAYS - 1);

		/* everyone comes after everyone else: no way leads to its neighbour's caches */
		for (size_t i = 0; i < WAYS; i++)
			take_turn((i * stride + (size_t)round) % WAYS);
	}
	for (int figure = 0; figure < FIGURES; figure++)
		print_figure((enum figure)figure);
	lab_kill(bench.haproxy);
	lab_close();
	playground_leave();
	free(bench.inside);
	return 0;
}
