/* SPDX-License-Identifier: Apache-2.0 */
/* drain and undrain: the book is changed, the maps follow before the answer is given. */
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "agent/control.h"
#include "agent/drain_book.h"
#include "agent/internal.h"

static bool serves(const struct watch *w, const struct addr_port *at)
{
	return endpoints_find(watch_in_force(w), at) != NULL;
}

static bool is_of_a_service(const struct agent *agent, const struct addr_port *at)
{
	for (size_t i = 0; i < agent->n_watches; i++) {
		if (serves(agent->watches[i], at))
			return true;
	}
	return false;
}

/* The backend that a request names; or NULL and *ret, the answer that it is none. */
static bool read_place(const struct agent *agent, const cJSON *request, struct addr_port *ret_at,
		       cJSON **ret)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "name"));

	if (!text || endpoint_parse_place(text, ret_at) < 0) {
		*ret = control_error("bad_argument", "got '%.64s', wanted ADDR:PORT of a backend",
				     text ? text : "nothing");
		return false;
	}
	if (ret_at->port == 0 && !drains_find(&agent->drains, ret_at) &&
	    !is_of_a_service(agent, ret_at)) {
		*ret = control_error("bad_argument",
				     "got '%.64s', wanted ADDR:PORT: no service has a backend of "
				     "that address without a port of its own",
				     text);
		return false;
	}
	return true;
}

static _printf_(2, 3) void warn(cJSON *warnings, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		(void)cJSON_AddItemToArray(warnings, cJSON_CreateString(text));
}

/* Draining the last one is done as told, and said. */
static void warn_of_emptied(const struct watch *w, const struct addr_port *at, cJSON *warnings)
{
	bool ipv4 = addr_is_ipv4(&at->addr);

	if (health_has_takers(&w->health, ipv4))
		return;
	if (health_has_takers(&w->health, !ipv4))
		warn(warnings, "%s has no %s backend left that takes new connections",
		     w->config->name, ipv4 ? "IPv4" : "IPv6");
	else
		warn(warnings,
		     "%s has no backend left that takes new connections: they %s (on_empty)",
		     w->config->name,
		     w->config->on_empty == ON_EMPTY_PASS ? "go where they were going"
							  : "are refused");
}

static void add_services(const struct agent *agent, const struct addr_port *at, bool drained,
			 cJSON *reply, cJSON *warnings)
{
	cJSON *services = cJSON_AddArrayToObject(reply, "services");

	for (size_t i = 0; i < agent->n_watches; i++) {
		const struct watch *w = agent->watches[i];

		if (!serves(w, at))
			continue;
		(void)cJSON_AddItemToArray(services, cJSON_CreateString(w->config->name));
		if (w->refused)
			warn(warnings, "%s stays as it was: no room in the maps", w->config->name);
		else if (drained)
			warn_of_emptied(w, at, warnings);
	}
}

/* What has been done is in force, whether it could be written down or not. */
static cJSON *answer(struct agent *agent, const struct addr_port *at, bool drained, bool changed)
{
	/* also when nothing has changed: the last attempt may not have come that far */
	int stored = drain_book_store(agent);
	cJSON *reply = cJSON_CreateObject(), *warnings;
	char place[ADDR_PORT_TEXT_MAX];

	for (size_t i = 0; i < agent->n_watches; i++) {
		if (serves(agent->watches[i], at))
			agenda_add(&agent->agenda, agent->watches[i]);
	}
	reconcile_now(agent);
	endpoint_format_place(at, place);
	(void)cJSON_AddStringToObject(reply, "backend", place);
	(void)cJSON_AddBoolToObject(reply, "drained", drained);
	(void)cJSON_AddBoolToObject(reply, "changed", changed);
	(void)cJSON_AddBoolToObject(reply, "stored", stored == 0);
	warnings = cJSON_CreateArray();
	add_services(agent, at, drained, reply, warnings);
	if (drained && cJSON_GetArraySize(cJSON_GetObjectItem(reply, "services")) == 0)
		warn(warnings, "no service of this host has %s now; it is drained when one does",
		     place);
	if (stored < 0)
		warn(warnings,
		     "%s: cannot be written: %s; the next start of shuntd will not know of this",
		     agent->config->state_dir, strerror(-stored));
	if (agent->broken)
		warn(warnings, "the maps could not be brought up to date yet; it is tried again");
	(void)cJSON_AddItemToObject(reply, "warnings", warnings);
	return reply;
}

cJSON *drain_verb(void *user, const cJSON *request)
{
	struct agent *agent = user;
	char place[ADDR_PORT_TEXT_MAX];
	struct addr_port at;
	cJSON *refusal;
	int r;

	if (!read_place(agent, request, &at, &refusal))
		return refusal;
	r = drains_add(&agent->drains, &at, time(NULL));
	if (r == -ENOSPC)
		return control_error("full", "%d backends are drained already, which is the limit",
				     DRAINS_MAX);
	if (r == -ENOMEM)
		return NULL;
	if (r == 0)
		log_info("Drained, it gets no new connections", "backend=%s",
			 endpoint_format_place(&at, place));
	return answer(agent, &at, true, r == 0);
}

cJSON *undrain_verb(void *user, const cJSON *request)
{
	struct agent *agent = user;
	char place[ADDR_PORT_TEXT_MAX];
	struct addr_port at;
	cJSON *refusal;
	int r;

	if (!read_place(agent, request, &at, &refusal))
		return refusal;
	r = drains_remove(&agent->drains, &at);
	if (r == 0)
		log_info("Drained no more, it gets new connections", "backend=%s",
			 endpoint_format_place(&at, place));
	return answer(agent, &at, false, r == 0);
}
