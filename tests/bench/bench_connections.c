/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all hooks together cost a TCP connection from connect() to its end, beside other mechanisms
 * that follow connections. Client and server are both on this machine, and tracepoints see the
 * socket of either: the server's are closed after the client's have ended, so that the kernel's
 * account tells the two ends apart.
 */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include "account.h"
#include "alternatives.h"
#include "base/util.h"
#include "crowd.h"
#include "kernel/events.h"
#include "measure.h"
#include "playground.h"

#define ROUNDS 40
#define BATCHES 4      /* a round */
#define CONNECTIONS 50 /* a batch */
#define REQUEST 64     /* octets, and as many for the answer */

#define NOT_OURS "10.0.0.1:3000"

enum end {
	END_CLIENT,
	END_SERVER,
	END_BOTH,
	ENDS,
};

struct mechanism {
	const char *what;
	const char *programs[ALTERNATIVE_PROGRAMS]; /* none: ours */
	bool both;   /* it sees the server's end too, wherever that is */
	bool events; /* ours: some service asks for connect_timeout or connect_timing */
	double bar[2];
	struct measure ns[2][ENDS], runs[2]; /* not ours, redirected */
};

static struct {
	char *inside, *foreign; /* cgroups: of our programs, of the others' by turns */
	struct alternatives *alternatives;
	struct dataplane *dataplane;
	int listener;
	uint32_t turn;
} bench;

/* --- the two ends ----------------------------------------------------------------------------- */

static int listen_on(uint16_t port)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	require(fd >= 0);
	require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	require(bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0);
	require(listen(fd, CONNECTIONS) == 0);
	return fd;
}

static void send_octets(int from, int to)
{
	char octets[REQUEST] = { 0 };

	require(send(from, octets, sizeof(octets), 0) == sizeof(octets));
	require(recv(to, octets, sizeof(octets), MSG_WAITALL) == sizeof(octets));
}

/*
 * A request and its answer; then the client closes first. Returns the end that is left: it has read
 * the end of the file and acknowledged it at once, with which the client's socket comes to its end.
 */
static int connect_and_close(const struct addr_port *to)
{
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(to, &address);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server, on = 1;
	char octet;

	require(client >= 0);
	require(connect(client, (struct sockaddr *)&address, length) == 0);
	server = accept4(bench.listener, NULL, NULL, SOCK_CLOEXEC);
	require(server >= 0);
	send_octets(client, server);
	send_octets(server, client);
	close(client);
	require(recv(server, &octet, sizeof(octet), 0) == 0);
	require(setsockopt(server, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on)) == 0);
	return server;
}

/* --- rounds ----------------------------------------------------------------------------------- */

struct batch {
	uint64_t runs;
	double client_ns, server_ns; /* a connection */
};

static struct account account(const struct mechanism *m)
{
	return m->programs[0] ? alternatives_account(bench.alternatives) : account_of_pins();
}

/* Addresses that are not ours take turns, for the ports of ended connections rest for a minute. */
static struct addr_port next_target(bool redirected)
{
	struct addr_port to = wanted_address(NOT_OURS);

	if (redirected)
		return crowd_vip(1);
	to.addr.octets[15] = (uint8_t)(1 + bench.turn++ % PLAYGROUND_ADDRESSES);
	return to;
}

static struct batch batch_run(const struct mechanism *m, bool redirected)
{
	struct account begun, clients_closed, servers_closed;
	int servers[CONNECTIONS];

	begun = account(m);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct addr_port to = next_target(redirected);

		servers[i] = connect_and_close(&to);
	}
	clients_closed = account(m);
	for (size_t i = 0; i < CONNECTIONS; i++)
		close(servers[i]);
	servers_closed = account(m);
	return (struct batch){
		.runs = servers_closed.runs - begun.runs,
		.client_ns = (double)(clients_closed.ns - begun.ns) / CONNECTIONS,
		.server_ns = (double)(servers_closed.ns - clients_closed.ns) / CONNECTIONS,
	};
}

/* Tracepoints see all of the machine: of several batches that with the fewest runs is ours alone.
 */
static void measure_round(struct mechanism *m, bool redirected)
{
	struct batch best = batch_run(m, redirected);
	struct measure *ns = m->ns[redirected];

	for (int i = 1; i < BATCHES; i++) {
		struct batch other = batch_run(m, redirected);

		if (other.runs < best.runs)
			best = other;
	}
	measure_add(&m->runs[redirected], (double)best.runs / CONNECTIONS);
	measure_add(&ns[END_CLIENT], best.client_ns);
	measure_add(&ns[END_SERVER], best.server_ns);
	measure_add(&ns[END_BOTH], best.client_ns + best.server_ns);
}

