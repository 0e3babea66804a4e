/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far this host's clock is from AWS's. A signature holds for five minutes around its date, so a
 * clock that is further off has every request refused; what is learnt here is put right when the
 * next one is signed. The host's clock itself is never touched. Pure: every time is an argument.
 */
#pragma once

#include "base/util.h"

#define CLOCK_SKEW_LEAST_S 240 /* less is no reason to be refused: as the AWS SDKs have it */
#define CLOCK_SKEW_LEARN_APART_MS 60000 /* a remote whose dates jump must not lead us */
#define CLOCK_SKEW_STAMP_MAX sizeof("20240501T120000Z")

/* Zero-initialised is right: our clock is believed. */
struct clock_skew {
	int64_t offset_s;   /* to be added to our time; 0: none */
	uint64_t learnt_ms; /* when that was changed last; 0: never */
};

/*
 * A request that was signed with `signed_offset_s` was answered with an error code, dated
 * `remote_s` (0: not). True: the code blames the clock, and another offset is in force now than
 * the one it was signed with, so the request is worth repeating at once. `now_s` is our wall clock,
 * `now_ms` a steady one.
 */
bool clock_skew_learn(struct clock_skew *c, const char *code, int64_t signed_offset_s,
		      int64_t remote_s, int64_t now_s, uint64_t now_ms);

/* X-Amz-Date for a request signed now. */
void clock_skew_stamp(const struct clock_skew *c, int64_t now_s,
		      char ret[static CLOCK_SKEW_STAMP_MAX]);
