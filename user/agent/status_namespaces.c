/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of the namespaces whose services are imported. */
#include "agent/status.h"

#define SKIPPED_SHOWN_MAX 20 /* of a namespace; all are counted */

static void add_age(const struct listing *l, uint64_t now_ms, cJSON *to)
{
	if (l->answered) {
		(void)cJSON_AddNumberToObject(to, "last_success_s", (double)l->answered_s);
		(void)cJSON_AddNumberToObject(to, "age_s", status_seconds(now_ms - l->answered_ms));
	} else if (l->answered_s != 0) { /* in an earlier run */
		(void)cJSON_AddNumberToObject(to, "last_success_s", (double)l->answered_s);
		status_add_age(to, l->answered_s);
	} else {
		(void)cJSON_AddNullToObject(to, "last_success_s");
		(void)cJSON_AddNullToObject(to, "age_s");
	}
}

static void add_error(const struct listing *l, uint64_t now_ms, cJSON *to)
{
	cJSON *error;

	if (l->failure.count == 0) {
		(void)cJSON_AddNullToObject(to, "error");
		return;
	}
	error = cJSON_AddObjectToObject(to, "error");
	status_add_text(error, "code", l->failure.code);
	status_add_text(error, "message", l->failure.message);
	(void)cJSON_AddNumberToObject(error, "count", l->failure.count);
	(void)cJSON_AddNumberToObject(error, "age_s", status_seconds(now_ms - l->failure.at_ms));
}

static void add_shrink(const struct import *i, uint64_t now_ms, cJSON *to)
{
	const struct listing *l = &i->listing;
	cJSON *shrink;

	if (!l->shrink.held) {
		(void)cJSON_AddNullToObject(to, "shrink");
		return;
	}
	shrink = cJSON_AddObjectToObject(to, "shrink");
	(void)cJSON_AddNumberToObject(shrink, "answered", (double)l->shrink.answered);
	(void)cJSON_AddNumberToObject(shrink, "in_force", (double)l->n);
	(void)cJSON_AddNumberToObject(shrink, "for_s", status_seconds(now_ms - l->shrink.since_ms));
	(void)cJSON_AddNumberToObject(shrink, "confirm_s",
				      status_seconds(i->config->shrink_confirm_ms));
}

static void add_next(const struct import *i, uint64_t now_ms, cJSON *to)
{
	uint64_t next_ms = i->source ? namespace_next_ms(i->source) : 0;

	if (next_ms > 0)
		(void)cJSON_AddNumberToObject(to, "next_s",
					      next_ms > now_ms ? status_seconds(next_ms - now_ms)
							       : 0);
	else
		(void)cJSON_AddNullToObject(to, "next_s");
}

/* --- services that are not in force ----------------------------------------------------------- */

/* Who has a name: "services[3]", "a service of namespaces[0]". */
static void describe_holder(const struct agent *agent, const char *name, char *text, size_t size)
{
	const struct config *c = agent->config;
	const struct config_service *holder = roster_find(&agent->roster, name);

	if (holder >= c->services && holder < c->services + c->n_services) {
		(void)snprintf(text, size, "services[%zu]", (size_t)(holder - c->services));
		return;
	}
	for (size_t i = 0; holder && i < agent->imports.n; i++) {
		const struct imported_list *list = &agent->imports.list[i]->services;

		for (size_t j = 0; j < list->n; j++) {
			if (&list->list[j]->config == holder)
				(void)snprintf(text, size, "a service of namespaces[%zu]", i);
		}
	}
}

static bool describe_skipped(const struct agent *agent, const struct imported *i, char *text,
			     size_t size)
{
	char holder[64] = "another service";

	switch (i->fate) {
	case IMPORTED_TAKEN:
		describe_holder(agent, i->config.name, holder, sizeof(holder));
		(void)snprintf(text, size, "%s has this name", holder);
		return true;
	case IMPORTED_FULL:
		(void)snprintf(text, size, "there are %d services without it", CONFIG_SERVICES_MAX);
		return true;
	case IMPORTED_IN_FORCE:
		break;
	}
	if (!i->short_taken)
		return false;
	describe_holder(agent, i->short_name, holder, sizeof(holder));
	(void)snprintf(text, size, "%s has its short name", holder);
	return true;
}

static void add_row(cJSON *rows, const char *name, const char *why)
{
	cJSON *row = cJSON_CreateObject();

	status_add_text(row, "service", name);
	status_add_text(row, "why", why);
	(void)cJSON_AddItemToArray(rows, row);
}

/* Those that are not there under some name; the first of them with the reason. */
static void add_skipped(const struct agent *agent, const struct import *i, cJSON *to)
{
	cJSON *rows = cJSON_AddArrayToObject(to, "skipped");
	size_t n = 0, in_force = 0;
	char why[128];

	if (i->unnamed > 0)
		add_row(rows, i->unnamed_service, i->unnamed_why);
	for (size_t j = 0; j < i->services.n; j++) {
		const struct imported *service = i->services.list[j];
		bool told = n < SKIPPED_SHOWN_MAX;

		in_force += service->fate == IMPORTED_IN_FORCE;
		if (service->fate == IMPORTED_IN_FORCE && !service->short_taken)
			continue;
		if (told && describe_skipped(agent, service, why, sizeof(why)))
			add_row(rows, service->config.name, why);
		n++;
	}
	(void)cJSON_AddNumberToObject(to, "skipped_count", (double)(n + i->unnamed));
	(void)cJSON_AddNumberToObject(to, "services", (double)in_force);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* What stays though the last word was another, and why. */
static void add_keeping(const struct listing *l, cJSON *to)
{
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (l->failure.count > 0)
		r = asprintf(&text, "%zu services: %s", l->n, l->failure.code);
	else if (l->shrink.held)
		r = asprintf(&text, "%zu services: the list had %zu", l->n, l->shrink.answered);
	else if (l->doubted > 0)
		r = asprintf(&text, "%zu services that the last list lacked, until the next",
			     l->doubted);
	status_add_text(to, "keeping", r < 0 ? NULL : text);
}

static cJSON *namespace_build(const struct agent *agent, const struct import *i, uint64_t now_ms)
{
	cJSON *to = cJSON_CreateObject();

	status_add_text(to, "cloudmap", i->config->cloudmap);
	status_add_text(to, "owner_account", i->config->owner_account);
	status_add_text(to, "name", i->of.name);
	status_add_text(to, "id", i->of.id);
	add_skipped(agent, i, to);
	(void)cJSON_AddNumberToObject(to, "filtered", (double)i->unwanted);
	add_age(&i->listing, now_ms, to);
	add_next(i, now_ms, to);
	add_keeping(&i->listing, to);
	add_shrink(i, now_ms, to);
	add_error(&i->listing, now_ms, to);
	return to;
}

void status_add_namespaces(const struct agent *agent, uint64_t now_ms, cJSON *status)
{
	cJSON *namespaces = cJSON_AddArrayToObject(status, "namespaces");

	for (size_t i = 0; i < agent->imports.n; i++)
		(void)cJSON_AddItemToArray(namespaces,
					   namespace_build(agent, agent->imports.list[i], now_ms));
}
