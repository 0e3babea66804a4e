/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of a run's slots: the one whose turn it is, and, only where the head or a failure asks for
 * it, another that is healthy and has room.
 */
#pragma once

#include "asker.bpf.h"
#include "front.bpf.h"
#include "health.bpf.h"

/* plain.bpf.c, for kernels that lack what tracks need, says 0. */
#ifndef WITH_TRACKS
#define WITH_TRACKS 1
#endif

/*
 * Candidates are the slot whose turn it is, a few by lot, so that the neighbours of an ejected one
 * get no more than others, and then all in a row: what is fit and has room is found.
 */
#define CANDIDATES_DRAWN 8
#define ROW_CANDIDATES 256
#define ROWS_MAX 257

_Static_assert(CANDIDATES_DRAWN + SHUNT_RUN_SLOTS_MAX <= ROW_CANDIDATES * ROWS_MAX, "all slots");

/*
 * Slots of one family of a run, and what is needed to choose among them: passed whole to a function
 * that the verifier looks at by itself, or it would do so in every place of every hook.
 */
struct choice {
	/* in */
	struct shunt_head head;
	__u32 service_id;
	__u32 first, count;
	__u32 turn;  /* whose it is */
	__u64 key;   /* of who asks, where the policy goes by it; else 0 */
	__u64 task;  /* if avoid */
	bool avoid;  /* somebody is ejected */
	bool counts; /* the end will be seen */
	/* of the candidates so far */
	bool full;   /* some have no room */
	__u32 unfit; /* the first that is not fit, or 0 */
	/* out */
	bool limited;
	__u8 flags; /* SHUNT_TRACK_... */
};

/* Draws a number below `count` from a random or a hashed one, without a division. */
static __always_inline __u32 scale(__u32 number, __u32 count)
{
	return (__u32)(((__u64)number * count) >> 32);
}

/* The same slot for the same key while `count` stays: Fibonacci hashing, as for SHUNT_BUCKET_OF. */
static __always_inline __u32 turn_of(__u64 key, __u32 count)
{
	return scale((__u32)((key * 0x9e3779b97f4a7c15ULL) >> 32), count);
}

/*
 * Whose turn it is. A connection moves the round robin of its CPU by being counted. Who sends
 * without connecting is given a share by its cookie: the datagrams of one exchange go to one
 * backend, and when that leaves the run, to another.
 */
static __always_inline void turn(struct choice *choice, const struct shunt_counters *counters,
				 __u32 cpu, const struct pick *pick, pick_key_fn *key, bool lookup)
{
	bool connects = pick->asker == ASKER_CONNECT;
	__u8 balance = choice->head.balance;

	choice->key = 0;
	if (balance == BALANCE_ROUND_ROBIN && connects && !lookup) {
		choice->turn = (__u32)(counters->redirected + cpu) % choice->count;
		return;
	}
	if (balance == BALANCE_MAGLEV_TASK)
		choice->key = key(pick->context, AFFINITY_TASK);
	else if (balance == BALANCE_MAGLEV_SOCKET || !connects)
		choice->key = key(pick->context, AFFINITY_SOCKET);
	choice->turn = choice->key ? turn_of(choice->key, choice->count)
				   : scale(bpf_get_prandom_u32(), choice->count);
}

static __always_inline __u32 candidate(const struct choice *choice, __u32 i)
{
	if (i == 0)
		return choice->first + choice->turn;
	if (i >= CANDIDATES_DRAWN)
		return choice->first + (choice->turn + i - CANDIDATES_DRAWN + 1) % choice->count;
	return choice->first + (choice->key ? turn_of(choice->key + i, choice->count)
					    : scale(bpf_get_prandom_u32(), choice->count));
}

/* --- limits and loads ------------------------------------------------------------------------- */

