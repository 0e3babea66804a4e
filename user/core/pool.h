/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers to give out and take back: service ids, places in the arrays that the programs read. What
 * is given back rests until a grace period has passed (invariant I2): pool_release -> resting;
 * pool_grace_begin -> waiting; pool_grace_end -> free. Pure; owns its lists of extents.
 */
#pragma once

#include <stdint.h>

#include "base/util.h"

struct pool_extent {
	uint32_t start, length;
};

struct pool_extents {
	struct pool_extent *list; /* owned */
	size_t n, capacity;
};

struct pool {
	struct pool_extents free; /* sorted, never adjacent */
	struct pool_extents resting;
	struct pool_extents waiting;
	uint32_t used; /* taken, not resting */
};

/* All of [first, end) is free. 0 or -ENOMEM. */
int pool_init(struct pool *p, uint32_t first, uint32_t end);
void pool_done(struct pool *p);

/* Takes the first fitting extent. 0; -EAGAIN: there will be room after a grace period; -ENOSPC. */
int pool_take(struct pool *p, uint32_t length, uint32_t *ret_start);
/* Takes exactly these, as found in use at a start. -EEXIST when some of them are not free. */
int pool_claim(struct pool *p, uint32_t start, uint32_t length);
/* Gives back after use: it rests. Out of memory it is lost until the next start, harmlessly. */
void pool_release(struct pool *p, uint32_t start, uint32_t length);
/* Gives back what no reader has ever seen: free at once. */
void pool_untake(struct pool *p, uint32_t start, uint32_t length);

bool pool_is_resting(const struct pool *p);
void pool_grace_begin(struct pool *p);
void pool_grace_end(struct pool *p);
