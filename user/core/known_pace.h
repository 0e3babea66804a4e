/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the last known good is written: soon after a change, but not before what belongs together
 * has come together, and seldom enough that churn does not write without end; and now and then for
 * the ages alone. Pure: times are arguments, in milliseconds.
 */
#pragma once

#include "base/util.h"

#define KNOWN_PACE_SETTLE_MS 200  /* from a change to the write */
#define KNOWN_PACE_EVERY_MS 10000 /* from one write to the next, and doubled by each failure */
#define KNOWN_PACE_REFRESH_MS (300 * 1000) /* without a change; and the longest after failures */
#define KNOWN_PACE_NEVER UINT64_MAX

struct known_pace {
	uint64_t changed_ms; /* of the first change that is not written; 0: there is none */
	uint64_t began_ms;   /* the last write; 0: there was none */
	unsigned int failures;
};

void known_pace_changed(struct known_pace *p, uint64_t now_ms);
/* A write begins, of all that has changed so far. */
void known_pace_began(struct known_pace *p, uint64_t now_ms);
void known_pace_ended(struct known_pace *p, bool well);
/* When the next write is to begin. */
uint64_t known_pace_due_ms(const struct known_pace *p);
