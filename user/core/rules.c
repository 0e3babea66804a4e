/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rules.h"

void rules_fill(struct table_service *s, const struct config_service *config, bool per_backend)
{
	s->rules = (struct shunt_rules){
		.ejection_failures = config->has_ejection ? config->ejection.failures : 0,
		.ejection_within_ms = config->ejection.within_ms,
		.ejection_base_ms = config->ejection.base_ms,
		.ejection_max_ms = config->ejection.max_ms,
		.ejection_max_percent = (uint8_t)config->ejection.max_percent,
		.panic_percent = (uint8_t)config->ejection.panic_percent,
		.connections_max = config->limits.connections,
		.backend_connections_max = config->limits.per_backend,
		.pending_max = config->limits.pending,
		.connect_timeout_ms = config->connect_timeout_ms,
		.connect_timing = config->connect_timing,
	};
	s->head_flags = 0;
	if (config->limits.connections || config->limits.per_backend || config->limits.pending)
		s->head_flags |= SHUNT_HEAD_LIMITS;
	if (config->limits.per_backend || config->balance == BALANCE_LEAST_CONNECTIONS ||
	    per_backend)
		s->head_flags |= SHUNT_HEAD_LOADS;
	if (config->connect_timeout_ms || config->connect_timing || config->limits.pending)
		s->head_flags |= SHUNT_HEAD_EVENTS;
}
