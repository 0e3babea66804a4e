/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asks, for the policies of bpf/pick.bpf.h that keep a backend: the task or the socket. */
#pragma once

#include "asker.bpf.h"

/*
 * A task of ECS is the cgroup ecstasks.slice/ecstasks-ID.slice, and its containers are below it. In
 * general the second level is a service of systemd's or a container; what lies higher is its own.
 */
#define TASK_LEVEL 2

static __always_inline __u64 key_of(void *context, enum affinity affinity)
{
	__u64 task;

	if (affinity == AFFINITY_SOCKET)
		return bpf_get_socket_cookie(context);
	task = bpf_get_current_ancestor_cgroup_id(TASK_LEVEL);
	return task ? task : bpf_get_current_cgroup_id();
}
