/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How soon a backend that refuses is avoided, with the agent stopped, and what that costs a run of
 * connect4. Every round has a service of its own, of three backends, one of which refuses.
 */
#include <bpf/bpf.h>

#include "account.h"
#include "base/util.h"
#include "crowd.h"
#include "measure.h"
#include "playground.h"

#define ROUNDS 40
#define CONNECTS 300 /* of a task */
#define THRESHOLD 5

static struct {
	struct agent agent;
	int connect4;
} bench;

/* The defaults of "ejection" in the configuration. */
static const struct shunt_rules rules = {
	.ejection_failures = THRESHOLD,
	.ejection_within_ms = 30000,
	.ejection_base_ms = 30000,
	.ejection_max_ms = 300000,
	.ejection_max_percent = 50,
	.panic_percent = 50,
};

#define TASKS 3

enum ns_part {
	NS_HEALTHY,
	NS_EJECTED,
	NS_PARTS,
};

static void add_service(struct table *t, uint32_t number, const char *backends)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "service-%u", number);
	wanted_add(t, &(struct wanted_service){ name, "127.254.0.1:3000", PROTOCOL_TCP, backends });
	t->services[t->n - 1].vip = crowd_vip(number);
	t->services[t->n - 1].rules = rules;
}

/* One refuses in the services 1 to `n`, none in the service after them. */
static void become(uint32_t n)
{
	struct table want = { 0 };

	for (uint32_t i = 1; i <= n; i++)
		add_service(&want, i, "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:4");
	add_service(&want, n + 1, "10.0.0.1:3000 10.0.0.2:3000 10.0.0.3:3000");
	table_sort(&want);
	agent_become(&bench.agent, want);
}

static void join(const char *task)
{
	_cleanup_free_ char *path = playground_make_cgroup(task);

	playground_join(path);
}

/* How many connects of a task to the service failed; *ret_ns is what connect4 took of each. */
static int connect_as(const char *task, uint32_t service, double *ret_ns)
{
	struct addr_port to = crowd_vip(service);
	struct account before, after;
	int failed = 0;

	join(task);
	before = account_of(bench.connect4);
	for (int i = 0; i < CONNECTS; i++) {
		_cleanup_close_ int fd = playground_connect_to(&to, SOCKET_TCP);

		if (fd < 0)
			failed++;
	}
	after = account_of(bench.connect4);
	*ret_ns = (double)(after.ns - before.ns) / (double)(after.runs - before.runs);
	return failed;
}

static void measure_round(struct measure *failed, struct measure *ns, uint32_t service,
			  uint32_t healthy)
{
	static const char *const tasks[TASKS] = { "inside", "other", "foreign" };
	double of_each;

	for (size_t i = 0; i < TASKS; i++)
		measure_add(&failed[i], connect_as(tasks[i], service, &of_each));
	measure_add(&ns[NS_EJECTED], of_each);
	(void)connect_as("inside", healthy, &of_each);
	measure_add(&ns[NS_HEALTHY], of_each);
}

static void print_all(struct measure *failed, struct measure *ns)
{
	const struct measure_table counts = {
		"of 300 connects, one backend of three refusing, agent stopped", "failed",
		RELATION_NONE, NULL, 0
	};
	const struct measure_table costs = { "connect4, fresh TCP connections", "ns a run",
					     RELATION_OVER, "over healthy", 1 };

	failed[0].what = "of the first task: the threshold, and none after it";
	failed[0].bar = THRESHOLD;
	failed[1].what = "of a second task: one, which agrees with the first";
	failed[1].bar = 1;
	failed[2].what = "of any task from then on";
	failed[2].bar_is_zero = true;
	measure_print_table(&counts, failed, TASKS);
	ns[NS_HEALTHY].what = "hit, 1 service x 3, all healthy";
	ns[NS_EJECTED].what = "hit, 1 service x 3, one of them ejected";
	ns[NS_EJECTED].base = &ns[NS_HEALTHY];
	measure_print_table(&costs, ns, NS_PARTS);
}

int main(void)
{
	struct measure failed[TASKS] = { 0 }, ns[NS_PARTS] = { 0 };
	_cleanup_close_ int stats = -1;
	uint32_t rounds = (uint32_t)measure_rounds(ROUNDS);

	playground_enter();
	playground_listen(CROWD_PORT);
	agent_init(&bench.agent);
	if (agent_start(&bench.agent) < 0)
		diag_print(&bench.agent.problems, "bench: ", stderr);
	require(bench.agent.error == 0);
	become(rounds);
	agent_stop(&bench.agent);
	bench.connect4 = bpf_obj_get(PLAYGROUND_BPFFS "/shunt/prog_connect4");
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	require(bench.connect4 >= 0 && stats >= 0);
	for (uint32_t round = 0; round < rounds; round++)
		measure_round(failed, ns, round + 1, rounds + 1);
	print_all(failed, ns);
	close(bench.connect4);
	playground_go_inside();
	agent_end(&bench.agent);
	playground_leave();
	return 0;
}
