/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/part.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"
#include "agent/keeper.h"

#define LOG_EACH_AT_START_MAX 50
#define PLACE_MAX 32

bool part_is_settled(const struct part *p)
{
	return !p->source || p->model.answered || p->model.failure.count > 0;
}

/* --- what its source says --------------------------------------------------------------------- */

/* " part=split[1]" for the log; nothing where the service is not split. */
static const char *place_format(const struct part *p, char text[static PLACE_MAX])
{
	text[0] = '\0';
	if (p->watch->config->source == CONFIG_SOURCE_SPLIT)
		(void)snprintf(text, PLACE_MAX, " part=split[%zu]", p->index);
	return text;
}

/* A start with thousands of services tells of them in one line, "Ready". */
static void log_change(const struct part *p, size_t before)
{
	const struct watch *w = p->watch;
	char vip[ADDR_PORT_TEXT_MAX], place[PLACE_MAX];

	if (!w->agent->announced && w->agent->n_watches > LOG_EACH_AT_START_MAX)
		return;
	log_info("Backends changed", "service=%s%s vip=%s backends=%zu before=%zu", w->config->name,
		 place_format(p, place), addr_port_format(&w->vip, vip), p->model.in_force.n,
		 before);
}

static void log_answer(struct part *p, bool was_held)
{
	uint32_t failures = log_repeat_recovered(&p->failures);
	const char *service = p->config.name;
	char place[PLACE_MAX];

	(void)place_format(p, place);
	if (failures > 0)
		log_info("Source answers again", "service=%s%s failures=%u", service, place,
			 failures);
	if (p->model.shrink.held && !was_held)
		log_warn(
			"Answer lacks most of what is in force, keeping it until that is confirmed",
			"service=%s%s answered=%zu in_force=%zu confirm_ms=%u", service, place,
			p->model.shrink.answered, p->model.in_force.n, p->config.shrink_confirm_ms);
}

/* What the configuration says itself needs no keeping. */
static bool is_kept(const struct part *p)
{
	return p->config.source != CONFIG_SOURCE_STATIC || p->config.fixed.file;
}

static void on_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct part *p = user;
	struct agent *agent = p->watch->agent;
	size_t before = p->model.in_force.n;
	bool was_held = p->model.shrink.held, changed = false, first = !p->model.answered;
	struct model_answer answer = {
		.endpoints = snapshot->endpoints,
		.rejected = snapshot->rejected,
		.rejected_why = snapshot->rejected_why,
		.misweighted = snapshot->misweighted,
		.misweighted_why = snapshot->misweighted_why,
		.note = snapshot->note,
		.adds_only = snapshot->adds_only,
		.again = snapshot->again,
		.stands_in = snapshot->stands_in,
		.never_held = p->config.source == CONFIG_SOURCE_STATIC,
		.confirm_ms = p->config.shrink_confirm_ms,
		.now_ms = uv_now(&agent->loop),
		.now_s = time(NULL),
	};
	int r = model_take_answer(&p->model, &answer, &changed);

	if (r < 0) {
		model_take_failure(&p->model, "no_memory", strerror(-r), answer.now_ms);
		return;
	}
	if (!snapshot->stands_in && !snapshot->again)
		log_answer(p, was_held);
	if (changed)
		log_change(p, before);
	if ((changed || first) && is_kept(p))
		keeper_changed(agent);
	if (changed || first)
		reconcile_service(p->watch);
	else if (!agent->announced)
		reconcile_schedule(agent);
}

static void on_failure(void *user, const struct source_failure *failure)
{
	struct part *p = user;
	struct agent *agent = p->watch->agent;
	uint64_t now_ms = uv_now(&agent->loop);
	_cleanup_free_ char *code = log_escape(failure->code);
	_cleanup_free_ char *message = log_escape(failure->message);
	char keeping[MODEL_TEXT_MAX], place[PLACE_MAX];

	model_take_failure(&p->model, failure->code, failure->message, now_ms);
	if (!agent->announced)
		reconcile_schedule(agent);
	if (!log_repeat_failed(&p->failures, now_ms))
		return;
	model_describe(&p->model, now_ms, keeping);
	log_warn("Source failed",
		 "service=%s%s source=%s code='%s' message='%s' failures=%u keeping='%s'",
		 p->config.name, place_format(p, place), config_source_name(p->config.source),
		 code ? code : "", message ? message : "", p->failures.failures, keeping);
}

static void on_note(void *user, const char *note)
{
	struct part *p = user;

	model_take_note(&p->model, note);
}

