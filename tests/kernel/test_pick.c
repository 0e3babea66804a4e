/* SPDX-License-Identifier: Apache-2.0 */
/* The decision alone, on the pinned maps, run by BPF_PROG_TEST_RUN on one CPU. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "pick_arguments.h"
#include "playground.h"

#include "pick.skel.h"

/* As enum verdict of bpf/pick.bpf.h, which only programs can include. */
enum { NOT_OURS, REDIRECTED, REFUSED, PASSED, LIMITED };
/* As enum asker, and bits of enum affinity. */
enum { CONNECT, SEND };
enum { BY_TASK = 1, BY_SOCKET = 2 };

static struct agent agent;
static struct shunt_pick *program;

static void load_program(void)
{
	struct bpf_map *map;

	program = shunt_pick__open();
	require(program);
	bpf_object__for_each_map(map, program->obj)
	{
		char path[128];
		int fd;

		if (bpf_map__is_internal(map)) /* the settings */
			continue;
		(void)snprintf(path, sizeof(path), PLAYGROUND_BPFFS "/shunt/%s",
			       bpf_map__name(map));
		fd = bpf_obj_get(path);
		require(fd >= 0);
		require(bpf_map__reuse_fd(map, fd) == 0);
		close(fd);
	}
	require(shunt_pick__load(program) == 0);
}

static int begin(void **state)
{
	cpu_set_t first;

	(void)state;
	playground_enter();
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	require(sched_setaffinity(0, sizeof(first), &first) == 0);
	agent_init(&agent);
	require(agent_start(&agent) == 0);
	load_program();
	return 0;
}

static int end(void **state)
{
	(void)state;
	shunt_pick__destroy(program);
	agent_end(&agent);
	playground_leave();
	return 0;
}

static struct pick_arguments run(const char *to, struct pick_arguments arguments)
{
	struct addr_port at = wanted_address(to);
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &arguments,
		    .ctx_size_in = sizeof(arguments));

	arguments.port = at.port;
	memcpy(&arguments.address, at.addr.octets, sizeof(arguments.address));
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program->progs.shunt_test_pick),
						&options),
			 0);
	return arguments;
}

static struct pick_arguments picked(const char *to, uint8_t protocol, bool ipv4_only)
{
	return run(to, (struct pick_arguments){ .protocol = protocol, .ipv4_only = ipv4_only });
}

/* Which of 10.0.0.N a socket of that task gets; *ret_asked has a bit for each key it depended on.
 */
static unsigned int picked_by(const char *to, uint8_t protocol, unsigned int asker, uint64_t task,
			      uint64_t socket, unsigned int *ret_asked)
{
	struct pick_arguments p = run(to, (struct pick_arguments){
						  .protocol = protocol,
						  .ipv4_only = true,
						  .asker = asker,
						  .keys = { task, socket },
					  });

	assert_int_equal(p.verdict, REDIRECTED);
	*ret_asked = p.keys_asked;
	return p.address.octets[15];
}

static unsigned int verdict(const char *to, uint8_t protocol)
{
	return picked(to, protocol, true).verdict;
}

/* Where a connect to `to` goes, as text. */
static void leads(const char *to, uint8_t protocol, bool ipv4_only, const char *wanted)
{
	struct pick_arguments p = picked(to, protocol, ipv4_only);
	struct addr_port at = { .port = p.port };
	char text[ADDR_PORT_TEXT_MAX];

	assert_int_equal(p.verdict, REDIRECTED);
	memcpy(at.addr.octets, &p.address, sizeof(at.addr));
	assert_string_equal(addr_port_format(&at, text), wanted);
}

static void only_the_exact_address_port_and_protocol_is_ours(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" }));
	leads("127.254.0.1:80", IPPROTO_TCP, true, "10.0.0.1:3000");
	assert_int_equal(verdict("127.254.0.1:80", IPPROTO_UDP), NOT_OURS);
	assert_int_equal(verdict("127.254.0.1:81", IPPROTO_TCP), NOT_OURS);
	assert_int_equal(verdict("127.254.0.2:80", IPPROTO_TCP), NOT_OURS);
	assert_int_equal(verdict("[::1]:80", IPPROTO_TCP), NOT_OURS);
	assert_int_equal(picked("127.254.0.1:80", IPPROTO_TCP, true).service_id,
			 agent_id(&agent, "a"));
}