/* Counts a connection if it is within the limit; 0: there is none. */
static __always_inline bool count_within(__s32 *active, __u32 limit)
{
	if (limit && *active >= (__s32)limit)
		return false;
	if (__sync_fetch_and_add(active, 1) < (__s32)limit || !limit)
		return true;
	__sync_fetch_and_add(active, -1);
	return false;
}

static __always_inline bool load_take(struct choice *choice, const struct shunt_slot *slot,
				      __u32 limit)
{
	struct shunt_load *load = load_find(slot->backend_id, slot->born);

	if (!load || !choice->counts || !(choice->head.flags & SHUNT_HEAD_LOADS))
		return true;
	if (!count_within(&load->active, limit))
		return false;
	__sync_fetch_and_add(&load->redirected, 1);
	choice->flags |= SHUNT_TRACK_LOAD;
	return true;
}

static __always_inline __s32 active_at(__u32 index)
{
	const union shunt_cell *cell = cell_at(index);
	const struct shunt_load *load = cell ? load_find(cell->slot.backend_id, cell->slot.born)
					     : NULL;

	return load ? load->active : 0;
}

/* Of two by lot the one with fewer connections: nearly as even as the best of all (Mitzenmacher).
 */
static __always_inline void turn_to_fewer(struct choice *choice)
{
	__u32 other = scale(bpf_get_prandom_u32(), choice->count);

	if (active_at(choice->first + other) < active_at(choice->first + choice->turn))
		choice->turn = other;
}

/* --- with care -------------------------------------------------------------------------------- */

enum suits {
	SUITS_NOT, /* full */
	SUITS_UNFIT,
	SUITS,
};

/* Is the slot to be taken? Then it is counted, too. */
__noinline int slot_suits(struct choice *choice, __u32 index)
{
	struct shunt_policy *policy = choice ? policy_of(choice->service_id) : NULL;
	const union shunt_cell *cell = cell_at(index);
	enum fitness fitness = FITNESS_GOOD;

	if (!cell || !policy)
		return SUITS_NOT;
	if (choice->avoid)
		fitness = health_of(policy, cell->slot.backend_id, cell->slot.born, choice->task,
				    choice->counts);
	if (fitness == FITNESS_AVOID)
		return SUITS_UNFIT;
	if (!load_take(choice, &cell->slot, policy->rules.backend_connections_max)) {
		if (fitness == FITNESS_TRIAL)
			health_untried(cell->slot.backend_id, cell->slot.born, TRIAL_TO_COME);
		return SUITS_NOT;
	}
	if (fitness == FITNESS_TRIAL)
		choice->flags |= SHUNT_TRACK_TRIAL;
	return SUITS;
}

/*
 * Takes the candidate if it suits; else 0. Of a global function the verifier knows nothing about i,
 * nor does its caller know what it did: both are looked at once, not for each candidate.
 */
__noinline __u32 candidate_take(struct choice *choice, __u32 i)
{
	__u32 index;
	int suits;

	if (!choice || !choice->count)
		return 0;
	index = candidate(choice, i);
	suits = slot_suits(choice, index);
	if (suits == SUITS)
		return index;
	if (suits == SUITS_NOT)
		choice->full = true;
	else if (!choice->unfit)
		choice->unfit = index;
	return 0;
}

/* The first that suits of a row of candidates, from the i-th on; 0: none. Global for the same. */
__noinline __u32 row_take(struct choice *choice, __u32 i)
{
	for (__u32 n = 0; n < ROW_CANDIDATES; n++, i++) {
		__u32 index;

		if (!choice || i >= CANDIDATES_DRAWN + choice->count)
			return 0;
		index = candidate_take(choice, i);
		if (index)
			return index;
	}
	return 0;
}

/* The first candidate that is fit and has room; if none is fit at all, one that is not; 0: none. */
static __always_inline __u32 slot_find(struct choice *choice)
{
	choice->full = false;
	choice->unfit = 0;
	for (__u32 row = 0; row < ROWS_MAX; row++) {
		__u32 index = row_take(choice, row * ROW_CANDIDATES);

		if (index)
			return index;
		if (row * ROW_CANDIDATES >= choice->count)
			break;
	}
	choice->avoid = false;
	if (choice->unfit && !choice->full && slot_suits(choice, choice->unfit) == SUITS)
		return choice->unfit;
	choice->limited = true;
	return 0;
}

