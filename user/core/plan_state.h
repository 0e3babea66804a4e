/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps, row by row: as read back from the kernel, or as a plan leaves them. Values, in sorted
 * lists that the state owns.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

struct plan_front {
	struct shunt_front_key key;
	uint32_t service_id;
};

struct plan_service {
	char name[SHUNT_NAME_MAX];
	struct shunt_service info;
};

struct plan_backend {
	uint32_t id;
	struct shunt_backend info;
};

/* A backend in force, without what its service has. */
struct plan_member {
	struct addr_port at;
	uint16_t weight;
	uint8_t state; /* enum shunt_state */
	uint8_t parts;
	bool has_share;
	uint32_t id, born;
	char zone[SHUNT_ZONE_MAX];
};

struct plan_run {
	uint32_t service_id;
	shunt_run run;
};

#define PLAN_ROWS(type)                 \
	struct {                        \
		type *list; /* owned */ \
		size_t n, capacity;     \
	}

/* The maps, row by row, as read back from the kernel or as a plan leaves them. */
struct plan_state {
	PLAN_ROWS(struct plan_front) fronts;	 /* sorted by key */
	PLAN_ROWS(struct plan_service) services; /* sorted by name */
	PLAN_ROWS(struct plan_backend) backends; /* sorted by service id, address, port */
	PLAN_ROWS(struct plan_run) runs;	 /* sorted by service id; those that are not 0 */
	uint64_t prefixes4[SHUNT_PREFIX_WORDS];
	uint64_t prefixes6[SHUNT_PREFIX_WORDS];
};

/* Empties the lists. */
void plan_state_done(struct plan_state *s);
void plan_state_sort(struct plan_state *s);
struct addr_port plan_backend_at(const struct shunt_backend *b);
/* Its address and family, the port not. */
void plan_backend_set_addr(struct shunt_backend *b, const struct addr *a);
/* In a sorted state: index of the first backend of the service (or where it would be). */
size_t plan_state_backends(const struct plan_state *s, uint32_t service_id);
