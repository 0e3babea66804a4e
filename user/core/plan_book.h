/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force as of the last plan, service by service, found by id, by name, and by the
 * address of its fronts: so a plan for a few services reads and changes what is theirs and nothing
 * else. Denser than the rows of the maps, for it is there all the time. It owns all that it holds.
 */
#pragma once

#include "core/plan_names.h"
#include "core/plan_state.h"

/* All that is known of an id in use. */
struct plan_entry {
	char *name; /* owned; NULL: it only has a front or a run that has to stay for a while */
	struct shunt_service info;
	shunt_run run;		      /* 0: none */
	struct plan_front *fronts;    /* owned */
	struct plan_member *backends; /* owned; sorted by address and port */
	uint32_t n_fronts, n_backends;
	bool in_view; /* the plan in the making is about it */
};

struct plan_book {
	struct plan_entry **by_id; /* owned, as they are; NULL: nothing is known */
	uint32_t limit;		   /* of ids */
	struct plan_names names;
	PLAN_ROWS(struct plan_front) fronts; /* of all; sorted by key */
	PLAN_ROWS(uint32_t) nameless;	     /* ids */
	/* the first 16 bits of the addresses of all fronts; whether a change of fronts changed any
	 */
	uint64_t prefixes4[SHUNT_PREFIX_WORDS], prefixes6[SHUNT_PREFIX_WORDS];
	bool prefixes_changed;
	size_t services, backends, runs; /* rows */
};

/* 0 or -ENOMEM. */
int plan_book_init(struct plan_book *b, uint32_t limit);
void plan_book_done(struct plan_book *b);

/* NULL: none. */
struct plan_entry *plan_book_entry(const struct plan_book *b, uint32_t id);
struct plan_entry *plan_book_find(const struct plan_book *b, const char *name);

/* Index of the first front of the address, or of where it would be: keys sort by address first. */
size_t plan_book_fronts_at(const struct plan_book *b, const struct shunt_address *address);

/* Adds the rows of the entry to a state, its fronts not. 0 or -ENOMEM. */
int plan_book_view(const struct plan_book *b, uint32_t id, struct plan_state *to);
struct plan_member plan_member_of(const struct plan_backend *row);

/*
 * The fronts of `old` are those of `now` from here on (both sorted), and the prefix bits follow.
 * The rest is as it was: see plan_book_replace. 0 or -ENOMEM.
 */
int plan_book_move_fronts(struct plan_book *b, const struct plan_state *old,
			  const struct plan_state *now);
/* The rows of `old`, fronts apart, are those of `now` from here on (both sorted). 0 or -ENOMEM. */
int plan_book_replace(struct plan_book *b, const struct plan_state *old,
		      const struct plan_state *now);
