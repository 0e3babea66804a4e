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

void status_add_states(const struct watch *w, cJSON *to)
{
	cJSON *states = cJSON_AddArrayToObject(to, "states");

	for (size_t i = 0; i < w->health.n_notes; i++)
		(void)cJSON_AddItemToArray(states, state_build(w, &w->health.notes[i]));
}
