/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's maps, imitated: applies the writes of a plan one by one, resolves addresses as
 * bpf/pick.bpf.h does, and keeps its own account of what a reader may still hold, so that a write
 * over it fails the test (invariant I2). Small, and copied by assignment.
 */
#pragma once

#include "core/plan.h"

#define IMITATION_IDS 8
#define IMITATION_CELLS 48
#define IMITATION_ADDRS6 12
#define IMITATION_BACKENDS 20
#define IMITATION_FRONTS 32

struct imitation {
	uint64_t prefixes4[SHUNT_PREFIX_WORDS], prefixes6[SHUNT_PREFIX_WORDS];
	shunt_run runs[IMITATION_IDS];
	union shunt_cell cells[IMITATION_CELLS];
	struct shunt_address addrs6[IMITATION_ADDRS6];
	struct shunt_policy policies[IMITATION_IDS];
	struct shunt_load loads[IMITATION_BACKENDS + 1];
	uint32_t born[IMITATION_BACKENDS + 1]; /* as last seen in a slot */
	bool counters_used[IMITATION_IDS];
	struct plan_front fronts[IMITATION_FRONTS];
	struct plan_service services[IMITATION_IDS];
	struct plan_backend backends[IMITATION_BACKENDS];
	size_t n_fronts, n_services, n_backends;
	/* Grace periods that began and that ended; a thing that was let go when `begun` was n is
	 * out of every reader's hands once `ended` is beyond n. -1: nobody holds it. */
	int begun, ended;
	int starts; /* generations begin higher each time */
	int cells_let_go[IMITATION_CELLS];
	int addrs6_let_go[IMITATION_ADDRS6];
	int ids_let_go[IMITATION_IDS];
	int backends_let_go[IMITATION_BACKENDS + 1];
	int front_let_go; /* an element of the hash */
};

/* What a connect() to an address meets: a digest of the whole run, or 0 for "not ours". */
typedef uint64_t outcome;

void imitation_init(struct imitation *m);
/* Fails the test if a reader could notice what is overwritten. */
void imitation_apply(struct imitation *m, const struct plan_op *op);
outcome imitation_resolve(const struct imitation *m, const struct addr_port *to, uint8_t protocol);
/* What a service in force is to whoever connects. */
outcome imitation_run(const struct imitation *m, uint32_t id);
/* The id behind an address, 0: none. */
uint32_t imitation_find(const struct imitation *m, const struct addr_port *to, uint8_t protocol);
/* What the service ought to be to whoever connects. */
outcome imitation_outcome(const struct table_service *service);
void imitation_grace_begin(struct imitation *m);
void imitation_grace_end(struct imitation *m);

/* A planner as a start makes it: from the maps, after a grace period. */
struct planner *imitation_planner(struct imitation *m);
/* What a start without news would make of a service; only its backends, the caller's to free. */
struct table_service imitation_seed(const struct imitation *m, const char *name);
/* Compares the rows for people, and that nothing else is left, with what is wanted. */
void imitation_is(const struct imitation *m, const struct table *want);