static void on_unchanged(void *user)
{
	struct part *p = user;

	model_take_same(&p->model, uv_now(&p->watch->agent->loop), time(NULL));
	log_answer(p, p->model.shrink.held);
}

static bool on_doubted(void *user)
{
	const struct part *p = user;

	return p->model.shrink.held;
}

static enum pace_rank on_use(void *user)
{
	const struct part *p = user;

	return usage_of(p->watch);
}

/* --- its life --------------------------------------------------------------------------------- */

int part_new(struct watch *w, const struct config_service *service, size_t index, struct part **ret)
{
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->watch = w;
	p->config = config_part_service(service, index);
	part_configure(p, service, index, true);
	*ret = p;
	return 0;
}

void part_free(struct part *p)
{
	if (!p)
		return;
	source_stop(p->source);
	model_done(&p->model);
	ramp_done(&p->ramp);
	free(p);
}

/* Rows that tell no part this service has are of an earlier configuration: the first takes them. */
static bool is_of_part(const struct part *p, const struct table_backend *b)
{
	uint8_t known = (uint8_t)((1U << config_count_parts(p->watch->config)) - 1);

	return (b->parts & known) ? b->parts >> p->index & 1 : p->index == 0;
}

static int seed_from_kernel(struct part *p, const struct table_service *left)
{
	_cleanup_(endpoints_done) struct endpoints endpoints = { 0 };
	int r = 0;

	for (size_t i = 0; i < left->n_backends && r == 0; i++) {
		struct endpoint e = left->backends[i].endpoint;

		if (!is_of_part(p, &left->backends[i]))
			continue;
		/* whoever said otherwise will say so again */
		e.state = e.state == STATE_UNHEALTHY ? STATE_UNHEALTHY : STATE_HEALTHY;
		r = endpoints_add(&endpoints, &e);
	}
	if (r < 0)
		return r;
	endpoints_normalise(&endpoints);
	model_seed(&p->model, &endpoints, MODEL_FROM_KERNEL);
	return 0;
}

/* The kernel's is what connections go to, so it counts; only the file knows how old it is. */
static void seed_from_file(struct part *p, struct known *known, bool age_only)
{
	struct agent *agent = p->watch->agent;
	_cleanup_free_ char *identity = config_identity(agent->config, &p->config);
	struct known_row *row = NULL;

	if (identity)
		row = known_find(known, p->config.name, identity);
	if (!row)
		return;
	if (!age_only)
		model_seed(&p->model, &row->endpoints, MODEL_FROM_FILE);
	model_seed_age(&p->model, row->answered_s, uv_now(&agent->loop), time(NULL));
	if (row->has_vip && !p->watch->has_vip) {
		p->watch->vip.addr = row->vip;
		p->watch->has_vip = true;
	}
}

int part_seed(struct part *p, const struct table_service *left, struct known *known)
{
	int r = left ? seed_from_kernel(p, left) : 0;

	if (r == 0 && known)
		seed_from_file(p, known, left != NULL);
	return r;
}

void part_configure(struct part *p, const struct config_service *service, size_t index,
		    bool same_servers)
{
	struct config_service config = config_part_service(service, index);

	if (!same_servers || !config_same_source(&p->config, &config)) {
		source_stop(TAKE_PTR(p->source));
		model_new_source(&p->model);
	}
	p->config = config;
	p->index = index;
	p->weight = config_part_weight(service, index);
}

/* Left of an earlier run, of a namespace that has not been listed yet. */
static bool is_unidentified(const struct part *p)
{
	return p->config.source == CONFIG_SOURCE_CLOUDMAP && !p->config.cloudmap.service;
}

void part_start(struct part *p)
{
	const struct source_sink sink = {
		.snapshot = on_snapshot,
		.failure = on_failure,
		.note = on_note,
		.unchanged = on_unchanged,
		.doubted = on_doubted,
		.use = on_use,
		.user = p,
	};
	struct agent *agent = p->watch->agent;
	int r;

	if (p->source || is_unidentified(p))
		return;
	if (p->config.source == CONFIG_SOURCE_CLOUDMAP && !agent->config->aws.region) {
		model_take_failure(&p->model, REGION_CODE, REGION_MESSAGE, uv_now(&agent->loop));
		return;
	}
	r = source_start(&agent->env, agent->config, &p->config, &sink, &p->source);
	if (r < 0) {
		p->source = NULL;
		model_take_failure(&p->model, "start", strerror(-r), uv_now(&agent->loop));
		log_error("Source could not be started", "service=%s error='%s'", p->config.name,
			  strerror(-r));
	}
}
