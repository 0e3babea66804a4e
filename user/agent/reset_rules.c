/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/reset_rules.h"

#include "core/plan_look.h"

bool reset_is_asked_for(const struct config_service *service)
{
	return service->on_removal.then == CONFIG_RESET ||
	       service->on_unhealthy.then == CONFIG_RESET;
}

const struct config_resets *reset_rule(const struct agent *agent, uint32_t service_id,
				       enum shunt_reset_reason reason)
{
	const char *name = planner_service_name(agent->planner, service_id);
	const struct watch *w = name ? watch_find(agent->watches, agent->n_watches, name) : NULL;
	const struct config_resets *rule;

	if (!w)
		return NULL;
	rule = reason == RESET_UNHEALTHY ? &w->config->on_unhealthy : &w->config->on_removal;
	return rule->then == CONFIG_RESET ? rule : NULL;
}
