/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. Those marked MMAPABLE are written by the agent through a mapping, and change under the
 * programs' feet by single 64-bit stores; what they mean stands in shunt/layout.h.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "shunt/layout.h"

const volatile struct shunt_settings settings = {
	.runs_capacity = SHUNT_SERVICES_MAX,
	.cpus = 1,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct shunt_prefixes);
} shunt_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_FRONTS_MAX);
	__type(key, struct shunt_front_key);
	__type(value, struct shunt_front);
} shunt_front SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_BUCKETS);
	__type(key, __u32);
	__type(value, struct shunt_bucket);
} shunt_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_SERVICES_MAX);
	__type(key, __u32);
	__type(value, shunt_run);
} shunt_runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_SLOTS_MAX);
	__type(key, __u32);
	__type(value, union shunt_cell);
} shunt_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_ADDRS6_MAX);
	__type(key, __u32);
	__type(value, struct shunt_address);
} shunt_addrs6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries,
	       SHUNT_SERVICES_MAX); /* times the CPUs: set by the agent before the load */
	__type(key, __u32);
	__type(value, struct shunt_counters);
} shunt_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct shunt_failures);
} shunt_failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct shunt_policy);
} shunt_policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct shunt_health);
} shunt_health SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct shunt_load);
} shunt_loads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SHUNT_ACCUSATIONS_MAX);
	__type(key, struct shunt_accusation_key);
	__type(value, struct shunt_accusation);
} shunt_accusations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHUNT_TRACKS);
	__type(key, __u32);
	__type(value, struct shunt_track);
} shunt_tracks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_SPILLS_MAX);
	__type(key, __u64);
	__type(value, struct shunt_track);
} shunt_spills SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_EXCLUDED_MAX);
	__type(key, struct shunt_excluded_key);
	__type(value, struct shunt_excluded);
} shunt_excluded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct shunt_sender);
} shunt_senders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_BACKENDS_MAX);
	__type(key, struct shunt_reset_key);
	__type(value, struct shunt_reset);
} shunt_resets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SHUNT_SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct shunt_timing);
} shunt_timings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct shunt_attempt);
} shunt_attempts SEC(".maps");

/* For people, shuntctl and the agent that takes over; no program reads them. */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_SERVICES_MAX);
	__type(key, struct shunt_service_key);
	__type(value, struct shunt_service);
} shunt_services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHUNT_BACKENDS_MAX);
	__type(key, struct shunt_backend_key);
	__type(value, struct shunt_backend);
} shunt_backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct shunt_meta);
} shunt_meta SEC(".maps");
