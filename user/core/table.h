/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services with their backends, sorted by name: what the kernel's maps hold (`have`) or ought to
 * hold
 * (`want`). Values and the arrays they lie in; the table owns them.
 */
#pragma once

#include "base/addr.h"
#include "core/endpoints.h"
#include "shunt/layout.h"

struct table_backend {
	struct endpoint endpoint; /* first */
	uint32_t id, born;	  /* have only */
	uint8_t parts;	/* bit i: it is of part i of the service's split; 1 where there is none */
	uint32_t share; /* want only: of the service's connections, beside the others' */
};

struct table_service {
	char name[SHUNT_NAME_MAX];
	struct addr_port vip; /* port 0: any port */
	enum shunt_protocol protocol;
	enum shunt_on_empty on_empty;
	enum shunt_balance balance;
	uint8_t head_flags;		/* want only: SHUNT_HEAD_... */
	struct shunt_rules rules;	/* want only; the planner counts the backends */
	char zone[SHUNT_ZONE_MAX];	/* preferred, for people; "": none */
	uint32_t id;			/* have only; ids start at 1 */
	shunt_run run;			/* have only: what the programs pick from */
	struct table_backend *backends; /* owned; sorted by address and port */
	size_t n_backends;
};

struct table {
	struct table_service *services; /* owned; sorted by name */
	size_t n, capacity;
};

void table_done(struct table *t);

/* Appends an empty service, to be filled in; NULL: out of memory. table_sort afterwards. */
struct table_service *table_add(struct table *t);
/* Sorts services by name and backends by address and port. */
void table_sort(struct table *t);
/* In a sorted table; NULL: not there. */
const struct table_service *table_find(const struct table *t, const char *name);
const struct table_service *table_find_id(const struct table *t, uint32_t id);
