/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest agent: a data plane and a planner, and what is wanted of them. */
#include <errno.h>

#include "base/util.h"
#include "playground.h"

#define ROUNDS_MAX 20

void agent_init(struct agent *a)
{
	*a = (struct agent){
		.options = { .bpffs = PLAYGROUND_BPFFS, .cgroup = playground_cgroup() },
	};
}

/*
 * What a kernel lacks is said, and from Linux 6.1 on it lacks nothing: no test passes there by the
 * programs without tracks unless it asked for them.
 */
static void require_whole(const struct agent *a)
{
	const struct diag *missing = dataplane_missing(a->dataplane);

	if (a->options.without_tracks || !playground_linux_is(5, 15)) {
		require(missing->total > 0);
	} else if (playground_linux_is(6, 1)) {
		diag_print(missing, "missing: ", stderr);
		require(missing->total == 0);
	}
}

int agent_start(struct agent *a)
{
	struct plan_state have = { 0 };
	struct plan_memory memory;
	struct plan_limits limits;

	diag_done(&a->problems);
	a->problems = (struct diag){ 0 };
	a->error = dataplane_open(&a->options, &a->dataplane, &a->problems);
	if (a->error < 0)
		return a->error;
	require_whole(a);
	dataplane_limits(a->dataplane, &limits);
	memory = dataplane_memory(a->dataplane);
	require(dataplane_read_state(a->dataplane, &have) == 0);
	require(planner_new(&limits, &memory, &have, &a->planner) == 0);
	return 0;
}

void agent_stop(struct agent *a)
{
	planner_free(a->planner);
	a->planner = NULL;
	dataplane_close(a->dataplane);
	a->dataplane = NULL;
}

void agent_grace(struct agent *a)
{
	planner_grace_begin(a->planner);
	require(dataplane_wait_grace(a->dataplane) == 0);
	planner_grace_end(a->planner);
}

void agent_make(struct agent *a, const struct table *want)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		_cleanup_(plan_done) struct plan plan = { 0 };

		require(planner_make(a->planner, want, &plan) == 0);
		require(dataplane_apply(a->dataplane, &plan) == 0);
		require(plan.refused.n == 0);
		if (!plan.deferred)
			return;
		agent_grace(a);
	}
	require(!"as wanted within the rounds");
}

void agent_become(struct agent *a, struct table want)
{
	agent_make(a, &want);
	table_done(&want);
}

void agent_end(struct agent *a)
{
	struct diag problems = { 0 };
	int pid, r;

	agent_stop(a);
	r = dataplane_detach(PLAYGROUND_BPFFS, &pid, &problems);
	require(r == 0 || r == -ENOENT);
	diag_done(&problems);
	diag_done(&a->problems);
}

uint32_t agent_id(struct agent *a, const char *service)
{
	_cleanup_(table_done) struct table have = { 0 };
	const struct table_service *found;

	require(dataplane_read(a->dataplane, &have) == 0);
	found = table_find(&have, service);
	return found ? found->id : 0;
}

struct shunt_counters agent_counters(struct agent *a, const char *service)
{
	struct shunt_counters counters = { 0 };

	dataplane_counters(a->dataplane, agent_id(a, service), &counters);
	return counters;
}
