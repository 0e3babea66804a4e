/* SPDX-License-Identifier: Apache-2.0 */
/* The pinned maps, each by its index, and walking those that are hashes. Owns nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum map_index {
	MAP_PREFIXES,
	MAP_FRONT,
	MAP_BUCKETS,
	MAP_RUNS,
	MAP_SLOTS,
	MAP_ADDRS6,
	MAP_COUNTERS,
	MAP_FAILURES,
	MAP_POLICIES,
	MAP_HEALTH,
	MAP_LOADS,
	MAP_ACCUSATIONS,
	MAP_TRACKS,
	MAP_SPILLS,
	MAP_EXCLUDED,
	MAP_SENDERS,
	MAP_RESETS,
	MAP_TIMINGS,
	MAP_ATTEMPTS,
	MAP_SERVICES,
	MAP_BACKENDS,
	MAP_META, /* pinned last: with it the pins are whole */
	MAP_COUNT,
};

extern const char *const map_names[MAP_COUNT];

struct map {
	int fd;
	uint32_t capacity, key_size, value_size;
	void *memory;  /* where it is mapped, if it is */
	size_t mapped; /* bytes */
};

/*
 * read.c: calls `row` for the entries of a hash, in batches; a writer beside us may make some be
 * seen twice or not at all. Ends with the first row that fails.
 */
typedef int (*map_row_fn)(void *user, const void *key, const void *value);
int map_walk(const struct map *map, map_row_fn row, void *user);
