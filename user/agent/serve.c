/* SPDX-License-Identifier: Apache-2.0 */
/* What the outside may ask: the metrics page, whether it is well, and the verbs of the control
 * socket. */
#include <errno.h>

#include "agent/control.h"
#include "agent/exporter.h"
#include "agent/status.h"
#include "kernel/events.h"
#include "sources/turns.h"

bool agent_is_ready(const struct agent *agent)
{
	if (agent->detached.total > 0 || agent->broken || reconcile_is_pending(agent))
		return false;
	for (size_t i = 0; i < agent->n_watches; i++) {
		if (!watch_is_settled(agent->watches[i]))
			return false;
	}
	return imports_are_settled(agent);
}

/* --- http ------------------------------------------------------------------------------------- */

static void reply_text(struct server_reply *reply, unsigned int status, const char *text)
{
	reply->body = strdup(text);
	reply->length = reply->body ? strlen(text) : 0;
	reply->status = reply->body ? status : 500;
	reply->content_type = "text/plain; charset=utf-8";
}

static void service_fill(const struct watch *w, struct exporter_service *row)
{
	row->name = w->config->name;
	row->last_success_s = watch_answered_s(w);
	dataplane_counters(w->agent->dataplane, watch_service_id(w), &row->counters);
	dataplane_failures(w->agent->dataplane, watch_service_id(w), &row->failures);
	dataplane_resets(w->agent->dataplane, watch_service_id(w), row->resets);
	dataplane_policy(w->agent->dataplane, watch_service_id(w), &row->policy);
	row->is_timed = dataplane_timing(w->agent->dataplane, watch_service_id(w), &row->timing);
	for (size_t i = 0; i < w->health.backends.n; i++)
		row->backends[w->health.backends.list[i].state]++;
}

/* The backends that the programs count, all of them; none without memory. */
static struct exporter_rows backends_fill(const struct agent *agent)
{
	struct exporter_rows rows = { .max = planner_use(agent->planner).backends };

	if (agent->config->metrics_per_backend)
		rows.list = calloc(MAX(rows.max, 1U), sizeof(*rows.list));
	for (size_t i = 0; rows.list && i < agent->n_watches; i++)
		exporter_add_backends(&rows, agent->watches[i]->config->name,
				      watch_service_id(agent->watches[i]), agent->planner,
				      agent->dataplane, dataplane_load);
	return rows;
}

static void namespaces_fill(const struct agent *agent,
			    struct exporter_namespace rows[static CONFIG_NAMESPACES_MAX])
{
	for (size_t i = 0; i < agent->imports.n; i++) {
		const struct import *import = agent->imports.list[i];

		rows[i] = (struct exporter_namespace){ .name = import->config->cloudmap };
		for (size_t j = 0; j < import->services.n; j++)
			rows[i].services += import->services.list[j]->fate == IMPORTED_IN_FORCE;
	}
}

static void reply_metrics(const struct agent *agent, struct server_reply *reply)
{
	_cleanup_free_ struct exporter_service *services = calloc(MAX(agent->n_watches, 1U),
								  sizeof(*services));
	_cleanup_free_ struct exporter_backend *backends = NULL;
	struct dataplane_map_use maps[DATAPLANE_MAPS_MAX];
	struct exporter_namespace namespaces[CONFIG_NAMESPACES_MAX];
	struct process_stats process;
	struct exporter_rows rows;
	struct exporter_input in = {
		.version = SHUNT_VERSION,
		.layout = SHUNT_LAYOUT_VERSION,
		.has_tracks = dataplane_missing(agent->dataplane)->total == 0,
		.services = services,
		.n_services = agent->n_watches,
		.namespaces = namespaces,
		.n_namespaces = agent->imports.n,
		.requests = &agent->requests,
		.budget = turns_budget(agent->env.turns),
		.maps = maps,
		.process = process_read(&process) == 0 ? &process : NULL,
	};

	if (!services) {
		reply_text(reply, 500, "out of memory\n");
		return;
	}
	for (size_t i = 0; i < agent->n_watches; i++)
		service_fill(agent->watches[i], &services[i]);
	namespaces_fill(agent, namespaces);
	rows = backends_fill(agent);
	backends = rows.list;
	in.backends = rows.list;
	in.n_backends = rows.n;
	in.n_maps = dataplane_map_use(agent->dataplane, agent->planner, maps);
	if (exporter_render(&in, &reply->body, &reply->length) < 0) {
		reply_text(reply, 500, "out of memory\n");
		return;
	}
	reply->status = 200;
	reply->content_type = EXPORTER_CONTENT_TYPE;
}

static void on_http(void *user, const char *path, struct server_reply *reply)
{
	const struct agent *agent = user;

	if (streq(path, "/metrics"))
		reply_metrics(agent, reply);
	else if (streq(path, "/healthz"))
		reply_text(reply, 200, "ok\n");
	else if (streq(path, "/readyz") && agent_is_ready(agent))
		reply_text(reply, 200, "ready\n");
	else if (streq(path, "/readyz"))
		reply_text(reply, 503,
			   agent->detached.total > 0 ? "not attached, see shuntctl status\n"
						     : "waiting for first answers\n");
}

/* --- control socket --------------------------------------------------------------------------- */

static cJSON *ok_reply(void)
{
	cJSON *reply = cJSON_CreateObject();

	(void)cJSON_AddTrueToObject(reply, "ok");
	return reply;
}

static cJSON *on_status(void *user, const cJSON *request)
{
	(void)request;
	return status_build(user);
}

static cJSON *on_reload(void *user, const cJSON *request)
{
	struct agent *agent = user;

	(void)request;
	if (agent_reload(agent) < 0)
		return control_error("configuration", "%s",
				     agent->config_error ? agent->config_error : "out of memory");
	return ok_reply();
}

static cJSON *on_refresh(void *user, const cJSON *request)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(request, "name");
	struct agent *agent = user;
	struct watch *w = NULL;

	if (name && !cJSON_IsNull(name)) {
		w = cJSON_IsString(name) ? agent_find_watch(agent, name->valuestring) : NULL;
		if (!w)
			return control_error("not_found", "got '%s', wanted a service's name",
					     cJSON_IsString(name) ? name->valuestring : "?");
	}
	for (size_t i = 0; i < agent->n_watches; i++) {
		if (!w || w == agent->watches[i])
			watch_refresh(agent->watches[i]);
	}
	if (!w)
		imports_refresh(agent);
	return ok_reply();
}

static const struct control_verb verbs[] = {
	{ "status", on_status }, { "reload", on_reload },     { "refresh", on_refresh },
	{ "drain", drain_verb }, { "undrain", undrain_verb }, { NULL, NULL },
};

int serve_open(struct agent *agent, struct diag *problems)
{
	const struct config *config = agent->config;
	char listen[ADDR_PORT_TEXT_MAX];
	int r = server_new(&agent->loop, &config->metrics_listen, on_http, agent, &agent->server);

	if (r < 0) {
		diag_add(problems, "metrics.listen", "cannot listen on %s: %s",
			 addr_port_format(&config->metrics_listen, listen), strerror(-r));
		return r;
	}
	r = control_new(&agent->loop, config->control_socket, verbs, agent, &agent->control);
	if (r < 0)
		diag_add(problems, "control_socket", "cannot listen on %s: %s",
			 config->control_socket, strerror(-r));
	return r;
}

void serve_close(struct agent *agent)
{
	server_free(TAKE_PTR(agent->server));
	control_free(TAKE_PTR(agent->control));
}
