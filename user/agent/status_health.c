/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of the health of backends. */
#include "agent/status.h"
#include "core/state.h"

static cJSON *state_build(const struct watch *w, const struct health_note *note)
{
	const struct endpoint *backend = &w->health.backends.list[note->index];
	char place[ADDR_PORT_TEXT_MAX];
	cJSON *to = cJSON_CreateObject();

	status_add_text(to, "backend", endpoint_format_place(&backend->at, place));
	status_add_text(to, "state", state_name((enum shunt_state)backend->state));
	status_add_text(to, "why", note->why);
	status_add_age(to, note->since_s);
	return to;
}

static cJSON *avoided_build(const struct plan_member *backend, uint32_t tasks)
{
	char place[ADDR_PORT_TEXT_MAX], why[96];
	cJSON *to = cJSON_CreateObject();

	(void)snprintf(why, sizeof(why), "%u task%s it: %s connections to it failed", tasks,
		       tasks == 1 ? " avoids" : "s avoid", tasks == 1 ? "its" : "their");
	status_add_text(to, "backend", endpoint_format_place(&backend->at, place));
	status_add_text(to, "state", state_name((enum shunt_state)backend->state));
	status_add_text(to, "why", why);
	status_add_age(to, 0);
	return to;
}

/* What single tasks have found out; for the host the backend is as it was. */
static void add_avoided(const struct watch *w, cJSON *states)
{
	_cleanup_free_ struct dataplane_avoided *avoided = NULL;
	uint32_t service_id = watch_service_id(w);
	struct plan_member row;
	size_t n = 0;

	if (dataplane_avoided(w->agent->dataplane, uv_hrtime(), &avoided, &n) < 0)
		return;
	for (size_t at = 0; planner_backend(w->agent->planner, service_id, at, &row); at++) {
		for (size_t i = 0; i < n && row.state == STATE_HEALTHY; i++) {
			if (avoided[i].backend_id == row.id && avoided[i].born == row.born)
				(void)cJSON_AddItemToArray(states,
							   avoided_build(&row, avoided[i].tasks));
		}
	}
}

void status_add_states(const struct watch *w, cJSON *to)
{
	cJSON *states = cJSON_AddArrayToObject(to, "states");

	for (size_t i = 0; i < w->health.n_notes; i++)
		(void)cJSON_AddItemToArray(states, state_build(w, &w->health.notes[i]));
	if (w->looking)
		add_avoided(w, states);
}

void status_add_probe(const struct watch *w, cJSON *to)
{
	const struct probe *outcomes;
	cJSON *probe;

	if (!w->prober) {
		(void)cJSON_AddNullToObject(to, "probe");
		return;
	}
	outcomes = prober_outcomes(w->prober);
	probe = cJSON_AddObjectToObject(to, "probe");
	(void)cJSON_AddNumberToObject(probe, "interval_s", w->config->probe.interval_ms / 1000.0);
	if (outcomes->round_ms > 0)
		(void)cJSON_AddNumberToObject(probe, "round_s", (double)outcomes->round_ms / 1000);
	else
		(void)cJSON_AddNullToObject(probe, "round_s");
	(void)cJSON_AddNumberToObject(probe, "backends", (double)outcomes->n);
	(void)cJSON_AddNumberToObject(probe, "failing", (double)outcomes->unhealthy);
	(void)cJSON_AddBoolToObject(probe, "panic", probe_panics(outcomes));
	(void)cJSON_AddNumberToObject(probe, "portless", (double)outcomes->portless);
	status_add_text(probe, "error", outcomes->blocked ? strerror(outcomes->blocked) : NULL);
}

static void count_services(const struct watch *w, const struct drains *drains, unsigned int *counts)
{
	for (size_t i = 0; i < w->health.n_notes; i++) {
		const struct endpoint *backend = &w->health.backends.list[w->health.notes[i].index];
		const struct drain *drain = drains_find(drains, &backend->at);

		if (drain)
			counts[drain - drains->list]++;
	}
}

void status_add_drained(const struct agent *agent, cJSON *to)
{
	const struct drains *drains = &agent->drains;
	_cleanup_free_ unsigned int *counts = calloc(MAX(drains->n, 1U), sizeof(*counts));
	cJSON *list = cJSON_AddArrayToObject(to, "drained");

	for (size_t i = 0; i < agent->n_watches && counts; i++)
		count_services(agent->watches[i], drains, counts);
	for (size_t i = 0; i < drains->n && counts; i++) {
		char place[ADDR_PORT_TEXT_MAX];
		cJSON *row = cJSON_CreateObject();

		endpoint_format_place(&drains->list[i].at, place);
		status_add_text(row, "backend", place);
		status_add_age(row, drains->list[i].since_s);
		(void)cJSON_AddNumberToObject(row, "services", counts[i]);
		(void)cJSON_AddItemToArray(list, row);
	}
}
