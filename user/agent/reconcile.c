/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted, into the kernel: a burst of news is one plan, made in the next turn of the loop.
 * After a plan that freed anything a grace period is waited for in the thread pool; after a write
 * that failed the maps are read again and planned anew (they are the truth).
 */
#include "agent/resets.h"

#include <errno.h>
#include <malloc.h>
#include <time.h>

#include "agent/exclude.h"
#include "core/rules.h"

#define RETRY_MS 1000
#define RAMP_MS 1000

/* Keeps the number of watches of which something is so. */
static void count(size_t *number, bool *was, bool is)
{
	*number += (size_t)is - (size_t)*was;
	*was = is;
}

static void count_nothing(struct watch *w)
{
	count(&w->agent->with_events, &w->has_events, false);
	count(&w->agent->ramping, &w->is_ramping, false);
}

static int want_service(struct table *want, struct watch *w)
{
	struct table_service *s = table_add(want);
	int r;

	if (!s)
		return -ENOMEM;
	(void)util_copy(s->name, sizeof(s->name), w->config->name);
	s->vip = w->vip;
	s->protocol = w->config->protocol;
	s->on_empty = w->config->on_empty;
	s->balance = w->config->balance;
	rules_fill(s, w->config, w->agent->config->metrics_per_backend);
	if (w->config->zone.prefer)
		(void)util_copy(s->zone, sizeof(s->zone), w->config->zone.prefer);
	count(&w->agent->with_events, &w->has_events, s->head_flags & SHUNT_HEAD_EVENTS);
	r = want_backends(w, s);
	count(&w->agent->ramping, &w->is_ramping, watch_ramping(w) > 0);
	return r;
}

static int want_build(const struct agent *agent, const struct agenda *due, struct table *ret)
{
	struct watch *const *list = due->all ? agent->watches : due->list;
	size_t n = due->all ? agent->n_watches : due->n;
	int r = 0;

	/* first what stays, then what is freed after the plan: or the one kept the other's pages */
	for (size_t i = 0; i < n && r == 0; i++)
		r = voices_hear(list[i]);
	for (size_t i = 0; i < n && r == 0; i++) {
		list[i]->refused = 0;
		if (list[i]->has_vip)
			r = want_service(ret, list[i]);
		else
			count_nothing(list[i]);
	}
	table_sort(ret);
	return r;
}

/* A plan that is put off is made again, whoever else there is news of then. */
static void keep_due(struct agent *agent, const struct agenda *due, const struct plan *plan)
{
	if (plan->deferred && due->all)
		agenda_add_all(&agent->agenda);
	for (size_t i = 0; plan->deferred && i < due->n; i++)
		agenda_add(&agent->agenda, due->list[i]);
	for (size_t i = 0; plan->deferred && i < due->n_gone; i++)
		agenda_add_gone(&agent->agenda, due->gone[i]);
}

/* I7: reaching a limit is visible, what already works goes on, and each plan tries again. */
static void note_refusals(struct agent *agent, const struct plan *plan)
{
	for (size_t i = 0; i < plan->refused.n; i++) {
		struct watch *w = agent_find_watch(agent, plan->refused.list[i].name);

		if (!w)
			continue;
		agenda_add(&agent->agenda, w);
		w->refused = plan->refused.list[i].error;
		log_warn("No room in the maps, keeping what the service had",
			 "service=%s error='%s'", w->config->name, strerror(-w->refused));
	}
}

static void start_grace(struct agent *agent);

static void on_retry(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	if (agent->grace_running)
		(void)uv_timer_start(timer, on_retry, RETRY_MS, 0);
	else
		start_grace(agent);
}

/* The maps may hold anything between the old and the new: wait, read them, and plan from there. */
static void set_broken(struct agent *agent, const char *what, int error)
{
	agent->broken = true;
	if (log_repeat_failed(&agent->write_failures, uv_now(&agent->loop)))
		log_error("The maps could not be brought up to date, trying again in a second",
			  "step=%s error='%s'", what, strerror(-error));
	(void)uv_timer_start(&agent->retry_timer, on_retry, RETRY_MS, 0);
}

static bool is_wanted(const struct agent *agent, const char *name)
{
	const struct watch *w = watch_find(agent->watches, agent->n_watches, name);

	return w && w->has_vip;
}

static int make(struct agent *agent, const struct agenda *due, const struct table *want,
		struct plan *plan)
{
	_cleanup_free_ const char **names = calloc(MAX(due->n_gone, 1U), sizeof(*names));
	struct plan_gone gone = { .names = names };

	if (due->all)
		return planner_make(agent->planner, want, plan);
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < due->n_gone; i++) {
		if (!is_wanted(agent, due->gone[i])) /* else it has come back since */
			names[gone.n++] = due->gone[i];
	}
	return planner_amend(agent->planner, want, &gone, plan);
}

static int make_and_apply(struct agent *agent, const char **ret_step)
{
	_cleanup_(agenda_done) struct agenda due = agenda_take(&agent->agenda);
	_cleanup_(table_done) struct table want = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	int r = want_build(agent, &due, &want);

	*ret_step = "plan";
	if (r == 0)
		r = exclude_before_plan(agent);
	if (r == 0)
		events_want(agent, &want);
	if (r == 0)
		r = make(agent, &due, &want, &plan);
	if (r < 0)
		return r;
	*ret_step = "write";
	resets_follow(agent, &plan);
	r = exclude_before_writes(agent, &plan);
	if (r == 0)
		r = dataplane_apply(agent->dataplane, &plan);
	if (r == 0)
		r = exclude_after_writes(agent);
	if (r < 0)
		return r;
	agent->deferred = plan.deferred;
	keep_due(agent, &due, &plan);
	note_refusals(agent, &plan);
	return 0;
}

