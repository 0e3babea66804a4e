/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connect4 costs a run, by the kernel's own account (BPF_ENABLE_STATS), beside an empty
 * program on the same hook, and what writing a change costs. Variants take turns, so that a noisy
 * moment hits all of them; a figure is one round's average.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include "measure.h"
#include "base/util.h"
#include "playground.h"

#define ROUNDS 40
#define UDP_CONNECTS 20000 /* a round */
#define TCP_CONNECTS 400
#define BACKEND_PORT 3000

struct variant {
	struct measure ns;
	const char *cgroup; /* name below the playground */
	const char *to;
	int program;
	int udp; /* a socket that is connected again and again; -1: fresh TCP */
};

static void program_stats(int program, uint64_t *ret_runs, uint64_t *ret_ns)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	require(bpf_obj_get_info_by_fd(program, &info, &length) == 0);
	*ret_runs = info.run_cnt;
	*ret_ns = info.run_time_ns;
}

static void connect_udp(const struct variant *v)
{
	struct addr_port to = wanted_address(v->to);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&to, &address);

	for (int i = 0; i < UDP_CONNECTS; i++)
		require(connect(v->udp, (struct sockaddr *)&address, length) == 0);
}

static void connect_tcp(const struct variant *v)
{
	struct addr_port to = wanted_address(v->to);

	for (int i = 0; i < TCP_CONNECTS; i++) {
		int fd = playground_connect_to(&to, SOCKET_TCP);

		require(fd >= 0);
		close(fd);
	}
}

static void join(const struct variant *v)
{
	_cleanup_free_ char *path = playground_make_cgroup(v->cgroup);

	playground_join(path);
}

static void round_of(struct variant *v)
{
	uint64_t runs, ns, runs_after, ns_after;

	join(v);
	program_stats(v->program, &runs, &ns);
	if (v->udp >= 0)
		connect_udp(v);
	else
		connect_tcp(v);
	program_stats(v->program, &runs_after, &ns_after);
	require(runs_after - runs >= (v->udp >= 0 ? UDP_CONNECTS : TCP_CONNECTS));
	measure_add(&v->ns, (double)(ns_after - ns) / (double)(runs_after - runs));
}

static void open_udp(struct variant *v)
{
	join(v);
	v->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	require(v->udp >= 0);
}

static void bench_connects(struct agent *a)
{
	_cleanup_free_ char *other = playground_make_cgroup("foreign");
	int empty = playground_attach_foreign(other, "empty", BPF_CGROUP_INET4_CONNECT,
					      BPF_F_ALLOW_MULTI);
	int ours = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/prog_connect4");
	_cleanup_close_ int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct variant variants[] = {
		{ { .what = "empty program, same UDP socket" },
		  "foreign",
		  "127.254.0.1:80",
		  empty,
		  0 },
		{ { .what = "bystander, same UDP socket" }, "inside", "10.0.0.1:3000", ours, 0 },
		{ { .what = "miss inside the prefix, same UDP socket" },
		  "inside",
		  "127.254.9.9:9",
		  ours,
		  0 },
		{ { .what = "hit, 1 service x 3, same UDP socket" },
		  "inside",
		  "127.254.0.1:80",
		  ours,
		  0 },
		{ { .what = "empty program, fresh TCP" }, "foreign", "10.0.0.1:3000", empty, -1 },
		{ { .what = "bystander, fresh TCP" }, "inside", "10.0.0.1:3000", ours, -1 },
		{ { .what = "hit, 1 service x 3, fresh TCP" },
		  "inside",
		  "127.254.0.2:80",
		  ours,
		  -1 },
	};

	require(stats >= 0);
	require(ours >= 0);
	agent_become(a, WANTED({ "udp", "127.254.0.1:80", PROTOCOL_UDP,
				 "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" },
			       { "tcp", "127.254.0.2:80", PROTOCOL_TCP,
				 "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" }));
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		if (variants[i].udp >= 0)
			open_udp(&variants[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
			round_of(&variants[i]);
	}
	measure_print_head("connect4, a run", "ns", true);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		measure_print(&variants[i].ns, &variants[variants[i].udp >= 0 ? 0 : 4].ns);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		util_close_p(&variants[i].udp);
	playground_go_inside();
	playground_detach_foreign(other, empty, BPF_CGROUP_INET4_CONNECT);
	close(ours);
}

/* --- a whole connection ----------------------------------------------------------------------- */

/* Nanoseconds in all our programs since they were loaded. */
static uint64_t all_hooks_ns(void)
{
	static const char *const programs[] = { "connect4", "getpeername4", "error", "destroy" };
	uint64_t sum = 0, runs, ns;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		char path[64];
		_cleanup_close_ int program = -1;

		(void)snprintf(path, sizeof(path), PLAYGROUND_BPFFS "/shunt/prog_%s", programs[i]);
		program = bpf_obj_get(path);
		require(program >= 0);
		program_stats(program, &runs, &ns);
		sum += ns;
	}
	return sum;
}

/* From connect() to the end of both sockets; the server's is on this machine and runs a hook, too.
 */
