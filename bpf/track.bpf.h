/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Redirected TCP connections, from connect() to their end: for getpeername(), for what is counted
 * while they last, and for what an end tells. A cell of an array, found by the socket's cookie,
 * costs a tenth of socket storage; cookies are given out in rows, so that two live sockets seldom
 * meet in one.
 */
#pragma once

#include "asker.bpf.h"
#include "health.bpf.h"

/* Live entries of the hash; not exact in the moment of a change, which only costs a lookup. */
static __always_inline bool tracks_have_spilled(void)
{
	__u32 zero = 0;
	const struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes, &zero);

	return prefixes && prefixes->spills;
}

static __always_inline void spills_add(__s64 change)
{
	__u32 zero = 0;
	struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes, &zero);

	if (prefixes)
		__sync_fetch_and_add(&prefixes->spills, change);
}

static __always_inline struct shunt_track *track_cell(__u64 cookie)
{
	__u32 index = (__u32)cookie & (SHUNT_TRACKS - 1);

	return bpf_map_lookup_elem(&shunt_tracks, &index);
}

static __always_inline bool track_is(const struct shunt_track *track, __u64 cookie)
{
	return *(const volatile __u64 *)&track->cookie == cookie;
}

/* The track of a socket, or NULL. */
static __always_inline struct shunt_track *track_find(__u64 cookie)
{
	struct shunt_track *track = track_cell(cookie);

	if (track && track_is(track, cookie))
		return track;
	return tracks_have_spilled() ? bpf_map_lookup_elem(&shunt_spills, &cookie) : NULL;
}

/* Ends a track; false if another was quicker. *ret is a copy of what it said. */
static __always_inline bool track_take(__u64 cookie, struct shunt_track *ret)
{
	struct shunt_track *track = track_find(cookie);

	if (!track)
		return false;
	*ret = *track;
	if (track == track_cell(cookie))
		return __sync_val_compare_and_swap(&track->cookie, cookie, 0) == cookie;
	if (bpf_map_delete_elem(&shunt_spills, &cookie))
		return false;
	spills_add(-1);
	return true;
}

/* Takes back what a pick has counted beforehand. */
static __always_inline void counted_undo(__u32 service_id, __u32 backend_id, __u32 born,
					 __u32 flags)
{
	struct shunt_policy *policy;
	struct shunt_load *load;

	if (flags & (SHUNT_TRACK_LIMIT | SHUNT_TRACK_PENDING)) {
		policy = policy_of(service_id);
		if (policy && flags & SHUNT_TRACK_LIMIT)
			__sync_fetch_and_add(&policy->active, -1);
		if (policy && flags & SHUNT_TRACK_PENDING)
			__sync_fetch_and_add(&policy->pending, -1);
	}
	if (flags & SHUNT_TRACK_LOAD) {
		load = load_find(backend_id, born);
		if (load)
			__sync_fetch_and_add(&load->active, -1);
	}
}

/* The counters of the service that the track is of; NULL when the id belongs to another by now. */
static __always_inline struct shunt_counters *track_counters(const struct shunt_track *track)
{
	return service_is(track->service_id, track->generation) ? counters_of(track->service_id)
								: NULL;
}

static __always_inline void track_fill(struct shunt_track *track, const struct pick *pick,
				       const struct shunt_note *note)
{
	track->note = *note;
	track->generation = pick->generation;
	track->since = bpf_jiffies64();
	track->flags = pick->flags;
	track->service_id = pick->service_id;
	track->backend_id = pick->backend_id;
	track->born = pick->born;
}

/* What is counted while it lasts. *ret_counters is NULL when its service is gone. */
static __always_inline void track_uncount(const struct shunt_track *track,
					  struct shunt_counters **ret_counters)
{
	struct shunt_counters *counters = track_counters(track);

	*ret_counters = counters;
	if (!counters)
		return;
	__sync_fetch_and_add(&counters->active, -1);
	if (track->flags)
		counted_undo(track->service_id, track->backend_id, track->born, track->flags);
}

/* It is established, and pending no more. Under the socket's lock, as its end is. */
static __always_inline void track_established(__u64 cookie)
{
	struct shunt_track *track = track_find(cookie);

	if (!track || !(track->flags & SHUNT_TRACK_PENDING))
		return;
	track->flags &= ~SHUNT_TRACK_PENDING;
	if (track_counters(track))
		counted_undo(track->service_id, track->backend_id, track->born,
			     SHUNT_TRACK_PENDING);
}

/* An earlier connect() of the same socket that came to nothing, or was undone by AF_UNSPEC. */
static __always_inline bool track_end_earlier(__u64 cookie)
{
	struct shunt_counters *counters;
	struct shunt_track earlier;

	if (!track_take(cookie, &earlier))
		return false;
	track_uncount(&earlier, &counters);
	if (earlier.flags & SHUNT_TRACK_TRIAL)
		health_untried(earlier.backend_id, earlier.born, cookie);
	return true;
}

/* With no room left the connection goes on untracked: nobody counts its end, nor its beginning. */
static __always_inline bool track_begin(__u64 cookie, const struct pick *pick,
					const struct shunt_note *note)
{
	struct shunt_track *track = track_cell(cookie);
	struct shunt_track spilled = { .cookie = cookie };

	if (!track)
		return false;
	if (__sync_val_compare_and_swap(&track->cookie, 0, SHUNT_TRACK_BUSY) == 0) {
		track_fill(track, pick, note);
		*(volatile __u64 *)&track->cookie = cookie;
		return true;
	}
	track_fill(&spilled, pick, note);
	if (bpf_map_update_elem(&shunt_spills, &cookie, &spilled, BPF_ANY))
		return false;
	spills_add(1);
	return true;
}
