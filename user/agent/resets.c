/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/resets.h"

#include <errno.h>

#include "agent/reset_rules.h"
#include "core/dooms.h"
#include "helper/helper.h"
#include "kernel/terminate.h"

#define RETRY_MS 1000

struct resets {
	struct agent *agent;
	struct dooms dooms;
	struct terminator *terminator; /* NULL: nobody asks for it, or this kernel has no means */
	bool unable;		       /* it has been tried, and said */
	uv_timer_t timer;
	uv_work_t walk;
	bool walking;
	uint64_t began_ms; /* the walk */
	int result;
	struct helper_walked walked;
	struct log_repeat failures;
};

/* --- the schedule ----------------------------------------------------------------------------- */

static void start_walk(struct resets *resets);

static void on_due(uv_timer_t *timer)
{
	start_walk(timer->data);
}

static void rearm(struct resets *resets)
{
	uint64_t now_ms = uv_now(&resets->agent->loop), due_ms = dooms_next_ms(&resets->dooms);

	if (due_ms == DOOMS_NEVER || resets->agent->stopping)
		(void)uv_timer_stop(&resets->timer);
	else
		(void)uv_timer_start(&resets->timer, on_due, due_ms > now_ms ? due_ms - now_ms : 0,
				     0);
}

static void spare(struct resets *resets, uint32_t service_id, struct addr_port backend)
{
	if (!dooms_find(&resets->dooms, service_id, &backend))
		return;
	dooms_remove(&resets->dooms, service_id, &backend);
	(void)doomed_delete(resets->agent->dataplane, service_id, &backend);
}

static void condemn(struct resets *resets, const struct shunt_backend *info,
		    enum shunt_reset reason, const struct config_resets *rule)
{
	struct doom doom = {
		.service_id = info->service_id,
		.backend = plan_backend_at(info),
		.born = info->born,
		.reason = reason,
		.due_ms = uv_now(&resets->agent->loop) + rule->after_ms,
	};
	int r = dooms_add(&resets->dooms, &doom);

	if (r == 0) /* as it stands there now: the earlier of two counts */
		r = doomed_put(resets->agent->dataplane,
			       dooms_find(&resets->dooms, doom.service_id, &doom.backend));
	if (r < 0) {
		dooms_remove(&resets->dooms, doom.service_id, &doom.backend);
		log_warn("A backend could not be noted, its connections stay",
			 "service=%.*s error='%s'", (int)sizeof(info->service), info->service,
			 strerror(-r));
	}
}

/* --- what a plan changes ---------------------------------------------------------------------- */

static bool is_sick(enum shunt_state state)
{
	return state == STATE_UNHEALTHY || state == STATE_EJECTED;
}

static void follow_put(struct resets *resets, const struct shunt_backend *old,
		       const struct shunt_backend *info)
{
	const struct config_resets *rule = reset_rule(resets->agent, info->service_id,
						      RESET_UNHEALTHY);
	struct addr_port backend = plan_backend_at(info);
	const struct doom *doom = dooms_find(&resets->dooms, info->service_id, &backend);

	if (doom && (doom->reason == RESET_REMOVED ? !old : !is_sick(info->state)))
		spare(resets, info->service_id, backend);
	/* one that comes back sick may have connections of before */
	if (rule && is_sick(info->state) && !(old && is_sick(old->state)))
		condemn(resets, info, RESET_UNHEALTHY, rule);
}

static void follow_delete(struct resets *resets, const struct shunt_backend *old)
{
	const struct config_resets *rule = reset_rule(resets->agent, old->service_id,
						      RESET_REMOVED);

	if (rule)
		condemn(resets, old, RESET_REMOVED, rule);
}

static void follow_one(struct resets *resets, const struct plan_op *op)
{
	struct shunt_backend old;
	bool had;

	if (op->kind != PLAN_BACKEND_PUT && op->kind != PLAN_BACKEND_DELETE)
		return;
	had = dataplane_read_backend(resets->agent->dataplane, op->index, &old) == 0;
	if (op->kind == PLAN_BACKEND_PUT)
		follow_put(resets, had ? &old : NULL, op->backend);
	else if (had)
		follow_delete(resets, &old);
}

/* What nobody asks for any more, or of a service that is gone. */
static void prune(struct resets *resets)
{
	for (size_t i = resets->dooms.n; i-- > 0;) {
		const struct doom doom = resets->dooms.list[i];

		if (!resets->terminator || !reset_rule(resets->agent, doom.service_id, doom.reason))
			spare(resets, doom.service_id, doom.backend);
	}
}

void resets_follow(struct agent *agent, const struct plan *plan)
{
	struct resets *resets = agent->resets;

	if (!resets->terminator)
		return;
	prune(resets);
	for (size_t i = 0; i < plan->ops.n; i++)
		follow_one(resets, &plan->ops.list[i]);
	rearm(resets);
}

/* --- walks ------------------------------------------------------------------------------------ */

static int destroy_in(void *user, const int *fds, size_t n)
{
	return terminator_destroy(user, fds, n);
}