static void on_ramp(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	for (size_t i = 0; i < agent->n_watches; i++) {
		if (agent->watches[i]->is_ramping)
			reconcile_service(agent->watches[i]);
	}
}

/* Shares that grow with time alone are looked at again every second. */
static void ramp_on(struct agent *agent)
{
	bool is_on = uv_is_active((const uv_handle_t *)&agent->ramp_timer);

	if (agent->ramping > 0 && !is_on && !agent->stopping)
		(void)uv_timer_start(&agent->ramp_timer, on_ramp, RAMP_MS, 0);
}

static void reconcile(struct agent *agent)
{
	bool is_all = agent->agenda.all;
	const char *step;
	int r;

	if (agent->broken)
		return; /* the retry will see to it */
	r = make_and_apply(agent, &step);
	if (is_all) /* what only a start or a reload needs, the configuration's text and all */
		(void)malloc_trim(0);
	if (r < 0) {
		set_broken(agent, step, r);
		return;
	}
	if (log_repeat_recovered(&agent->write_failures) > 0)
		log_info("The maps are up to date again", "services=%zu", agent->n_watches);
	if (planner_wants_grace(agent->planner))
		start_grace(agent);
	ejections_look(agent);
	ramp_on(agent);
	agent_announce(agent);
}

int reconcile_recover(struct agent *agent)
{
	_cleanup_(plan_state_done) struct plan_state have = { 0 };
	struct plan_memory memory = dataplane_memory(agent->dataplane);
	struct planner *planner = NULL;
	struct plan_limits limits;
	int r = dataplane_read_state(agent->dataplane, &have);

	dataplane_limits(agent->dataplane, &limits);
	limits.generation = (uint32_t)time(NULL);
	if (r == 0)
		r = planner_new(&limits, &memory, &have, &planner);
	if (r < 0)
		return r;
	planner_free(agent->planner);
	agent->planner = planner;
	exclude_distrust(agent);
	agenda_add_all(&agent->agenda);
	agent->broken = false;
	agent->deferred = false;
	return 0;
}

static void grace_work(uv_work_t *work)
{
	struct agent *agent = work->data;

	agent->grace_result = dataplane_wait_grace(agent->dataplane);
}

static void grace_done(uv_work_t *work, int status)
{
	struct agent *agent = work->data;
	int r = status < 0 ? status : agent->grace_result;

	agent->grace_running = false;
	if (agent->stopping)
		return;
	/* one that began before the failed write proves nothing: the retry starts another */
	if (agent->broken && !agent->grace_recovers)
		return;
	if (r == 0 && agent->broken)
		r = reconcile_recover(agent);
	else if (r == 0)
		planner_grace_end(agent->planner);
	if (r < 0) {
		set_broken(agent, "grace period", r);
		return;
	}
	if (agent->deferred || planner_wants_grace(agent->planner) ||
	    agent->write_failures.failures > 0)
		reconcile_schedule(agent);
}

static void start_grace(struct agent *agent)
{
	if (agent->grace_running)
		return;
	if (!agent->broken)
		planner_grace_begin(agent->planner);
	agent->grace_recovers = agent->broken;
	agent->grace_running = true;
	agent->grace.data = agent;
	(void)uv_queue_work(&agent->loop, &agent->grace, grace_work, grace_done);
}

static void on_idle(uv_idle_t *idle)
{
	(void)uv_idle_stop(idle);
	reconcile(idle->data);
}

void reconcile_schedule(struct agent *agent)
{
	if (!agent->stopping)
		(void)uv_idle_start(&agent->reconcile_idle, on_idle);
}

void reconcile_service(struct watch *w)
{
	agenda_add(&w->agent->agenda, w);
	reconcile_schedule(w->agent);
}

void reconcile_all(struct agent *agent)
{
	agenda_add_all(&agent->agenda);
	reconcile_schedule(agent);
}

void reconcile_now(struct agent *agent)
{
	(void)uv_idle_stop(&agent->reconcile_idle);
	reconcile(agent);
}

void reconcile_open(struct agent *agent)
{
	(void)uv_idle_init(&agent->loop, &agent->reconcile_idle);
	(void)uv_timer_init(&agent->loop, &agent->retry_timer);
	agent->reconcile_idle.data = agent;
	agent->retry_timer.data = agent;
	(void)uv_timer_init(&agent->loop, &agent->ramp_timer);
	agent->ramp_timer.data = agent;
}

bool reconcile_is_pending(const struct agent *agent)
{
	return uv_is_active((const uv_handle_t *)&agent->reconcile_idle);
}

void reconcile_close(struct agent *agent)
{
	uv_close((uv_handle_t *)&agent->reconcile_idle, NULL);
	uv_close((uv_handle_t *)&agent->retry_timer, NULL);
	uv_close((uv_handle_t *)&agent->ramp_timer, NULL);
}
