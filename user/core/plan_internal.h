/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of core/plan share: plan.c (the planner and its order of work), plan_claim.c (what
 * a start finds), plan_match.c
 * (which service gets which id), plan_backends.c (and which its backends), plan_runs.c (its run of
 * slots), plan_rows.c (the rows after the plan), plan_fronts.c (which addresses can change now),
 * plan_diff.c (the writes), plan_state.c (rows).
 */
#pragma once

#include <errno.h>

#include "core/plan.h"
#include "core/plan_book.h"
#include "core/pool.h"
#include "core/slots.h"

/* What is known of an id while a plan is made; all zero between plans. */
struct known_id {
	const struct plan_service *row; /* NULL: none names it */
	uint32_t fronts;
	bool taken;
};

struct planner {
	struct plan_limits limits;
	struct plan_memory memory;
	struct plan_state have; /* the rows that the plan in the making is about; at first all */
	struct plan_book book;	/* after that, all */
	struct known_id *known; /* owned; by id */
	bool is_new;		/* `have` is as a start has found it, and the book is empty */
	struct pool ids, slots, addrs6, backend_ids;
	uint32_t generation; /* the last one given */
	bool front_resting;  /* deleted or moved since the last grace period began */
	bool front_waiting;  /* the same before the grace period that is running */
	/* the same of an any-port front that waits to be deleted, its successor being in force */
	bool any_port_resting, any_port_waiting;
};

struct decided_backend {
	uint32_t id;
	uint32_t born;
	bool is_new;
};

/* What becomes of one wanted service. */
struct decision {
	const struct table_service *want;
	const struct plan_service *had; /* the row of the id it takes over; NULL: none */
	uint32_t id;			/* 0: none was left */
	bool is_new;			/* the id was free */
	bool renamed; /* the id belonged to another name: its counters begin anew */
	bool kept;    /* the id's service stays as it was (if it was): no room */
	shunt_run run;
	bool writes_run; /* `run` is newly taken; its slots below */
	struct slots slots;
	uint32_t addrs6; /* first place of its IPv6 addresses */
	uint32_t generation, revision;
	struct decided_backend *backends; /* owned; as want->backends */
};

struct decisions {
	struct decision *list; /* owned; in the order of want */
	size_t n;
};

void decisions_done(struct decisions *d);

/* Appends to PLAN_ROWS; 0 or -ENOMEM. */
#define PLAN_APPEND(rows, ...)                                                               \
	(util_grow(&(rows).list, &(rows).capacity, (rows).n + 1, sizeof((rows).list[0])) < 0 \
		 ? -ENOMEM                                                                   \
		 : ((rows).list[(rows).n++] = __VA_ARGS__, 0))

/* plan_view.c: fills p->have from the book. 0 or -ENOMEM. */
int plan_view_all(struct planner *p);
int plan_view_some(struct planner *p, const struct table *want, const struct plan_gone *gone);
/* Is this of a service that the plan is not about, but that has an address in common with it? */
bool plan_view_is_neighbour(const struct planner *p, uint32_t id);
/* plan_claim.c: at a start, what p->have uses; 0 or -ENOMEM. */
int plan_claim(struct planner *p);
/* plan_match.c: ids for all; 0 or -ENOMEM. Services for which there is none are `kept`. */
int plan_match(struct planner *p, const struct table *want, struct decisions *ret,
	       struct plan *plan);
/* plan_backends.c: ids for its backends; 0, -EAGAIN (after a grace period), -ENOSPC, -ENOMEM. */
int plan_backends_decide(struct planner *p, struct decision *d);
void plan_backends_undo(struct planner *p, struct decision *d);
/* Loads of new ones to zero, where they are counted. (Health begins with the first failure.) */
int plan_backends_born(const struct planner *p, const struct decision *d, struct plan *plan);
/* plan_runs.c: a run for one, the old one if its cells are what is wanted; as above, or -E2BIG. */
int plan_run_decide(struct planner *p, struct decision *d);
int plan_run_write(const struct decision *d, struct plan *plan);
struct shunt_address plan_address(const struct addr *a);
/* plan_rows.c: the rows after the plan, sorted. 0 or -ENOMEM. */
int plan_rows(struct planner *p, const struct decisions *decisions, struct plan_state *next);
/* plan_fronts.c: takes out of *next what has to wait, and leaves in it what has to stay. */
int plan_fronts_settle(struct planner *p, struct plan_state *next, struct plan *plan);
int plan_fronts_put(struct planner *p, const struct plan_state *next, struct plan *plan);
int plan_fronts_delete(struct planner *p, const struct plan_state *next, struct plan *plan);
/* plan_diff.c: from p->have to *next, which plan_fronts_settle changes. */
int plan_diff(struct planner *p, const struct decisions *decisions, struct plan_state *next,
	      struct plan *plan);

/* Appends a write; NULL: out of memory. */
struct plan_op *plan_add(struct plan *plan, enum plan_op_kind kind, uint32_t index);
int plan_refuse(struct plan *plan, const char *name, int error);

int plan_front_compare(const void *a, const void *b);
int plan_service_compare(const void *a, const void *b);
int plan_backend_compare(const void *a, const void *b);
int plan_run_compare(const void *a, const void *b);
/* Index of the first front of the address, or of where it would be: keys sort by address first. */
size_t plan_fronts_at(const struct plan_state *s, const struct shunt_address *address);
/* These two: NULL if there is none. */
const struct plan_front *plan_state_front(const struct plan_state *s, const struct plan_front *row);
struct plan_run *plan_state_run(const struct plan_state *s, uint32_t service_id);