static void walk_work(uv_work_t *work)
{
	struct resets *resets = work->data;
	int links[TERMINATOR_LINKS];
	size_t n = terminator_links(resets->terminator, links);

	resets->walked = (struct helper_walked){ 0 };
	resets->result = terminator_begin(resets->terminator);
	if (resets->result > 0)
		resets->result = helper_walk(resets->agent->options->helper,
					     n > 0 ? HELPER_ITERATE : HELPER_SOCK_DIAG, links, n,
					     destroy_in, resets->terminator, &resets->walked);
	if (resets->result == 0)
		resets->result = resets->walked.error;
}

/* A walk that failed is not made again: its second is to come, or was it. */
static void log_walk(struct resets *resets)
{
	if (resets->result < 0) {
		if (log_repeat_failed(&resets->failures, uv_now(&resets->agent->loop)))
			log_warn("Not all connections to backends that are gone could be reset",
				 "namespaces=%zu failed=%zu error='%s'", resets->walked.entered,
				 resets->walked.failed, strerror(-resets->result));
	} else if (log_repeat_recovered(&resets->failures) > 0) {
		log_info("Connections are reset again", "namespaces=%zu", resets->walked.entered);
	}
}

static void finish(struct resets *resets)
{
	_cleanup_(dooms_done) struct dooms finished = { 0 };

	if (dooms_walked(&resets->dooms, resets->began_ms, &finished) < 0)
		return; /* once more, then */
	for (size_t i = 0; i < finished.n; i++)
		(void)doomed_delete(resets->agent->dataplane, finished.list[i].service_id,
				    &finished.list[i].backend);
}

static void walk_done(uv_work_t *work, int status)
{
	struct resets *resets = work->data;

	resets->walking = false;
	if (resets->agent->stopping)
		return;
	if (status < 0)
		resets->result = status;
	log_walk(resets);
	finish(resets);
	resets_configure(resets->agent); /* it may have had to wait for us */
}

/* Not while the maps may be half of one plan: a backend may still be picked that is to go. */
static void start_walk(struct resets *resets)
{
	if (resets->walking || resets->agent->stopping)
		return;
	if (resets->agent->broken) {
		(void)uv_timer_start(&resets->timer, on_due, RETRY_MS, 0);
		return;
	}
	resets->walking = true;
	resets->began_ms = uv_now(&resets->agent->loop);
	resets->walk.data = resets;
	(void)uv_queue_work(&resets->agent->loop, &resets->walk, walk_work, walk_done);
}

/* --- its life --------------------------------------------------------------------------------- */

static bool is_asked_for(const struct agent *agent)
{
	for (size_t i = 0; i < agent->n_watches; i++) {
		if (reset_is_asked_for(agent->watches[i]->config))
			return true;
	}
	return false;
}

static void load(struct resets *resets)
{
	_cleanup_(diag_done) struct diag missing = { 0 };

	resets->unable = terminator_open(resets->agent->dataplane, &resets->terminator, &missing) <
			 0;
	if (!resets->unable)
		helper_check(resets->agent->options->helper, &missing);
	for (size_t i = 0; i < missing.n; i++)
		log_warn("Not all connections to backends that are gone can be reset", "what='%s'",
			 missing.lines[i]);
}

void resets_configure(struct agent *agent)
{
	struct resets *resets = agent->resets;
	bool asked = is_asked_for(agent);

	if (asked && !resets->terminator && !resets->unable)
		load(resets);
	else if (!asked && !resets->walking)
		terminator_free(TAKE_PTR(resets->terminator));
	if (!resets->terminator) /* a predecessor's, then */
		prune(resets);
	rearm(resets);
}

static bool is_in_force(const struct planner *p, const struct doom *doom)
{
	struct plan_member m;

	for (size_t i = 0; planner_backend(p, doom->service_id, i, &m); i++) {
		if (addr_port_compare(&m.at, &doom->backend) == 0)
			return doom->reason == RESET_REMOVED || !is_sick(m.state);
	}
	return false;
}

/* Those of backends that are in force as if nothing had been: it died before it took them away. */
static void spare_those_in_force(struct resets *resets)
{
	for (size_t i = resets->dooms.n; i-- > 0;) {
		const struct doom doom = resets->dooms.list[i];

		if (is_in_force(resets->agent->planner, &doom))
			spare(resets, doom.service_id, doom.backend);
	}
}

int resets_open(struct agent *agent)
{
	struct resets *resets = calloc(1, sizeof(*resets));
	int r;

	if (!resets)
		return -ENOMEM;
	resets->agent = agent;
	agent->resets = resets;
	(void)uv_timer_init(&agent->loop, &resets->timer);
	resets->timer.data = resets;
	r = doomed_read(agent->dataplane, &resets->dooms);
	if (r == 0)
		spare_those_in_force(resets);
	return r;
}

void resets_close(struct agent *agent)
{
	if (agent->resets)
		uv_close((uv_handle_t *)&agent->resets->timer, NULL);
}

void resets_free(struct resets *resets)
{
	if (!resets)
		return;
	terminator_free(resets->terminator);
	dooms_done(&resets->dooms);
	free(resets);
}