static void attach_events(bool wanted)
{
	struct diag problems = { 0 };

	if (dataplane_events(bench.dataplane, wanted, &problems) < 0)
		diag_print(&problems, "bench: ", stderr);
	require(problems.total == 0);
	diag_done(&problems);
}

static void measure_all(struct mechanism *mechanisms, size_t n)
{
	int rounds = measure_rounds(ROUNDS);

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n; i++) {
			struct mechanism *m = &mechanisms[i];

			if (m->programs[0])
				alternatives_attach(bench.alternatives, bench.foreign, m->programs);
			attach_events(m->events);
			playground_join(m->programs[0] ? bench.foreign : bench.inside);
			measure_round(m, false);
			measure_round(m, true);
			alternatives_detach(bench.alternatives);
		}
	}
	playground_go_inside();
}

/* --- rows ------------------------------------------------------------------------------------- */

static void print_row(const struct measure_table *table, const struct mechanism *m, bool redirected,
		      enum end end, const char *words)
{
	struct measure row = m->ns[redirected][end];
	char what[128];

	(void)snprintf(what, sizeof(what), "%s%s", m->what, words);
	row.what = what;
	row.bar = end == END_CLIENT ? m->bar[redirected] : 0;
	measure_print(table, &row);
}

static void print_mechanism(const struct measure_table *table, const struct mechanism *m,
			    bool redirected)
{
	char words[32];

	(void)snprintf(words, sizeof(words), " (%.0f runs%s)", measure_median(&m->runs[redirected]),
		       m->both ? " at both ends" : "");
	print_row(table, m, redirected, END_CLIENT, words);
	if (!m->both)
		return;
	print_row(table, m, redirected, END_SERVER, ": the server's, if here");
	print_row(table, m, redirected, END_BOTH, ": both ends");
}

static void print_all(const struct mechanism *mechanisms, size_t n, bool redirected)
{
	const struct measure_table table = {
		redirected ? "all hooks, the client's end of a redirected TCP connection"
			   : "all hooks, the client's end of a connection not ours",
		"ns", RELATION_NONE, NULL, 1
	};

	measure_print_head(&table);
	for (size_t i = 0; i < n; i++)
		print_mechanism(&table, &mechanisms[i], redirected);
}

static void bench_mechanisms(void)
{
	struct mechanism mechanisms[] = {
		{ .what = "shunt", .both = true, .bar = { 200, 400 } },
		{ .what = "shunt, while a service asks for events", .both = true, .events = true },
		{ .what = "the same hooks, empty",
		  .programs = { "empty_connect", "empty_error", "empty_destroy" },
		  .both = true },
		{ .what = "connect4 and sock_ops, empty",
		  .programs = { "empty_connect", "empty_sockops" } },
		{ .what = "socket storage, sock_ops",
		  .programs = { "storage_connect", "storage_sockops" } },
		{ .what = "hash of cookies, sock_ops",
		  .programs = { "cookie_connect", "cookie_sockops" } },
		{ .what = "array of cookies, inet_sock_set_state",
		  .programs = { "array_connect", "array_state" },
		  .both = true },
	};

	measure_all(mechanisms, ARRAY_SIZE(mechanisms));
	print_all(mechanisms, ARRAY_SIZE(mechanisms), true);
	print_all(mechanisms, ARRAY_SIZE(mechanisms), false);
}

int main(void)
{
	_cleanup_close_ int stats = -1;
	struct table want = { 0 };
	cpu_set_t first;
	struct agent a;

	playground_enter();
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	require(sched_setaffinity(0, sizeof(first), &first) == 0);
	bench.inside = playground_make_cgroup("inside");
	bench.foreign = playground_make_cgroup("foreign");
	/* of neither cgroup: nothing but tracepoints is to see the server's sockets */
	playground_join(playground_cgroup());
	bench.listener = listen_on(CROWD_PORT);
	agent_init(&a);
	a.options.cgroup = bench.inside;
	if (agent_start(&a) < 0)
		diag_print(&a.problems, "bench: ", stderr);
	require(a.error == 0);
	bench.dataplane = a.dataplane;
	crowd_add(&want, 1, 3, PROTOCOL_TCP, 0);
	table_sort(&want);
	bench.alternatives = alternatives_new(&want);
	agent_become(&a, want);
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	require(stats >= 0);
	bench_mechanisms();
	alternatives_free(bench.alternatives);
	close(bench.listener);
	agent_end(&a);
	playground_leave();
	free(bench.foreign);
	free(bench.inside);
	return 0;
}
