/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's run of slots contains, IPv4 before IPv6: its backends, repeated by weight and
 * interleaved, or a Maglev table of each family. The programs only draw one of them; all balancing
 * lies in this order. Pure.
 */
#pragma once

#include "core/table.h"

/* Weights are brought into proportion within so many slots of one family; equal ones need one each.
 */
#define SLOTS_WEIGHTED_MAX 4096
/* Or in so many, where the lightest would have less than one: 1 % spread over 200 takes 20,000. */
#define SLOTS_LIGHT_MAX 32768

struct slots {
	const struct endpoint **order; /* owned array; points into the endpoints */
	size_t n;
	uint16_t count4, count6; /* n == count4 + count6 */
};

void slots_done(struct slots *s);

/* Deterministic: same backends and shares, same slots; a share of 0 has none. 0, -ENOMEM or -E2BIG
 * (more than a run can hold). */
int slots_build(const struct table_backend *backends, size_t n, enum shunt_balance balance,
		struct slots *ret);
