/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tasks are left alone: the cgroups that "exclude_cgroups" names, looked for every second,
 * and brought into the kernel around each plan. Owns the timer and what was found; it never plans
 * itself, it asks reconcile.c to.
 */
#pragma once

#include "core/config_service.h"
#include "kernel/exclude.h"

struct agent;
struct exclude;
struct plan;

/* A path of the configuration and what it named when it was last looked at. */
struct exclude_path {
	char *path; /* owned */
	struct cgroup_matches found;
	int error; /* of the last look, which left `found` as it was; or 0 */
};

/* 0 or -ENOMEM. */
int exclude_open(struct agent *agent);
/* Takes the paths of agent->config, and looks for them. 0 or -ENOMEM. */
int exclude_configure(struct agent *agent);
void exclude_close(struct agent *agent);

/*
 * What is in the kernel may be of services that are not there any more: the next plan clears it
 * away before it gives their ids to others.
 */
void exclude_distrust(struct agent *agent);
/* Before the planner, between it and the writes, and after them. 0 or a negative errno. */
int exclude_before_plan(struct agent *agent);
int exclude_before_writes(struct agent *agent, const struct plan *plan);
int exclude_after_writes(struct agent *agent);

/* For status: NULL if the path is not of the configuration in force. */
const struct exclude_path *exclude_find(const struct agent *agent, const char *path);
/* Whether the map has no room for all of them. */
bool exclude_is_full(const struct agent *agent);
