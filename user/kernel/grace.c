/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for every program that runs to have ended. An update of a map in a map returns only after
 * an RCU grace period (kernel/bpf/syscall.c, maybe_wait_bpf_programs), on every kernel and
 * configuration; membarrier() would not, with nohz_full or on one CPU. Milliseconds: never on the
 * loop.
 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

int grace_open(struct dataplane *d)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	d->grace_inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shunt_grace_in", 4, 4, 1, NULL);
	if (d->grace_inner < 0)
		return -errno;
	options.inner_map_fd = (uint32_t)d->grace_inner;
	d->grace_outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "shunt_grace", 4, 4, 1,
					&options);
	return d->grace_outer < 0 ? -errno : 0;
}

int dataplane_wait_grace(const struct dataplane *d)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(d->grace_outer, &zero, &d->grace_inner, BPF_ANY) < 0 ? -errno
											: 0;
}
