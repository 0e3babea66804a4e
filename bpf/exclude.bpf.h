/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that are left alone: those in an excluded cgroup, or below one. It is the cgroup of the
 * task that calls which counts, not the one where it got its socket from: a socket's cgroup, by
 * which the kernel runs these programs, is not told to them.
 *
 * Asked on a hit only. It costs two loads while nothing is excluded, and else a helper and a lookup
 * for each level of the hierarchy at which something is.
 */
#pragma once

#include <stdbool.h>

#include "maps.bpf.h"

static __always_inline bool is_excluded(__u64 cgroup_id, __u32 service_id)
{
	struct shunt_excluded_key key = { .cgroup_id = cgroup_id, .service_id = service_id };

	return bpf_map_lookup_elem(&shunt_excluded, &key) != NULL;
}

/*
 * Global, so that the verifier looks at it once and not on every path that leads to it: a hundred
 * times the work, and seconds of a start.
 */
__noinline int find_excluded(__u32 all, __u32 some, __u32 service_id)
{
	for (int level = 1; level < SHUNT_EXCLUDED_LEVELS; level++) {
		__u64 cgroup_id;

		if (!((all | some) >> level))
			return 0;
		if (!((all | some) >> level & 1))
			continue;
		cgroup_id = bpf_get_current_ancestor_cgroup_id(level);
		if (!cgroup_id) /* the task is not that deep */
			return 0;
		if (all >> level & 1 && is_excluded(cgroup_id, 0))
			return 1;
		if (some >> level & 1 && is_excluded(cgroup_id, service_id))
			return 1;
	}
	return 0;
}

static __always_inline bool task_is_excluded(__u32 service_id)
{
	__u32 zero = 0;
	const volatile struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes,
									     &zero);
	__u32 all, some;

	if (!prefixes)
		return false;
	all = prefixes->excluded_all;
	some = prefixes->excluded_some;
	return (all | some) && find_excluded(all, some, service_id);
}
