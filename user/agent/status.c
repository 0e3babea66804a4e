/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to `status`: what each service has, from where, how old, and what is wrong. */
#include "agent/status.h"

#include "agent/exclude.h"

#include <time.h>

#include "base/utf8.h"
#include "core/balance.h"

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

void status_add_text(cJSON *to, const char *key, const char *text)
{
	_cleanup_free_ char *scrubbed = text ? strdup(text) : NULL;

	if (scrubbed) {
		utf8_scrub(scrubbed);
		(void)cJSON_AddStringToObject(to, key, scrubbed);
	} else {
		(void)cJSON_AddNullToObject(to, key);
	}
}

void status_add_age(cJSON *to, int64_t since_s)
{
	int64_t age_s = MAX(time(NULL) - since_s, (int64_t)0); /* clocks are set back */

	if (since_s > 0)
		(void)cJSON_AddNumberToObject(to, "age_s", (double)age_s);
	else
		(void)cJSON_AddNullToObject(to, "age_s");
}

static void add_config(const struct agent *agent, cJSON *status)
{
	cJSON *config = cJSON_AddObjectToObject(status, "config");

	status_add_text(config, "origin", agent->origin);
	status_add_text(config, "error", agent->config_error);
}

static void add_cgroup(const struct agent *agent, cJSON *status)
{
	cJSON *cgroup = cJSON_AddObjectToObject(status, "cgroup");
	uint64_t id;

	status_add_text(cgroup, "path", dataplane_cgroup(agent->dataplane, &id));
	(void)cJSON_AddNumberToObject(cgroup, "id", (double)id);
	(void)cJSON_AddBoolToObject(cgroup, "attached", agent->detached.total == 0);
	status_add_text(cgroup, "error", agent->detached.n > 0 ? agent->detached.lines[0] : NULL);
}

static void add_credentials(const struct agent *agent, cJSON *status)
{
	cJSON *credentials = cJSON_AddObjectToObject(status, "credentials");
	struct credentials_status now;
	char expires[sizeof("2026-11-21T00:00:00Z")];
	time_t expires_s;
	struct tm utc;

	credentials_status(agent->env.credentials, &now);
	expires_s = (time_t)now.expires_s;
	status_add_text(credentials, "provider", now.provider);
	(void)cJSON_AddBoolToObject(credentials, "available", now.available);
	if (now.expires_s > 0 && gmtime_r(&expires_s, &utc) &&
	    strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
		status_add_text(credentials, "expires_at", expires);
	else
		status_add_text(credentials, "expires_at", NULL);
	status_add_text(credentials, "error", now.error);
}

static void add_target(const struct config_service *service, cJSON *to)
{
	_cleanup_free_ char *target = NULL;
	int r = -1;

	switch (service->source) {
	case CONFIG_SOURCE_CLOUDMAP:
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
	}
	if (r < 0)
		target = NULL;
	status_add_text(to, "source", config_source_name(service->source));
	status_add_text(to, "target", target);
}

static void add_failure(const struct model *m, uint64_t now_ms, cJSON *to)
{
	cJSON *error;

	if (m->failure.count == 0) {
		(void)cJSON_AddNullToObject(to, "error");
		return;
	}
	error = cJSON_AddObjectToObject(to, "error");
	status_add_text(error, "code", m->failure.code);
	status_add_text(error, "message", m->failure.message);
	(void)cJSON_AddNumberToObject(error, "count", m->failure.count);
	(void)cJSON_AddNumberToObject(error, "age_s", seconds(now_ms - m->failure.at_ms));
}

static void add_shrink(const struct watch *w, uint64_t now_ms, cJSON *to)
{
	const struct model *m = &w->model;
	cJSON *shrink;

	if (!m->shrink.held) {
		(void)cJSON_AddNullToObject(to, "shrink");
		return;
	}
	shrink = cJSON_AddObjectToObject(to, "shrink");
	(void)cJSON_AddNumberToObject(shrink, "answered", (double)m->shrink.answered);
	(void)cJSON_AddNumberToObject(shrink, "in_force", (double)m->in_force.n);
	(void)cJSON_AddNumberToObject(shrink, "for_s", seconds(now_ms - m->shrink.since_ms));
	(void)cJSON_AddNumberToObject(shrink, "confirm_s", seconds(w->config->shrink_confirm_ms));
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
static void add_keeping(const struct model *m, uint64_t now_ms, cJSON *to)
{
	_cleanup_free_ char *text = NULL;
	char what[64];

	model_describe(m, now_ms, what, sizeof(what));
	if (m->failure.count > 0 && asprintf(&text, "%s: %s", what, m->failure.code) < 0)
		text = NULL;
	else if (m->shrink.held && asprintf(&text, "%zu backends: the answer had %zu",
					    m->in_force.n, m->shrink.answered) < 0)
		text = NULL;
	status_add_text(to, "keeping", text);
}

static void add_notes(const struct watch *w, cJSON *to)
{
	cJSON *notes = cJSON_AddArrayToObject(to, "notes");

	if (w->vip_moved)
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("another name hashes to the same VIP and had it "
						  "first: this one has the next free one"));
	if (!w->has_vip)
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("no VIP is left in vips.cidr: not reachable"));
	if (w->refused)
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("no room in the maps: it keeps what it had"));
}

