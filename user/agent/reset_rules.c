/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/reset_rules.h"

#include <errno.h>

void reset_rules_done(struct reset_rules *r)
{
	free(r->list);
}

bool reset_is_asked_for(const struct config_service *service)
{
	return service->on_removal.then == CONFIG_RESET ||
	       service->on_unhealthy.then == CONFIG_RESET;
}

static int compare(const void *a, const void *b)
{
	const struct reset_rule *left = a, *right = b;

	if (left->service_id != right->service_id)
		return left->service_id < right->service_id ? -1 : 1;
	return 0;
}

int reset_rules_read(struct reset_rules *r, const struct agent *agent)
{
	for (size_t i = 0; i < agent->n_watches; i++) {
		const struct config_service *service = agent->watches[i]->config;

		if (!reset_is_asked_for(service))
			continue;
		if (util_grow(&r->list, &r->capacity, r->n + 1, sizeof(*r->list)) < 0)
			return -ENOMEM;
		r->list[r->n++] = (struct reset_rule){
			.service_id = watch_service_id(agent->watches[i]),
			.on_removal = &service->on_removal,
			.on_unhealthy = &service->on_unhealthy,
		};
	}
	if (r->n > 0)
		qsort(r->list, r->n, sizeof(*r->list), compare);
	return 0;
}

const struct reset_rule *reset_rules_find(const struct reset_rules *r, uint32_t service_id)
{
	const struct reset_rule wanted = { .service_id = service_id };

	return r->n > 0 ? bsearch(&wanted, r->list, r->n, sizeof(*r->list), compare) : NULL;
}

const struct config_resets *reset_rule_of(const struct reset_rule *rule, enum shunt_reset reason)
{
	return reason == RESET_UNHEALTHY ? rule->on_unhealthy : rule->on_removal;
}
