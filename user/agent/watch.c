/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/internal.h"

#include <errno.h>
#include <time.h>

/* Unused for so long, a service with "watch": "demand" is asked for more slowly. */
#define IDLE_AFTER_MS (10 * 60 * 1000)

#define LOG_EACH_AT_START_MAX 50

bool watch_is_settled(const struct watch *w)
{
	return !w->source || w->model.answered || w->model.failure.count > 0;
}

uint32_t watch_service_id(const struct watch *w)
{
	const struct plan_state *state = planner_state(w->agent->planner);
	size_t low = 0, high = state->services.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(state->services.list[middle].name, w->config->name);

		if (order == 0)
			return state->services.list[middle].info.id;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* --- what a source says ----------------------------------------------------------------------- */

/* A start with thousands of services tells of them in one line, "Ready". */
static void log_change(const struct watch *w, size_t before)
{
	char vip[ADDR_PORT_TEXT_MAX];

	if (!w->agent->announced && w->agent->n_watches > LOG_EACH_AT_START_MAX)
		return;
	log_info("Backends changed", "service=%s vip=%s backends=%zu before=%zu", w->config->name,
		 addr_port_format(&w->vip, vip), w->model.in_force.n, before);
}

static void log_answer(struct watch *w, bool was_held)
{
	uint32_t failures = log_repeat_recovered(&w->failures);

	if (failures > 0)
		log_info("Source answers again", "service=%s failures=%u", w->config->name,
			 failures);
	if (w->model.shrink.held && !was_held)
		log_warn(
			"Answer lacks most of what is in force, keeping it until that is confirmed",
			"service=%s answered=%zu in_force=%zu confirm_ms=%u", w->config->name,
			w->model.shrink.answered, w->model.in_force.n,
			w->config->shrink_confirm_ms);
}

static void on_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct watch *w = user;
	size_t before = w->model.in_force.n;
	bool was_held = w->model.shrink.held, changed = false;
	struct model_answer answer = {
		.endpoints = snapshot->endpoints,
		.rejected = snapshot->rejected,
		.rejected_why = snapshot->rejected_why,
		.misweighted = snapshot->misweighted,
		.misweighted_why = snapshot->misweighted_why,
		.never_held = w->config->source == CONFIG_SOURCE_STATIC,
		.confirm_ms = w->config->shrink_confirm_ms,
		.now_ms = uv_now(&w->agent->loop),
		.now_s = time(NULL),
	};
	int r = model_take_answer(&w->model, &answer, &changed);

	if (r < 0) {
		model_take_failure(&w->model, "no_memory", strerror(-r), answer.now_ms);
		return;
	}
	log_answer(w, was_held);
	if (changed)
		log_change(w, before);
	if (changed || !w->agent->announced)
		reconcile_schedule(w->agent);
}

static void on_failure(void *user, const struct source_failure *failure)
{
	struct watch *w = user;
	uint64_t now_ms = uv_now(&w->agent->loop);
	_cleanup_free_ char *code = log_escape(failure->code);
	_cleanup_free_ char *message = log_escape(failure->message);
	char keeping[64];

	model_take_failure(&w->model, failure->code, failure->message, now_ms);
	if (!w->agent->announced)
		reconcile_schedule(w->agent);
	if (!log_repeat_failed(&w->failures, now_ms))
		return;
	model_describe(&w->model, now_ms, keeping, sizeof(keeping));
	log_warn("Source failed",
		 "service=%s source=%s code='%s' message='%s' failures=%u keeping='%s'",
		 w->config->name, config_source_name(w->config->source), code ? code : "",
		 message ? message : "", w->failures.failures, keeping);
}

static bool on_in_use(void *user)
{
	struct watch *w = user;
	uint64_t now_ms = uv_now(&w->agent->loop);
	struct shunt_counters counters;
	uint64_t connects;

	if (w->config->watch == CONFIG_WATCH_ALWAYS)
		return true;
	dataplane_counters(w->agent->dataplane, watch_service_id(w), &counters);
	connects = counters.redirected + counters.no_backend;
	if (connects != w->connects) {
		w->connects = connects;
		w->used_ms = now_ms;
	}
	return now_ms - w->used_ms < IDLE_AFTER_MS;
}

/* --- its life --------------------------------------------------------------------------------- */

static int watch_seed(struct watch *w, const struct table_service *left)
{
	_cleanup_(endpoints_done) struct endpoints endpoints = { 0 };
	int r = 0;

	for (size_t i = 0; i < left->n_backends && r == 0; i++) {
		struct endpoint e = left->backends[i].endpoint;

		/* whoever said otherwise will say so again */
		e.state = e.state == STATE_UNHEALTHY ? STATE_UNHEALTHY : STATE_HEALTHY;
		r = endpoints_add(&endpoints, &e);
	}
	endpoints_normalise(&endpoints);
	return r < 0 ? r : model_seed(&w->model, &endpoints);
}

int watch_new(struct agent *agent, const struct config_service *config,
	      const struct table_service *left, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	w->agent = agent;
	w->config = config;
	w->used_ms = uv_now(&agent->loop); /* somebody starts it: that counts as use */
	if (left)
		r = watch_seed(w, left);
	if (r == 0)
		r = prober_follow(w, true);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	source_stop(w->source);
	prober_free(w->prober);
	model_done(&w->model);
	health_done(&w->health);
	ramp_done(&w->ramp);
	ejections_done(&w->ejections);
	free(w);
}

void watch_start(struct watch *w)
{
	const struct source_sink sink = {
		.snapshot = on_snapshot,
		.failure = on_failure,
		.in_use = on_in_use,
		.user = w,
	};
	int r;

	source_stop(TAKE_PTR(w->source));
	r = source_start(&w->agent->env, w->agent->config, w->config, &sink, &w->source);
	if (r < 0) {
		w->source = NULL;
		model_take_failure(&w->model, "start", strerror(-r), uv_now(&w->agent->loop));
		log_error("Source could not be started", "service=%s error='%s'", w->config->name,
			  strerror(-r));
	}
}

struct watch *agent_find_watch(const struct agent *agent, const char *name)
{
	const struct config_service *service = config_find_service(agent->config, name);

	for (size_t i = 0; service && i < agent->n_watches; i++) {
		if (agent->watches[i]->config == service)
			return agent->watches[i];
	}
	return NULL;
}
