/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/usage.h"

#include "agent/internal.h"
#include "kernel/usage.h"

/* Counters that are read in one look, a cache line each: a millisecond at most. */
#define LOOK_CELLS_MAX 65536
#define CHUNK 256

enum pace_rank usage_of(struct watch *w)
{
	struct agent *agent = w->agent;
	uint32_t id = watch_service_id(w);
	enum pace_rank rank = PACE_IN_USE;

	/* without memory for the row nobody would notice */
	if (w->config->watch != CONFIG_WATCH_ALWAYS && demand_follow(&agent->usage.demand, id) == 0)
		rank = demand_of(&agent->usage.demand, id, w->started_ms, uv_now(&agent->loop));
	w->use = rank;
	return rank;
}

static void wake(struct agent *agent)
{
	for (size_t i = 0; i < agent->n_watches; i++) {
		struct watch *w = agent->watches[i];

		if (w->use != PACE_IN_USE && usage_of(w) == PACE_IN_USE)
			watch_wake(w);
	}
}

/* In the order of memory: that of a CPU's counters for many services costs little more than that
 * for one. */
void usage_look(struct agent *agent)
{
	struct usage *u = &agent->usage;
	size_t left = LOOK_CELLS_MAX / dataplane_cpus(agent->dataplane);
	uint64_t connects[CHUNK];
	bool woken = false;

	left = MIN(left, u->demand.n);
	while (left > 0) {
		size_t n = MIN(MIN(left, u->demand.n - u->next), (size_t)CHUNK);

		dataplane_connects(agent->dataplane, (uint32_t)u->next, n, connects);
		woken |= demand_count(&u->demand, u->next, n, connects, uv_now(&agent->loop));
		u->next = (u->next + n) % u->demand.n;
		left -= n;
	}
	if (woken)
		wake(agent);
}

const char *usage_name(enum pace_rank rank)
{
	static const char *const names[] = {
		[PACE_IN_USE] = "in use",
		[PACE_ASSUMED] = "assumed",
		[PACE_IDLE] = "idle",
	};

	return names[rank];
}