/* Counts the connection with those of its service. */
static __always_inline bool limits_take(struct choice *choice, struct shunt_policy *policy)
{
	if (!count_within(&policy->active, policy->rules.connections_max))
		return false;
	if (policy->rules.pending_max) {
		if (!count_within(&policy->pending, policy->rules.pending_max)) {
			__sync_fetch_and_add(&policy->active, -1);
			return false;
		}
		choice->flags |= SHUNT_TRACK_PENDING;
	}
	choice->flags |= SHUNT_TRACK_LIMIT;
	return true;
}

static __always_inline void limits_undo(struct choice *choice, struct shunt_policy *policy)
{
	if (choice->flags & SHUNT_TRACK_LIMIT)
		__sync_fetch_and_add(&policy->active, -1);
	if (choice->flags & SHUNT_TRACK_PENDING)
		__sync_fetch_and_add(&policy->pending, -1);
}

/* The index of the cell, or 0: none, because of a limit if choice->limited says so. */
__noinline __u32 choose_with_care(struct choice *choice)
{
	struct shunt_policy *policy = choice ? policy_of(choice->service_id) : NULL;
	__u32 index;

	if (!policy || !choice->count)
		return 0;
	if (choice->head.balance == BALANCE_LEAST_CONNECTIONS)
		turn_to_fewer(choice);
	if (choice->counts && choice->head.flags & SHUNT_HEAD_LIMITS &&
	    !limits_take(choice, policy)) {
		choice->limited = true;
		__sync_fetch_and_add(&policy->limited, 1);
		return 0;
	}
	index = slot_find(choice);
	if (!index)
		limits_undo(choice, policy);
	if (choice->limited)
		__sync_fetch_and_add(&policy->limited, 1);
	return index;
}

/*
 * The index of the cell, or 0: none, because of a limit if choice->limited says so. What the
 * verifier looks at by itself has to be in memory, and the rest not: hence a choice of its own.
 */
static __always_inline __u32 choose_carefully(const struct pick *pick, struct choice *choice,
					      pick_key_fn *key, pick_end_fn *end_earlier)
{
	bool counts = pick->protocol == IPPROTO_TCP && pick->asker == ASKER_CONNECT;
	struct choice careful = {
		.head = choice->head,
		.service_id = pick->service_id,
		.first = choice->first,
		.count = choice->count,
		.turn = choice->turn,
		.key = choice->key,
		.task = choice->avoid ? key(pick->context, AFFINITY_TASK) : 0,
		.avoid = choice->avoid,
		.counts = counts,
	};
	__u32 index;

	if (counts && careful.head.flags & SHUNT_HEAD_LIMITS)
		end_earlier(pick->context);
	index = choose_with_care(&careful);
	choice->limited = careful.limited;
	choice->flags = careful.flags;
	return index;
}

/* NULL: none, because of a limit if choice->limited says so. */
static __always_inline const union shunt_cell *choose(const struct pick *pick,
						      struct choice *choice,
						      const struct shunt_counters *counters,
						      __u32 cpu, pick_key_fn *key,
						      pick_end_fn *end_earlier, bool lookup)
{
	__u32 index;

	choice->avoid = counters->look & SHUNT_LOOK_AVOID;
	choice->limited = false;
	choice->flags = 0;
	turn(choice, counters, cpu, pick, key, lookup);
	index = choice->first + choice->turn;
	if (WITH_TRACKS && (choice->head.flags & SHUNT_HEAD_CARE || choice->avoid))
		index = choose_carefully(pick, choice, key, end_earlier);
	return index ? cell_at(index) : NULL;
}
