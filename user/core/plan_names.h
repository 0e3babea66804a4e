/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of services by name: a hash with open addressing. It owns its slots; the names are those of
 * the entries that it was given, and have to stay while they are in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct plan_names {
	struct plan_named {
		const char *name; /* borrowed; NULL: free */
		uint32_t id;
	} * slots;	/* owned */
	size_t n, size; /* size: a power of two, or 0 */
};

void plan_names_done(struct plan_names *n);
/* Of a name that is not in it. 0 or -ENOMEM. */
int plan_names_add(struct plan_names *n, const char *name, uint32_t id);
/* Nothing happens if it is not there. */
void plan_names_remove(struct plan_names *n, const char *name);
/* 0: it is not there. */
uint32_t plan_names_find(const struct plan_names *n, const char *name);