/* What is preferred, and whether it is in force; null without a preference. */
static void add_zone(const struct watch *w, cJSON *to)
{
	const struct config_service *service = w->config;
	cJSON *zone;

	if (!service->zone.prefer) {
		(void)cJSON_AddNullToObject(to, "zone");
		return;
	}
	zone = cJSON_AddObjectToObject(to, "zone");
	status_add_text(zone, "prefer", service->zone.prefer);
	(void)cJSON_AddNumberToObject(zone, "min", service->zone.min);
	(void)cJSON_AddBoolToObject(zone, "has_all", w->zone_has_all);
}

static void add_times(const struct watch *w, uint64_t now_ms, cJSON *to)
{
	const struct model *m = &w->model;
	uint64_t next_ms = w->source ? source_next_ms(w->source) : 0;

	if (m->answered_s != 0) {
		(void)cJSON_AddNumberToObject(to, "last_success_s", (double)m->answered_s);
		(void)cJSON_AddNumberToObject(to, "age_s", seconds(now_ms - m->answered_ms));
	} else {
		status_add_text(to, "last_success_s", NULL);
		status_add_text(to, "age_s", NULL);
	}
	if (next_ms > 0 && next_ms != SOURCE_NEVER)
		(void)cJSON_AddNumberToObject(to, "next_s",
					      next_ms > now_ms ? seconds(next_ms - now_ms) : 0);
	else
		status_add_text(to, "next_s", NULL);
}

static cJSON *service_build(const struct watch *w, uint64_t now_ms)
{
	cJSON *to = cJSON_CreateObject();
	cJSON *aliases;
	char vip[ADDR_TEXT_MAX];

	status_add_text(to, "name", w->config->name);
	aliases = cJSON_AddArrayToObject(to, "aliases");
	for (size_t i = 0; i < w->config->n_aliases; i++)
		(void)cJSON_AddItemToArray(aliases, cJSON_CreateString(w->config->aliases[i]));
	status_add_text(to, "vip", w->has_vip ? addr_format(&w->vip.addr, vip) : NULL);
	(void)cJSON_AddNumberToObject(to, "port", w->vip.port);
	status_add_text(to, "protocol", config_protocol_name(w->config->protocol));
	status_add_text(to, "balance", balance_name(w->config->balance));
	status_add_text(to, "affinity", balance_affinity(w->config->balance));
	add_zone(w, to);
	status_add_excluded(w->agent, &w->config->exclude, to);
	(void)cJSON_AddNumberToObject(to, "slow_starting", (double)w->ramping);
	add_target(w->config, to);
	(void)cJSON_AddNumberToObject(to, "backends", (double)w->model.in_force.n);
	status_add_states(w, to);
	status_add_probe(w, to);
	add_times(w, now_ms, to);
	add_keeping(&w->model, now_ms, to);
	add_shrink(w, now_ms, to);
	add_failure(&w->model, now_ms, to);
	add_faulty("rejected", w->model.rejected, w->model.rejected_why, to);
	add_faulty("misweighted", w->model.misweighted, w->model.misweighted_why, to);
	add_notes(w, to);
	return to;
}

static void add_problems(const struct agent *agent, cJSON *status)
{
	cJSON *problems = cJSON_AddArrayToObject(status, "problems");

	for (size_t i = 0; i < agent->detached.n; i++)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(agent->detached.lines[i]));
	if (agent->broken)
		(void)cJSON_AddItemToArray(
			problems, cJSON_CreateString("the maps could not be brought up to date"));
	if (agent->drain_book.fault)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(agent->drain_book.fault));
	if (exclude_is_full(agent))
		(void)cJSON_AddItemToArray(
			problems, cJSON_CreateString("no room for more excluded cgroups: the tasks "
						     "in others are redirected"));
	if (agent->config_error)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(agent->config_error));
}

cJSON *status_build(struct agent *agent)
{
	uint64_t now_ms = uv_now(&agent->loop);
	cJSON *status = cJSON_CreateObject();
	cJSON *services;

	status_add_text(status, "version", SHUNT_VERSION);
	(void)cJSON_AddNumberToObject(status, "layout", SHUNT_LAYOUT_VERSION);
	(void)cJSON_AddNumberToObject(status, "pid", getpid());
	(void)cJSON_AddNumberToObject(status, "uptime_s", seconds(now_ms - agent->started_ms));
	add_config(agent, status);
	add_cgroup(agent, status);
	status_add_excluded(agent, &agent->config->exclude, status);
	add_credentials(agent, status);
	services = cJSON_AddArrayToObject(status, "services");
	for (size_t i = 0; i < agent->n_watches; i++)
		(void)cJSON_AddItemToArray(services, service_build(agent->watches[i], now_ms));
	status_add_drained(agent, status);
	add_problems(agent, status);
	return status;
}
