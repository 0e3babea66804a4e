/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait after a failure: doubling from `first_ms` to `max_ms`, each time somewhere
 * between half of that and all of it, so that a fleet which failed together does not ask again
 * together. Pure: randomness is an argument. Zero-initialised but for its limits is right.
 */
#pragma once

#include <stdint.h>

struct backoff {
	uint32_t first_ms;
	uint32_t max_ms;
	uint32_t step_ms; /* 0: the last attempt went well */
};

/* Counts a failure and returns the wait, never more than max_ms. `random` is any number. */
uint32_t backoff_failed(struct backoff *b, uint32_t random);
/* The first good answer ends it. */
void backoff_recovered(struct backoff *b);
