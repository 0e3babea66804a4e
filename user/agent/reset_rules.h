/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services want done with connections to backends that are gone, by service id; only those
 * that want anything. It owns its list; the rules are the configuration's.
 */
#pragma once

#include "agent/internal.h"

struct reset_rule {
	uint32_t service_id;
	const struct config_resets *on_removal, *on_unhealthy;
};

struct reset_rules {
	struct reset_rule *list; /* owned; sorted by service id */
	size_t n, capacity;
};

void reset_rules_done(struct reset_rules *r);

bool reset_is_asked_for(const struct config_service *service);
/* As of the planner's state. 0 or -ENOMEM. */
int reset_rules_read(struct reset_rules *r, const struct agent *agent);
/* NULL: the service is gone, or keeps all connections. */
const struct reset_rule *reset_rules_find(const struct reset_rules *r, uint32_t service_id);
const struct config_resets *reset_rule_of(const struct reset_rule *rule, enum shunt_reset reason);
