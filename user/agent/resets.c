/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/resets.h"

#include <errno.h>

#include "agent/reset_rules.h"
#include "core/reset_schedule.h"
#include "helper/helper.h"
#include "kernel/resetter.h"

#define RETRY_MS 1000

struct resets {
	struct agent *agent;
	struct reset_schedule schedule;
	struct resetter *resetter; /* NULL: nobody asks for it, or this kernel has no means */
	bool unable;		   /* it has been tried, and said */
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
	uint64_t now_ms = uv_now(&resets->agent->loop),
		 due_ms = reset_schedule_next_ms(&resets->schedule);

	if (due_ms == RESET_SCHEDULE_NEVER || resets->agent->stopping)
		(void)uv_timer_stop(&resets->timer);
	else
		(void)uv_timer_start(&resets->timer, on_due, due_ms > now_ms ? due_ms - now_ms : 0,
				     0);
}

static void spare(struct resets *resets, uint32_t service_id, struct addr_port backend)
{
	if (!reset_schedule_find(&resets->schedule, service_id, &backend))
		return;
	reset_schedule_remove(&resets->schedule, service_id, &backend);
	(void)reset_rows_delete(resets->agent->dataplane, service_id, &backend);
}

static void plan_reset(struct resets *resets, const struct shunt_backend *info,
		       enum shunt_reset_reason reason, const struct config_resets *rule)
{
	struct reset_due due = {
		.service_id = info->service_id,
		.backend = plan_backend_at(info),
		.born = info->born,
		.reason = reason,
		.due_ms = uv_now(&resets->agent->loop) + rule->after_ms,
	};
	int r = reset_schedule_add(&resets->schedule, &due);

	if (r == 0) /* as it stands there now: the earlier of two counts */
		r = reset_rows_put(resets->agent->dataplane,
				   reset_schedule_find(&resets->schedule, due.service_id,
						       &due.backend));
	if (r < 0) {
		reset_schedule_remove(&resets->schedule, due.service_id, &due.backend);
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
	const struct reset_due *due = reset_schedule_find(&resets->schedule, info->service_id,
							  &backend);

	if (due && (due->reason == RESET_REMOVED ? !old : !is_sick(info->state)))
		spare(resets, info->service_id, backend);
	/* one that comes back sick may have connections of before */
	if (rule && is_sick(info->state) && !(old && is_sick(old->state)))
		plan_reset(resets, info, RESET_UNHEALTHY, rule);
}

static void follow_delete(struct resets *resets, const struct shunt_backend *old)
{
	const struct config_resets *rule = reset_rule(resets->agent, old->service_id,
						      RESET_REMOVED);

	if (rule)
		plan_reset(resets, old, RESET_REMOVED, rule);
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
	for (size_t i = resets->schedule.n; i-- > 0;) {
		const struct reset_due due = resets->schedule.list[i];

		if (!resets->resetter || !reset_rule(resets->agent, due.service_id, due.reason))
			spare(resets, due.service_id, due.backend);
	}
}

void resets_follow(struct agent *agent, const struct plan *plan)
{
	struct resets *resets = agent->resets;

	if (!resets->resetter)
		return;
	prune(resets);
	for (size_t i = 0; i < plan->ops.n; i++)
		follow_one(resets, &plan->ops.list[i]);
	rearm(resets);
}

/* --- walks ------------------------------------------------------------------------------------ */

static int destroy_in(void *user, const int *fds, size_t n)
{
	return resetter_walk(user, fds, n);
}

static void walk_work(uv_work_t *work)
{
	struct resets *resets = work->data;
	int links[RESETTER_LINKS];
	size_t n = resetter_links(resets->resetter, links);

	resets->walked = (struct helper_walked){ 0 };
	resets->result = resetter_begin(resets->resetter);
	if (resets->result > 0)
		resets->result = helper_walk(resets->agent->options->helper,
					     n > 0 ? HELPER_ITERATE : HELPER_SOCK_DIAG, links, n,
					     destroy_in, resets->resetter, &resets->walked);
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
	_cleanup_(reset_schedule_done) struct reset_schedule finished = { 0 };

	if (reset_schedule_walked(&resets->schedule, resets->began_ms, &finished) < 0)
		return; /* once more, then */
	for (size_t i = 0; i < finished.n; i++)
		(void)reset_rows_delete(resets->agent->dataplane, finished.list[i].service_id,
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

	resets->unable = resetter_open(resets->agent->dataplane, &resets->resetter, &missing) < 0;
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

	if (asked && !resets->resetter && !resets->unable)
		load(resets);
	else if (!asked && !resets->walking)
		resetter_free(TAKE_PTR(resets->resetter));
	if (!resets->resetter) /* a predecessor's, then */
		prune(resets);
	rearm(resets);
}

static bool is_in_force(const struct planner *p, const struct reset_due *due)
{
	struct plan_member m;

	for (size_t i = 0; planner_backend(p, due->service_id, i, &m); i++) {
		if (addr_port_compare(&m.at, &due->backend) == 0)
			return due->reason == RESET_REMOVED || !is_sick(m.state);
	}
	return false;
}

/* Those of backends that are in force as if nothing had been: it died before it took them away. */
static void spare_those_in_force(struct resets *resets)
{
	for (size_t i = resets->schedule.n; i-- > 0;) {
		const struct reset_due due = resets->schedule.list[i];

		if (is_in_force(resets->agent->planner, &due))
			spare(resets, due.service_id, due.backend);
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
	r = reset_rows_read(agent->dataplane, &resets->schedule);
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
	resetter_free(resets->resetter);
	reset_schedule_done(&resets->schedule);
	free(resets);
}