static void any_port_leads_to_the_backends_own_port_or_keeps_the_clients(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1", PROTOCOL_TCP, "10.0.0.1:3000" },
				    { "b", "127.254.0.2", PROTOCOL_TCP, "10.0.0.2" }));
	leads("127.254.0.1:80", IPPROTO_TCP, true, "10.0.0.1:3000");
	leads("127.254.0.1:65535", IPPROTO_TCP, true, "10.0.0.1:3000");
	leads("127.254.0.2:80", IPPROTO_TCP, true, "10.0.0.2:80");
	leads("127.254.0.2:1", IPPROTO_TCP, true, "10.0.0.2:1");
}

static void the_family_asked_for_is_preferred_and_the_other_serves(void **state)
{
	(void)state;
	agent_become(
		&agent,
		WANTED({ "both4", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000 [fd00::1]:3000" },
		       { "both6", "[fd00::f1]:80", PROTOCOL_TCP, "10.0.0.1:3000 [fd00::1]:3000" },
		       { "only4", "[fd00::f2]:80", PROTOCOL_TCP, "10.0.0.2:3000" },
		       { "only6", "127.254.0.2:80", PROTOCOL_TCP, "[fd00::2]:3000" }));
	leads("127.254.0.1:80", IPPROTO_TCP, true, "10.0.0.1:3000");
	leads("127.254.0.1:80", IPPROTO_TCP, false, "10.0.0.1:3000");
	leads("[fd00::f1]:80", IPPROTO_TCP, false, "[fd00::1]:3000");
	leads("[fd00::f2]:80", IPPROTO_TCP, false, "10.0.0.2:3000");
	leads("127.254.0.2:80", IPPROTO_TCP, false, "[fd00::2]:3000");
	assert_int_equal(verdict("127.254.0.2:80", IPPROTO_TCP), REFUSED);
}

static void round_robin_takes_every_slot_in_turn(void **state)
{
	static const char *const wanted[] = { "10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000" };

	(void)state;
	agent_become(&agent, WANTED({ "rr", "127.254.0.1:80", PROTOCOL_TCP,
				      "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000" }));
	for (size_t i = 0; i < 3000; i++)
		leads("127.254.0.1:80", IPPROTO_TCP, true,
		      wanted[(agent_counters(&agent, "rr").redirected) % 3]);
	assert_int_equal(agent_counters(&agent, "rr").redirected, 3000);
}

static void weights_are_kept_exactly(void **state)
{
	unsigned int counts[4] = { 0 };

	(void)state;
	agent_become(&agent, WANTED({ "w", "127.254.0.1:80", PROTOCOL_TCP,
				      "10.0.0.1:3000*5 10.0.0.2:3000*3 10.0.0.3:3000*2" }));
	for (int i = 0; i < 1000; i++)
		counts[picked("127.254.0.1:80", IPPROTO_TCP, true).address.octets[15]]++;
	assert_int_equal(counts[1], 500);
	assert_int_equal(counts[2], 300);
	assert_int_equal(counts[3], 200);
}

/* Nobody pays for a key that the choice does not depend on. */
static void a_key_is_asked_for_only_by_the_policy_that_uses_it(void **state)
{
	static const char *const policies[] = { "", "random", "task", "socket" };
	static const unsigned int wanted[][3] = {
		/* TCP connect, UDP connect, datagram */
		{ 0, 0, BY_SOCKET },
		{ 0, 0, BY_SOCKET },
		{ BY_TASK, BY_TASK, BY_TASK },
		{ BY_SOCKET, BY_SOCKET, BY_SOCKET },
	};
	unsigned int asked;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		char backends[64];

		(void)snprintf(backends, sizeof(backends), "10.0.0.1:80 10.0.0.2:80 %s",
			       policies[i]);
		agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_ANY, backends }));
		(void)picked_by("127.254.0.1:80", IPPROTO_TCP, CONNECT, 1, 2, &asked);
		assert_int_equal(asked, wanted[i][0]);
		(void)picked_by("127.254.0.1:80", IPPROTO_UDP, CONNECT, 1, 2, &asked);
		assert_int_equal(asked, wanted[i][1]);
		(void)picked_by("127.254.0.1:80", IPPROTO_UDP, SEND, 1, 2, &asked);
		assert_int_equal(asked, wanted[i][2]);
	}
}

