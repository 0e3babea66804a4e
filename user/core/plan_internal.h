/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of core/plan share: plan.c (the planner and its order of work), plan_claim.c (what
 * a start finds), plan_match.c
 * (which service gets which id), plan_backends.c (and which its backends), plan_runs.c (its run of
 * slots), plan_rows.c (the rows after the plan), plan_fronts.c (which addresses can change now),
 * plan_diff.c (the writes), plan_state.c (rows).
 */
#pragma once

#include "core/plan.h"
#include "core/pool.h"
#include "core/slots.h"

struct planner {
	struct plan_limits limits;
	struct plan_memory memory;
	struct plan_state have;
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
/* NULL: none. */
struct plan_run *plan_state_run(const struct plan_state *s, uint32_t service_id);
