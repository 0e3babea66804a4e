/* SPDX-License-Identifier: Apache-2.0 */
/* What the services want done with connections to backends that are gone. It owns nothing. */
#pragma once

#include "agent/internal.h"

bool reset_is_asked_for(const struct config_service *service);
/*
 * After how long, as the configuration of the service says that has this id as of the planner's
 * state; NULL: it keeps such connections, or is gone.
 */
const struct config_resets *reset_rule(const struct agent *agent, uint32_t service_id,
				       enum shunt_reset_reason reason);