#define THREE "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80"

static void random_spreads_evenly_whatever_came_before(void **state)
{
	unsigned int counts[4] = { 0 }, repeats = 0, last = 0, asked;

	(void)state;
	agent_become(&agent, WANTED({ "r", "127.254.0.1:80", PROTOCOL_TCP, THREE " random" }));
	for (int i = 0; i < 3000; i++) {
		unsigned int n = picked_by("127.254.0.1:80", IPPROTO_TCP, CONNECT, 1, 2, &asked);

		counts[n]++;
		repeats += n == last;
		last = n;
	}
	for (int i = 1; i <= 3; i++) /* 1,000 +- 8 standard deviations of 26 */
		assert_in_range(counts[i], 800, 1200);
	assert_in_range(repeats, 800, 1200); /* round robin has none */
	assert_int_equal(agent_counters(&agent, "r").redirected, 3000);
}

/* Nobody's connection ends here: what is picked stays counted. */
static void least_connections_are_nearly_even(void **state)
{
	struct table want = WANTED({ "l", "127.254.0.1:80", PROTOCOL_TCP, THREE " least" });
	unsigned int counts[4] = { 0 }, asked;

	(void)state;
	want.services[0].head_flags = SHUNT_HEAD_LOADS;
	agent_become(&agent, want);
	for (int i = 0; i < 30000; i++)
		counts[picked_by("127.254.0.1:80", IPPROTO_TCP, CONNECT, 1, 2, &asked)]++;
	for (int i = 1; i <= 3; i++) /* by the lot alone the deviation is 82 */
		assert_in_range(counts[i], 9980, 10020);
}

static void beyond_a_limit_nothing_is_picked_or_counted(void **state)
{
	struct table want = WANTED({ "c", "127.254.0.1:80", PROTOCOL_TCP, THREE },
				   { "b", "127.254.0.2:80", PROTOCOL_TCP, THREE });

	(void)state;
	want.services[0].head_flags = SHUNT_HEAD_LOADS; /* sorted by name */
	want.services[0].rules.backend_connections_max = 5;
	want.services[1].head_flags = SHUNT_HEAD_LIMITS;
	want.services[1].rules.connections_max = 100;
	agent_become(&agent, want);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(verdict("127.254.0.1:80", IPPROTO_TCP),
				 i < 100 ? REDIRECTED : LIMITED);
		assert_int_equal(verdict("127.254.0.2:80", IPPROTO_TCP),
				 i < 15 ? REDIRECTED : LIMITED);
	}
	assert_int_equal(agent_counters(&agent, "c").redirected, 100);
	assert_int_equal(agent_counters(&agent, "b").redirected, 15);
	assert_int_equal(agent_counters(&agent, "c").no_backend, 0);
}

static void maglev_keeps_a_backend_for_a_task_or_a_socket(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "t", "127.254.0.1:80", PROTOCOL_TCP, THREE " task" },
				    { "s", "127.254.0.2:80", PROTOCOL_TCP, THREE " socket" }));
	for (size_t by = 0; by < 2; by++) {
		const char *to = by ? "127.254.0.2:80" : "127.254.0.1:80";
		unsigned int counts[4] = { 0 }, asked;

		for (uint64_t key = 1; key <= 3000; key++) {
			unsigned int n = picked_by(to, IPPROTO_TCP, CONNECT, by ? 7 : key,
						   by ? key : 7, &asked);

			counts[n]++;
			assert_int_equal(picked_by(to, IPPROTO_TCP, CONNECT, by ? 8 : key,
						   by ? key : 8, &asked),
					 n);
		}
		for (int i = 1; i <= 3; i++)
			assert_in_range(counts[i], 850, 1150);
	}
}

