/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of the sources of a service: of its only one, or part by part. */
#include "agent/status.h"

static void add_target(const struct config_service *service, cJSON *to)
{
	_cleanup_free_ char *target = NULL;
	int r = -1;

	switch (service->source) {
	case CONFIG_SOURCE_CLOUDMAP:
		if (service->cloudmap.service) /* else it is not known yet which it is */
			r = asprintf(&target, "%s/%s", service->cloudmap.namespace,
				     service->cloudmap.service);
		break;
	case CONFIG_SOURCE_DNS:
		r = asprintf(&target, "%s %s", config_dns_type_name(service->dns.type),
			     service->dns.name);
		break;
	case CONFIG_SOURCE_STATIC:
		r = asprintf(&target, "%s", service->fixed.file ? service->fixed.file : "list");
		break;
	case CONFIG_SOURCE_SPLIT:
		break;
	}
	if (r < 0)
		target = NULL;
	status_add_text(to, "source", config_source_name(service->source));
	status_add_text(to, "target", target);
}

static const char *told(const char *text)
{
	return text ? text : "";
}

static void add_failure(const struct model *m, uint64_t now_ms, cJSON *to)
{
	cJSON *error;

	if (m->failure.count == 0) {
		(void)cJSON_AddNullToObject(to, "error");
		return;
	}
	error = cJSON_AddObjectToObject(to, "error");
	status_add_text(error, "code", told(m->failure.code));
	status_add_text(error, "message", told(m->failure.message));
	(void)cJSON_AddNumberToObject(error, "count", m->failure.count);
	(void)cJSON_AddNumberToObject(error, "age_s", status_seconds(now_ms - m->failure.at_ms));
}

static void add_shrink(const struct part *p, uint64_t now_ms, cJSON *to)
{
	const struct model *m = &p->model;
	cJSON *shrink;

	if (!m->shrink.held) {
		(void)cJSON_AddNullToObject(to, "shrink");
		return;
	}
	shrink = cJSON_AddObjectToObject(to, "shrink");
	(void)cJSON_AddNumberToObject(shrink, "answered", (double)m->shrink.answered);
	(void)cJSON_AddNumberToObject(shrink, "in_force", (double)m->in_force.n);
	(void)cJSON_AddNumberToObject(shrink, "for_s", status_seconds(now_ms - m->shrink.since_ms));
	(void)cJSON_AddNumberToObject(shrink, "confirm_s",
				      status_seconds(p->config.shrink_confirm_ms));
}

/* Instances about which something is wrong; null when there are none. */
static void add_faulty(const char *key, unsigned int count, const char *why, cJSON *to)
{
	cJSON *faulty;

	if (count == 0) {
		(void)cJSON_AddNullToObject(to, key);
		return;
	}
	faulty = cJSON_AddObjectToObject(to, key);
	(void)cJSON_AddNumberToObject(faulty, "count", count);
	status_add_text(faulty, "why", why);
}

/* What is kept though the last word was another, and why: "3 backends of 40 s ago: Throttling". */
static int format_keeping(const struct model *m, uint64_t now_ms, char **ret)
{
	char what[MODEL_TEXT_MAX];

	if (m->stood_in) /* of whom the note tells */
		return -1;
	model_describe(m, now_ms, what);
	if (m->failure.count > 0)
		return asprintf(ret, "%s: %s", what, told(m->failure.code));
	if (m->shrink.held)
		return asprintf(ret, "%zu backends: the answer had %zu", m->in_force.n,
				m->shrink.answered);
	if (m->from != MODEL_FROM_SOURCE)
		return asprintf(ret, "%s: no answer yet", what);
	return -1;
}

static void add_keeping(const struct model *m, uint64_t now_ms, cJSON *to)
{
	_cleanup_free_ char *text = NULL;

	if (format_keeping(m, now_ms, &text) < 0)
		text = NULL;
	status_add_text(to, "keeping", text);
}

static void add_answered(const struct model *m, uint64_t now_ms, cJSON *to)
{
	if (m->answered_s != 0) {
		(void)cJSON_AddNumberToObject(to, "last_success_s", (double)m->answered_s);
		(void)cJSON_AddNumberToObject(to, "age_s", status_seconds(now_ms - m->answered_ms));
	} else {
		(void)cJSON_AddNullToObject(to, "last_success_s");
		(void)cJSON_AddNullToObject(to, "age_s");
	}
}

static void add_next(const struct source *source, uint64_t now_ms, cJSON *to)
{
	uint64_t next_ms = source ? source_next_ms(source) : 0;

	if (next_ms > 0 && next_ms != SOURCE_NEVER)
		(void)cJSON_AddNumberToObject(to, "next_s",
					      next_ms > now_ms ? status_seconds(next_ms - now_ms)
							       : 0);
	else
		(void)cJSON_AddNullToObject(to, "next_s");
}

static void add_source(const struct part *p, uint64_t now_ms, cJSON *to)
{
	const struct model *m = &p->model;

	add_target(&p->config, to);
	add_answered(m, now_ms, to);
	add_next(p->source, now_ms, to);
	add_keeping(m, now_ms, to);
	add_shrink(p, now_ms, to);
	add_failure(m, now_ms, to);
	add_faulty("rejected", m->rejected, m->rejected_why, to);
	add_faulty("misweighted", m->misweighted, m->misweighted_why, to);
	status_add_text(to, "note", m->note);
}

static cJSON *part_build(const struct part *p, uint64_t now_ms)
{
	cJSON *to = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(to, "weight", p->weight);
	(void)cJSON_AddNumberToObject(to, "backends", (double)p->model.in_force.n);
	add_source(p, now_ms, to);
	return to;
}

/* The members of a source are those of the parts; the service has the age of the oldest answer. */
static void add_split(const struct watch *w, uint64_t now_ms, cJSON *to)
{
	static const char *const of_parts[] = { "next_s",   "keeping",	   "shrink", "error",
						"rejected", "misweighted", "note" };
	cJSON *parts = cJSON_AddArrayToObject(to, "parts");
	const struct model *oldest = &w->parts.list[0]->model;

	for (size_t i = 0; i < w->parts.n; i++) {
		const struct part *p = w->parts.list[i];

		if (p->model.answered_s == 0 ||
		    now_ms - p->model.answered_ms > now_ms - oldest->answered_ms)
			oldest = &p->model;
		(void)cJSON_AddItemToArray(parts, part_build(p, now_ms));
	}
	add_target(w->config, to);
	add_answered(oldest, now_ms, to);
	for (size_t i = 0; i < ARRAY_SIZE(of_parts); i++)
		(void)cJSON_AddNullToObject(to, of_parts[i]);
}

void status_add_sources(const struct watch *w, uint64_t now_ms, cJSON *to)
{
	if (w->config->source == CONFIG_SOURCE_SPLIT) {
		add_split(w, now_ms, to);
		return;
	}
	add_source(w->parts.list[0], now_ms, to);
	(void)cJSON_AddNullToObject(to, "parts");
}
