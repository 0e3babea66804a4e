/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of kernel/dataplane.h that leaves tasks alone: which cgroups there are, and the map of
 * those that are excluded. What is excluded stays so while no agent runs, and its successor reads
 * it back.
 */
#pragma once

#include "core/exclusions.h"
#include "kernel/dataplane.h"

#define CGROUP_MATCHES_MAX 4096 /* of one path */

struct cgroup_match {
	uint64_t id;
	uint32_t level; /* below the root of all; 0: not known */
	char *path;	/* below the cgroup that is attached to; owned */
};

struct cgroup_matches {
	struct cgroup_match *list;
	size_t n, capacity;
};

/*
 * The cgroups that a path of the configuration (core/cgroup_path) names now; none is no error. 0,
 * -EXDEV: it is absolute and leads elsewhere, -E2BIG: too many, or one is too deep, or what the
 * file system said. *ret is the caller's, and touched on success only.
 */
int dataplane_find_cgroups(const struct dataplane *d, const char *path, struct cgroup_matches *ret);
void cgroup_matches_done(struct cgroup_matches *m);

/*
 * Two steps, so that a service that comes finds its exclusions there, and one that gets the id of
 * another finds none of that: before the writes of a plan what is missing of `want` is added, after
 * them what is not in it goes. `want` is sorted. 0; -ENOSPC: the map is full; or an error.
 */
int dataplane_exclude(struct dataplane *d, const struct exclusions *want);
int dataplane_include_others(struct dataplane *d, const struct exclusions *want);

/* What is in force, for people; those of all services first, each by path. */
struct dataplane_excluded {
	uint32_t service_id;	       /* or EXCLUSION_ALL */
	char cgroup[SHUNT_CGROUP_MAX]; /* below the cgroup that is attached to; as much as fits */
};
/* *ret is the caller's to free. 0, -ENOMEM, or an error. */
int dataplane_excluded(const struct dataplane *d, struct dataplane_excluded **ret, size_t *ret_n);
