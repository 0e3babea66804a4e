/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a planner knows to be in force, for those who show it or act on it: as of the last plan, or
 * before the first as the maps told. It changes nothing. What is returned by pointer holds until
 * the planner plans again.
 */
#pragma once

#include "core/plan.h"

/* How many rows there are, or cells and places. */
struct plan_use {
	size_t fronts, services, backends, runs, slots, addrs6;
};

/* 0: there is none of that name. */
uint32_t planner_service_id(const struct planner *p, const char *name);
/* NULL: the id has no name. */
const char *planner_service_name(const struct planner *p, uint32_t id);
const struct shunt_service *planner_service(const struct planner *p, const char *name);
/* The i-th backend of a service; false: it has no so many. */
bool planner_backend(const struct planner *p, uint32_t service_id, size_t i,
		     struct plan_member *ret);
/* Rows in use, for status and metrics. */
struct plan_use planner_use(const struct planner *p);