/* One of three goes: its keys are shared out, those of the other two stay, but for a few. */
static void maglev_moves_few_keys_of_the_backends_that_stay(void **state)
{
	unsigned int before[1000], moved = 0, asked;

	(void)state;
	agent_become(&agent, WANTED({ "t", "127.254.0.1:80", PROTOCOL_TCP, THREE " task" }));
	for (uint64_t key = 0; key < 1000; key++)
		before[key] = picked_by("127.254.0.1:80", IPPROTO_TCP, CONNECT, key, 0, &asked);
	agent_become(&agent, WANTED({ "t", "127.254.0.1:80", PROTOCOL_TCP,
				      "10.0.0.1:80 10.0.0.3:80 task" }));
	for (uint64_t key = 0; key < 1000; key++) {
		unsigned int n = picked_by("127.254.0.1:80", IPPROTO_TCP, CONNECT, key, 0, &asked);

		assert_int_not_equal(n, 2);
		moved += before[key] != 2 && before[key] != n;
	}
	assert_in_range(moved, 0, 100);
}

static void a_source_address_lookup_is_not_counted_and_moves_no_turn(void **state)
{
	(void)state;
	agent_become(&agent,
		     WANTED({ "p", "127.254.0.1:80", PROTOCOL_ANY, "10.0.0.1:3000 10.0.0.2:3000" },
			    { "u", "127.254.0.2:80", PROTOCOL_UDP, "10.0.0.3:3000" },
			    { "none", "127.254.0.3:80", PROTOCOL_ANY, "" }));
	leads("127.254.0.1:80", IPPROTO_TCP, true, "10.0.0.1:3000");
	for (int i = 0; i < 101; i++)
		assert_int_equal(verdict("127.254.0.1:80", IPPROTO_UDP), REDIRECTED);
	leads("127.254.0.1:80", IPPROTO_TCP, true, "10.0.0.2:3000");
	assert_int_equal(agent_counters(&agent, "p").redirected, 2);
	assert_int_equal(verdict("127.254.0.3:80", IPPROTO_UDP), REFUSED);
	assert_int_equal(agent_counters(&agent, "none").no_backend, 0);
	leads("127.254.0.2:80", IPPROTO_UDP, true, "10.0.0.3:3000");
	assert_int_equal(agent_counters(&agent, "u").redirected, 1);
}

static void an_empty_service_refuses_or_passes_and_counts(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "refuse", "127.254.0.1:80", PROTOCOL_TCP, "" },
				    { "pass", "127.254.0.2:80", PROTOCOL_TCP, "pass" }));
	assert_int_equal(verdict("127.254.0.1:80", IPPROTO_TCP), REFUSED);
	assert_int_equal(verdict("127.254.0.2:80", IPPROTO_TCP), PASSED);
	assert_int_equal(agent_counters(&agent, "refuse").no_backend, 1);
	assert_int_equal(agent_counters(&agent, "pass").no_backend, 1);
	assert_int_equal(agent_counters(&agent, "pass").redirected, 0);
}

static void a_service_that_goes_and_another_that_comes_do_not_share_counts(void **state)
{
	(void)state;
	agent_become(&agent, WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" }));
	assert_int_equal(verdict("127.254.0.1:80", IPPROTO_TCP), REDIRECTED);
	agent_become(&agent, WANTED({ "b", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000" }));
	assert_int_equal(agent_counters(&agent, "b").redirected, 0);
	assert_int_equal(verdict("127.254.0.1:80", IPPROTO_TCP), REDIRECTED);
	assert_int_equal(agent_counters(&agent, "b").redirected, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_exact_address_port_and_protocol_is_ours),
		cmocka_unit_test(any_port_leads_to_the_backends_own_port_or_keeps_the_clients),
		cmocka_unit_test(the_family_asked_for_is_preferred_and_the_other_serves),
		cmocka_unit_test(round_robin_takes_every_slot_in_turn),
		cmocka_unit_test(weights_are_kept_exactly),
		cmocka_unit_test(a_key_is_asked_for_only_by_the_policy_that_uses_it),
		cmocka_unit_test(random_spreads_evenly_whatever_came_before),
		cmocka_unit_test(least_connections_are_nearly_even),
		cmocka_unit_test(beyond_a_limit_nothing_is_picked_or_counted),
		cmocka_unit_test(maglev_keeps_a_backend_for_a_task_or_a_socket),
		cmocka_unit_test(maglev_moves_few_keys_of_the_backends_that_stay),
		cmocka_unit_test(a_source_address_lookup_is_not_counted_and_moves_no_turn),
		cmocka_unit_test(an_empty_service_refuses_or_passes_and_counts),
		cmocka_unit_test(a_service_that_goes_and_another_that_comes_do_not_share_counts),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
