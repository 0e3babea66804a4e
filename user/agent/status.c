/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to `status`: what each service has, from where, how old, and what is wrong. */
#include "agent/status.h"

#include "agent/exclude.h"
#include "agent/foreign.h"
#include "agent/keeper.h"

#include <time.h>

#include "base/utf8.h"
#include "core/balance.h"

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
	if (w->config->source == CONFIG_SOURCE_CLOUDMAP && !w->config->cloudmap.service)
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("left by an earlier agent, kept until its "
						  "namespace has been listed"));
	if (w->refused)
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("no room in the maps: it keeps what it had"));
	if (health_uses_unhealthy(&w->health, true))
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("no IPv4 backend is healthy: all are used"));
	if (health_uses_unhealthy(&w->health, false))
		(void)cJSON_AddItemToArray(
			notes, cJSON_CreateString("no IPv6 backend is healthy: all are used"));
}

static bool zone_has_all(const struct watch *w)
{
	for (size_t i = 0; i < w->parts.n; i++) {
		if (w->parts.list[i]->weight > 0 && !w->parts.list[i]->zone_has_all)
			return false;
	}
	return true;
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
	(void)cJSON_AddBoolToObject(zone, "has_all", zone_has_all(w));
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
	(void)cJSON_AddNumberToObject(to, "slow_starting", (double)watch_ramping(w));
	(void)cJSON_AddNumberToObject(to, "backends", (double)watch_in_force(w)->n);
	status_add_text(to, "use", usage_name(w->use));
	status_add_states(w, to);
	status_add_probe(w, to);
	status_add_sources(w, now_ms, to);
	add_notes(w, to);
	return to;
}

static void add_problems(const struct agent *agent, cJSON *status)
{
	cJSON *problems = cJSON_AddArrayToObject(status, "problems");
	_cleanup_free_ char *unkept = keeper_problem(agent);

	for (size_t i = 0; i < agent->detached.n; i++)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(agent->detached.lines[i]));
	for (size_t i = 0; i < agent->unwatched.n; i++)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(agent->unwatched.lines[i]));
	if (agent->broken)
		(void)cJSON_AddItemToArray(
			problems, cJSON_CreateString("the maps could not be brought up to date"));
	if (unkept)
		(void)cJSON_AddItemToArray(problems, cJSON_CreateString(unkept));
	for (size_t i = 0; i < STATE_FILES; i++) {
		if (agent->state_faults[i])
			(void)cJSON_AddItemToArray(problems,
						   cJSON_CreateString(agent->state_faults[i]));
	}
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
	(void)cJSON_AddNumberToObject(status, "uptime_s",
				      status_seconds(now_ms - agent->started_ms));
	add_config(agent, status);
	add_cgroup(agent, status);
	foreign_add(agent, status);
	status_add_excluded(agent, &agent->config->exclude, status);
	status_add_credentials(agent, status);
	status_add_budget(agent, status);
	status_add_namespaces(agent, now_ms, status);
	services = cJSON_AddArrayToObject(status, "services");
	for (size_t i = 0; i < agent->n_watches; i++)
		(void)cJSON_AddItemToArray(services, service_build(agent->watches[i], now_ms));
	status_add_drained(agent, status);
	add_problems(agent, status);
	return status;
}
