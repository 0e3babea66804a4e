/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends of a service that the programs have ejected, as their rows of shunt_health say. The
 * programs decide; this only tells of it, and when they need not look any more. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

#define EJECTION_WHY_MAX 96

struct ejection {
	struct addr_port at;
	uint64_t until_ns; /* CLOCK_MONOTONIC; then it is tried again */
	uint32_t in_a_row;
	int64_t since_s; /* since the epoch, when the agent noticed */
};

struct ejections {
	struct ejection *list; /* owned; sorted by address and port */
	size_t n, capacity;
};

void ejections_done(struct ejections *e);
/* Appends; in order. 0 or -ENOMEM. */
int ejections_add(struct ejections *e, const struct ejection *added);
/* NULL: it is not ejected. */
const struct ejection *ejections_find(const struct ejections *e, const struct addr_port *at);
/* "connections to it failed; ejected for 31 s, 2 times in a row" */
const char *ejection_describe(const struct ejection *e, uint64_t now_ns,
			      char why[static EJECTION_WHY_MAX]);

/* Whether the programs may stop looking at the row: nothing in it counts any more. */
bool ejection_is_quiet(const struct shunt_health *row, const struct shunt_rules *rules,
		       uint64_t now_ns);
