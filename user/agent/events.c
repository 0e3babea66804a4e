/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether connections are watched while they are being established: only while a service asks,
 * because every TCP socket of the machine pays for it.
 */
#include "agent/internal.h"
#include "kernel/events.h"

#define LINGER_MS 1000 /* what was read before the plan has been acted upon */
#define RETRY_MS 10000 /* the program is loaded anew each time */

static void follow(struct agent *agent)
{
	bool was_unwatched = agent->unwatched.total > 0;
	uint64_t now_ms = uv_now(&agent->loop);
	uint32_t failures = 0;
	int r;

	if (now_ms < agent->events_retry_ms)
		return;
	diag_done(&agent->unwatched);
	r = dataplane_events(agent->dataplane, agent->events_wanted, &agent->unwatched);
	if (r == 0)
		failures = log_repeat_recovered(&agent->events_failures);
	if (failures > 0)
		log_info("connect_timeout, connect_timing and limits.pending are in force now",
			 "failures=%u", failures);
	if (was_unwatched != (agent->unwatched.total > 0))
		reconcile_all(agent); /* limits.pending counts, or does not any more */
	if (agent->unwatched.total == 0)
		return;
	agent->events_retry_ms = now_ms + RETRY_MS;
	if (log_repeat_failed(&agent->events_failures, now_ms))
		log_error("connect_timeout, connect_timing and limits.pending are not in force, "
			  "trying again in 10 seconds",
			  "reason='%s'", agent->unwatched.lines[0]);
}

void events_want(struct agent *agent, struct table *want)
{
	bool wanted = agent->with_events > 0;

	if (wanted != agent->events_wanted || agent->events_since_ms == 0) {
		agent->events_wanted = wanted;
		agent->events_since_ms = uv_now(&agent->loop);
		agent->events_retry_ms = 0;
	}
	if (wanted)
		follow(agent);
	/* nobody would tell when a connection is pending no more */
	for (size_t i = 0; i < want->n && agent->unwatched.total > 0; i++)
		want->services[i].rules.pending_max = 0;
}

void events_check(struct agent *agent)
{
	uint64_t since_ms = agent->events_since_ms;

	if (since_ms == 0 || agent->broken)
		return;
	if (agent->events_wanted || uv_now(&agent->loop) - since_ms >= LINGER_MS)
		follow(agent);
}
