/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways a map can be written to by system calls, to be measured beside stores into a mapping.
 * Each makes a map of `n` rows of 16 octets and returns the nanoseconds, by this clock, of writing
 * them all; making the map is not in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t clock_fn(void);

enum map_kind {
	MAP_KIND_HASH,
	MAP_KIND_ARRAY,
};

uint64_t map_writes_ns(enum map_kind kind, bool batch, uint32_t n, clock_fn *clock);
/* One replacement of an inner map of `n` rows. */
uint64_t map_writes_inner_ns(uint32_t n, clock_fn *clock);
