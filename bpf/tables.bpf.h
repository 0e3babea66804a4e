/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the maps that several files look up. */
#pragma once

#include <stdbool.h>

#include "maps.bpf.h"

static __always_inline struct shunt_counters *counters_at(__u32 cpu, __u32 service_id)
{
	__u32 index = cpu * settings.runs_capacity + service_id;

	return bpf_map_lookup_elem(&shunt_counters, &index);
}

static __always_inline struct shunt_counters *counters_of(__u32 service_id)
{
	return counters_at(bpf_get_smp_processor_id(), service_id);
}

static __always_inline struct shunt_policy *policy_of(__u32 service_id)
{
	return bpf_map_lookup_elem(&shunt_policies, &service_id);
}

/* The load of a backend, or NULL when another has its id. */
static __always_inline struct shunt_load *load_find(__u32 backend_id, __u32 born)
{
	struct shunt_load *load = bpf_map_lookup_elem(&shunt_loads, &backend_id);

	return load && load->born == born ? load : NULL;
}

/* NULL: the run was not what it said (never seen, by I2). */
static __always_inline const union shunt_cell *cell_at(__u32 index)
{
	return bpf_map_lookup_elem(&shunt_slots, &index);
}

/* Is the id still that of the service with this generation? */
static __always_inline bool service_is(__u32 service_id, __u32 generation)
{
	const shunt_run *place = bpf_map_lookup_elem(&shunt_runs, &service_id);
	shunt_run run = place ? *(const volatile shunt_run *)place : 0;
	const union shunt_cell *head = run ? cell_at(SHUNT_RUN_BASE(run)) : NULL;

	return head && head->head.generation == generation;
}

/* Tells the agent that there is something to look at. */
static __always_inline void news_add(void)
{
	__u32 zero = 0;
	struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes, &zero);

	if (prefixes)
		__sync_fetch_and_add(&prefixes->news, 1);
}
