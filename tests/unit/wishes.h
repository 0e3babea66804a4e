/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random want tables: a few services that come, go, move, swap and change their backends. Values;
 * the seed is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/table.h"

#define WISHES_NAMES 7
#define WISHES_VIPS 6

extern const char *const wishes_names[];
extern const char *const wishes_vips[];

/* A service as indices, cheap to change and to compare. */
struct wish {
	unsigned int vip, port, protocol;
	uint8_t backends4, backends6; /* sets of 8 */
	bool weighted, pass, there;
};

struct wishes {
	struct wish by_name[WISHES_NAMES];
};

unsigned int wishes_below(unsigned int *seed, unsigned int limit);
/* One to three changes; a configuration would accept what comes of it, unless it may `overlap`. */
void wishes_mutate(struct wishes *w, unsigned int *seed, bool overlap);
bool wishes_differ(const struct wish *a, const struct wish *b);
/* Sorted; the caller's to table_done. */
struct table wishes_table(const struct wishes *w);
