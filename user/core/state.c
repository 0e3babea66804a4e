/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state.h"

#include "base/util.h"

const char *state_name(enum shunt_state state)
{
	static const char *const names[] = {
		[STATE_UNSET] = "unset",	 [STATE_HEALTHY] = "healthy",
		[STATE_UNHEALTHY] = "unhealthy", [STATE_DRAINING] = "draining",
		[STATE_EJECTED] = "ejected",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : names[STATE_UNSET];
}