static void bench_connections(void)
{
	_cleanup_close_ int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct variant variants[] = {
		{ .ns = { .what = "not ours" }, .to = "10.0.0.1:3000" },
		{ .ns = { .what = "redirected" }, .to = "127.254.0.2:80" },
	};

	require(stats >= 0);
	playground_go_inside();
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
			uint64_t before = all_hooks_ns();

			connect_tcp(&variants[i]);
			measure_add(&variants[i].ns,
				    (double)(all_hooks_ns() - before) / TCP_CONNECTS);
		}
	}
	measure_print_head("all hooks, a TCP connection from connect() to close()", "ns", false);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		measure_print(&variants[i].ns, NULL);
}

/* --- writes ----------------------------------------------------------------------------------- */

static void add_service(struct table *t, uint32_t number, size_t n_backends, uint32_t generation)
{
	struct table_service *s = table_add(t);

	require(s);
	(void)snprintf(s->name, sizeof(s->name), "service-%05u.example.internal", number);
	s->vip = wanted_address("127.254.0.0:80");
	s->vip.addr.octets[14] = (uint8_t)(number >> 8);
	s->vip.addr.octets[15] = (uint8_t)number;
	s->protocol = PROTOCOL_TCP;
	s->backends = calloc(n_backends, sizeof(*s->backends));
	require(s->backends);
	s->n_backends = n_backends;
	for (size_t i = 0; i < n_backends; i++) {
		uint8_t octets[4] = { 10, (uint8_t)(generation + 1), (uint8_t)(i >> 8),
				      (uint8_t)i };

		s->backends[i].endpoint = (struct endpoint){
			.at = { addr_from_ipv4(octets), 3000 },
			.weight = 1,
			.state = STATE_HEALTHY,
		};
		s->backends[i].share = 1;
	}
}

/* Adds the microseconds of planning and of writing; graces are not in them. */
static void plan_and_apply(struct agent *a, struct table *want, struct measure *plan_us,
			   struct measure *apply_us)
{
	_cleanup_(plan_done) struct plan plan = { 0 };
	uint64_t begun, planned, applied;

	table_sort(want);
	begun = measure_now_ns();
	require(planner_make(a->planner, want, &plan) == 0);
	planned = measure_now_ns();
	require(dataplane_apply(a->dataplane, &plan) == 0);
	applied = measure_now_ns();
	require(!plan.deferred && plan.refused.n == 0);
	measure_add(plan_us, (double)(planned - begun) / 1e3);
	measure_add(apply_us, (double)(applied - planned) / 1e3);
	agent_grace(a);
}

static void bench_large_service(struct agent *a)
{
	struct measure change[2] = { { .what = "one backend of 1,000 changed: plan" },
				     { .what = "one backend of 1,000 changed: writes" } };
	struct measure all[2] = { { .what = "all of 1,000 backends replaced: plan" },
				  { .what = "all of 1,000 backends replaced: writes" } };

	for (uint32_t round = 0; round < ROUNDS; round++) {
		_cleanup_(table_done) struct table want = { 0 };

		add_service(&want, 1, 1000, round % 2);
		plan_and_apply(a, &want, &all[0], &all[1]);
		want.services[0].backends[500].endpoint.at.addr.octets[13] = 99;
		plan_and_apply(a, &want, &change[0], &change[1]);
	}
	for (size_t i = 0; i < 2; i++)
		measure_print(&change[i], NULL);
	for (size_t i = 0; i < 2; i++)
		measure_print(&all[i], NULL);
}

static void bench_many_services(struct agent *a)
{
	struct measure load[2] = { { .what = "1,000 services x 10 from nothing: plan" },
				   { .what = "1,000 services x 10 from nothing: writes" } };
	struct measure change[2] = { { .what = "one backend of one of 1,000 services: plan" },
				     { .what = "one backend of one of 1,000 services: writes" } };

	for (uint32_t round = 0; round < ROUNDS / 8; round++) {
		_cleanup_(table_done) struct table want = { 0 };

		agent_become(a, (struct table){ 0 });
		agent_grace(a);
		for (uint32_t i = 0; i < 1000; i++)
			add_service(&want, i + 1, 10, round);
		plan_and_apply(a, &want, &load[0], &load[1]);
		for (uint8_t i = 0; i < 8; i++) {
			want.services[i * 100].backends[5].endpoint.at.addr.octets[13] = 99;
			plan_and_apply(a, &want, &change[0], &change[1]);
		}
	}
	for (size_t i = 0; i < 2; i++)
		measure_print(&load[i], NULL);
	for (size_t i = 0; i < 2; i++)
		measure_print(&change[i], NULL);
}

static void bench_graces(struct agent *a)
{
	struct measure grace = { .what = "a grace period, off the loop" };

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begun = measure_now_ns();

		require(dataplane_wait_grace(a->dataplane) == 0);
		measure_add(&grace, (double)(measure_now_ns() - begun) / 1e3);
	}
	measure_print(&grace, NULL);
}

int main(void)
{
	_cleanup_free_ char *inside = NULL;
	cpu_set_t first;
	struct agent a;

	playground_enter();
	playground_listen(BACKEND_PORT);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	require(sched_setaffinity(0, sizeof(first), &first) == 0);
	inside = playground_make_cgroup("inside");
	agent_init(&a);
	a.options.cgroup = inside;
	if (agent_start(&a) < 0)
		diag_print(&a.problems, "bench: ", stderr);
	require(a.error == 0);
	bench_connects(&a);
	bench_connections();
	measure_print_head("a change, from the tables to the maps", "us", false);
	bench_large_service(&a);
	bench_many_services(&a);
	bench_graces(&a);
	agent_end(&a);
	playground_leave();
	return 0;
}
