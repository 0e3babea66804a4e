/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connect4 costs a run, by the kernel's own account, over an empty program on the same hook.
 * Variants take turns, so that a noisy moment hits all of them; a figure is one round's average.
 */
#include <bpf/bpf.h>
#include <sched.h>
#include <sys/socket.h>

#include "account.h"
#include "alternatives.h"
#include "base/util.h"
#include "crowd.h"
#include "measure.h"
#include "playground.h"

#define ROUNDS 40
#define UDP_CONNECTS 20000 /* a round */
#define TCP_CONNECTS 400
#define SERVICES 10000
#define BACKENDS 10

#define ONE_SERVICE "127.253.0.1:3000"
#define NOBODY "10.0.0.1:3000"	      /* no service has such an address */
#define NEIGHBOUR "127.254.200.200:9" /* services have such addresses, but not this one */

struct variant {
	struct measure ns;
	const char *to;	     /* NULL: another service of the crowd each time */
	const char *program; /* of the alternatives; NULL: ours */
	int udp;	     /* the socket that is connected again and again */
};

static struct {
	char *inside, *foreign; /* cgroups: of our programs, of another one by turns */
	int connect4;
	struct alternatives *alternatives;
	uint32_t random;
} bench;

/* The same sequence in every round (Numerical Recipes' generator). */
static struct addr_port next_target(const struct variant *v)
{
	if (v->to)
		return wanted_address(v->to);
	bench.random = bench.random * 1664525 + 1013904223;
	return crowd_vip(1 + (bench.random >> 8) % SERVICES);
}

static void connect_udp(const struct variant *v)
{
	struct addr_port to = next_target(v);

	for (int i = 0; i < UDP_CONNECTS; i++) {
		struct sockaddr_storage address;
		socklen_t length;

		if (!v->to)
			to = next_target(v);
		length = addr_port_sockaddr(&to, &address);
		require(connect(v->udp, (struct sockaddr *)&address, length) == 0);
	}
}

static void connect_tcp(const struct variant *v)
{
	for (int i = 0; i < TCP_CONNECTS; i++) {
		struct addr_port to = next_target(v);
		_cleanup_close_ int fd = playground_connect_to(&to, SOCKET_TCP);

		require(fd >= 0);
	}
}

static void join(const struct variant *v)
{
	playground_join(v->program ? bench.foreign : bench.inside);
}

static struct account account(const struct variant *v)
{
	return v->program ? alternatives_account(bench.alternatives) : account_of(bench.connect4);
}

static void measure_round(struct variant *v, bool udp)
{
	const char *const programs[ALTERNATIVE_PROGRAMS] = { v->program };
	struct account before, after;

	join(v);
	alternatives_attach(bench.alternatives, bench.foreign, programs);
	bench.random = 1;
	before = account(v);
	if (udp)
		connect_udp(v);
	else
		connect_tcp(v);
	after = account(v);
	alternatives_detach(bench.alternatives);
	require(after.runs - before.runs >= (udp ? UDP_CONNECTS : TCP_CONNECTS));
	measure_add(&v->ns, (double)(after.ns - before.ns) / (double)(after.runs - before.runs));
}

static void measure_all(struct variant *variants, size_t n, bool udp)
{
	int rounds = measure_rounds(ROUNDS);

	for (size_t i = 0; i < n && udp; i++) {
		join(&variants[i]);
		variants[i].udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		require(variants[i].udp >= 0);
	}
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n; i++)
			measure_round(&variants[i], udp);
	}
	for (size_t i = 0; i < n && udp; i++)
		util_close_p(&variants[i].udp);
	playground_go_inside();
}

static void print_all(const char *title, const struct variant *variants, size_t n)
{
	const struct measure_table table = { title, "ns a run", RELATION_OVER, "over empty", 1 };

	measure_print_head(&table);
	for (size_t i = 0; i < n; i++)
		measure_print(&table, &variants[i].ns);
}

/* Each is compared with the last empty program above it. */
static void compare_all(struct variant *variants, size_t n)
{
	const struct measure *empty = NULL;

	for (size_t i = 0; i < n; i++) {
		if (variants[i].program && streq(variants[i].program, "empty_connect"))
			empty = &variants[i].ns;
		else
			variants[i].ns.base = empty;
	}
}

