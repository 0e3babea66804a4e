/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tasks are left alone by whom: a set of pairs of a cgroup and a service, which is what the
 * map shunt_excluded holds or ought to hold. Pure. Owns its rows; what a row borrows outlives it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCLUSION_ALL 0 /* service ids begin at 1 */

struct exclusion {
	uint64_t cgroup_id;
	uint32_t service_id; /* or EXCLUSION_ALL */
	uint32_t level;	     /* of the cgroup below the root of all; 0: not known */
	const char *cgroup;  /* its path, borrowed; NULL for what was read back */
};

struct exclusions {
	struct exclusion *list;
	size_t n, capacity;
};

/* 0 or -ENOMEM. */
int exclusions_add(struct exclusions *e, const struct exclusion *row);
/* Sorts, and keeps one of those that are the same; needed before the functions below. */
void exclusions_sort(struct exclusions *e);
void exclusions_done(struct exclusions *e);

bool exclusions_contain(const struct exclusions *e, const struct exclusion *row);

/* The words excluded_all and excluded_some of struct shunt_prefixes that lead to all rows. */
void exclusions_levels(const struct exclusions *e, uint32_t *ret_all, uint32_t *ret_some);
