/* SPDX-License-Identifier: Apache-2.0 */
/* What a start without news takes for the backends of a service. Pure; it writes nothing. */
#pragma once

#include "core/plan.h"

/*
 * The backends of a service, of which `row` tells, as they were in force: into ret->backends, the
 * caller's. By its rows or, where an agent has died before it wrote them, by its run. *have is
 * sorted and as it was read. 0 or -ENOMEM.
 */
int plan_seed(const struct plan_state *have, const struct plan_memory *memory,
	      const struct plan_limits *limits, const struct plan_service *row,
	      struct table_service *ret);