static void bench_all(struct variant *variants, size_t n, bool udp)
{
	compare_all(variants, n);
	measure_all(variants, n, udp);
	print_all(udp ? "connect4, a reused UDP socket" : "connect4, fresh TCP connections",
		  variants, n);
}

/* One service of three backends among 10,000 of ten. */
static void become_crowd(struct agent *a, enum shunt_protocol protocol)
{
	struct table want = WANTED(
		{ "one", ONE_SERVICE, protocol, "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" });

	crowd_add(&want, SERVICES, BACKENDS, protocol, 0);
	table_sort(&want);
	if (!bench.alternatives)
		bench.alternatives = alternatives_new(&want);
	agent_become(a, want);
}

static void bench_udp(struct agent *a)
{
	struct variant variants[] = {
		{ { .what = "empty program" }, ONE_SERVICE, "empty_connect", -1 },
		{ { .what = "not ours", .bar = 3 }, NOBODY, NULL, -1 },
		{ { .what = "not ours, but a service has the same first 16 bits" },
		  NEIGHBOUR,
		  NULL,
		  -1 },
		{ { .what = "not ours, a kernel hash instead" }, NOBODY, "hash_connect", -1 },
		{ { .what = "hit, 1 service x 3", .bar = 15 }, ONE_SERVICE, NULL, -1 },
		{ { .what = "hit, 1 service x 3, two reads of memory and no more" },
		  ONE_SERVICE,
		  "least_connect",
		  -1 },
		{ { .what = "hit, 1 service x 3, a kernel hash instead" },
		  ONE_SERVICE,
		  "hash_connect",
		  -1 },
		{ { .what = "empty program, random addresses" }, NULL, "empty_connect", -1 },
		{ { .what = "hit, 10,000 services x 10, random service", .bar = 90 },
		  NULL,
		  NULL,
		  -1 },
		{ { .what = "the same, a kernel hash instead" }, NULL, "hash_connect", -1 },
		{ { .what = "the same, two reads of memory and no more" },
		  NULL,
		  "least_connect",
		  -1 },
	};

	become_crowd(a, PROTOCOL_UDP);
	bench_all(variants, ARRAY_SIZE(variants), true);
}

static void bench_tcp(struct agent *a)
{
	struct variant variants[] = {
		{ { .what = "empty program" }, NOBODY, "empty_connect", -1 },
		{ { .what = "not ours" }, NOBODY, NULL, -1 },
		{ { .what = "hit, 1 service x 3" }, ONE_SERVICE, NULL, -1 },
		{ { .what = "hit, 1 service x 3, a kernel hash instead, no track" },
		  ONE_SERVICE,
		  "hash_connect",
		  -1 },
		{ { .what = "empty program, random addresses" }, NULL, "empty_connect", -1 },
		{ { .what = "hit, 10,000 services x 10, random service", .bar = 350 },
		  NULL,
		  NULL,
		  -1 },
		{ { .what = "the same, a kernel hash instead, no track" },
		  NULL,
		  "hash_connect",
		  -1 },
		{ { .what = "the same, two reads of memory and no more" },
		  NULL,
		  "least_connect",
		  -1 },
	};

	become_crowd(a, PROTOCOL_TCP);
	bench_all(variants, ARRAY_SIZE(variants), false);
}

int main(void)
{
	_cleanup_close_ int stats = -1;
	cpu_set_t first;
	struct agent a;

	playground_enter();
	playground_listen(CROWD_PORT);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	require(sched_setaffinity(0, sizeof(first), &first) == 0);
	bench.inside = playground_make_cgroup("inside");
	bench.foreign = playground_make_cgroup("foreign");
	agent_init(&a);
	a.options.cgroup = bench.inside;
	if (agent_start(&a) < 0)
		diag_print(&a.problems, "bench: ", stderr);
	require(a.error == 0);
	bench.connect4 = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/prog_connect4");
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	require(bench.connect4 >= 0 && stats >= 0);
	bench_udp(&a);
	bench_tcp(&a);
	alternatives_free(bench.alternatives);
	close(bench.connect4);
	agent_end(&a);
	playground_leave();
	free(bench.foreign);
	free(bench.inside);
	return 0;
}
