/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services are used, as told by how often tasks have connected to each: rows by service id,
 * which it owns. Pure: counters and time are arguments.
 */
#pragma once

#include "core/pace.h"

/* Unused for so long, a service is idle. */
#define DEMAND_IDLE_AFTER_MS (10 * 60 * 1000)
/* Whoever starts an agent, or adds a service, probably means to use it. */
#define DEMAND_ASSUMED_MS (2 * 60 * 1000)

struct demand_row {
	uint64_t connects; /* as last counted */
	uint64_t used_ms;  /* when there were more than before; 0: never */
};

struct demand {
	struct demand_row *rows;
	size_t n, capacity;
};

void demand_done(struct demand *d);
/* From now on there is a row of that service. 0 or -ENOMEM. */
int demand_follow(struct demand *d, uint32_t service_id);
/*
 * Connects of n services from `first` on, which have rows. True: one of them is used that was idle,
 * or of which it was not known.
 */
bool demand_count(struct demand *d, size_t first, size_t n, const uint64_t *connects,
		  uint64_t now_ms);
/* Of a service that is watched since then: PACE_IN_USE, PACE_ASSUMED or PACE_IDLE. */
enum pace_rank demand_of(const struct demand *d, uint32_t service_id, uint64_t since_ms,
			 uint64_t now_ms);
