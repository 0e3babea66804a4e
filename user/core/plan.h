/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the maps hold and what they ought to hold to the writes between, in an order in which
 * every single write leaves the maps right for whoever connects (I1, I2) and for a next start (I4):
 *
 *	1. cells of new runs, where nobody reads yet; what the programs count of new services,
 *	   and of new backends if they do, to zero; rules; rows of services whose name is new
 *	2. runs: one store a service; from here its connects go to the new set
 *	3. prefix bits, then fronts: a new service becomes reachable last
 *	4. fronts of what goes, then prefix bits, then runs
 *	5. rows for people: backends, then the services that they make up; then those that go
 *
 * Up to 4 all is stores into mapped memory, an IPv6 front excepted; 5 is system calls, which
 * nobody waits for who connects. A death before 5 leaves rows that are behind: plan_seed sees it.
 *
 * What a plan frees rests until planner_grace_end; a front may have to wait that long to come, to
 * change its service, or to go (plan_fronts.c says when): what waits makes the plan `deferred`.
 *
 * Pure: the writes are carried out by kernel/dataplane. Owns copies of all it needs.
 */
#pragma once

#include "core/plan_state.h"
#include "core/table.h"

struct plan_limits {
	uint32_t services, slots, addrs6, backends;
	/* The first generation to give to a service: higher than any given before, so the time. */
	uint32_t generation;
};

enum plan_op_kind {
	PLAN_CELLS,	     /* cells[index ...], n of them: a whole run */
	PLAN_ADDR6,	     /* addrs6[index] = address */
	PLAN_BACKEND_PUT,    /* backends[index] = backend */
	PLAN_LOAD_BORN,	     /* loads[index] to zero, born at word */
	PLAN_COUNTERS_ZERO,  /* of service `index` */
	PLAN_RULES,	     /* policies[index].rules = rules */
	PLAN_RUN,	     /* runs[index] = word */
	PLAN_SERVICE_PUT,    /* services[service->name] = service->info */
	PLAN_PREFIX4,	     /* prefixes4[index] = word */
	PLAN_PREFIX6,	     /* prefixes6[index] = word */
	PLAN_FRONT_PUT,	     /* front[key] = index */
	PLAN_FRONT_DELETE,   /* front[key] */
	PLAN_SERVICE_DELETE, /* services[service->name] */
	PLAN_BACKEND_DELETE, /* backends[index] */
};

struct plan_op {
	enum plan_op_kind kind;
	uint32_t index, n;
	union {
		uint64_t word;
		union shunt_cell *cells;   /* owned */
		struct shunt_rules *rules; /* owned */
		struct shunt_address address;
		struct shunt_front_key key;
		const struct shunt_backend *backend; /* these two: the plan's */
		const struct plan_service *service;
	};
};

struct plan {
	PLAN_ROWS(struct plan_op) ops;
	bool deferred; /* plan again after a grace period, see planner_amend */
	/* Services that did not fit and keep what was there: names (owned), -ENOSPC or -E2BIG. */
	PLAN_ROWS(struct plan_refusal {
		char *name;
		int error;
	})
	refused;
	/* what writes point to; owned */
	struct plan_backend *backends;
	struct plan_service *services, *gone;
};

void plan_done(struct plan *p);

/* What the programs read, as mapped: what is in force is compared with what is wanted. */
struct plan_memory {
	const union shunt_cell *cells;
	const struct shunt_address *addrs6;
	const struct shunt_policy *policies;
	const struct shunt_load *loads;
};

struct planner;

/*
 * Takes over *have (it is empty afterwards). Everything that *have does not use is free at once:
 * the caller has waited for a grace period since the last writer died.
 */
int planner_new(const struct plan_limits *limits, const struct plan_memory *memory,
		struct plan_state *have, struct planner **ret);
void planner_free(struct planner *p);
DEFINE_CLEANUP(struct planner *, planner_free);

/*
 * The writes from what there is to `want` (sorted by table_sort). The planner goes on as if they
 * had been carried out: if they were not, or on -ENOMEM, make a new one from what the maps hold.
 */
int planner_make(struct planner *p, const struct table *want, struct plan *ret);

struct plan_gone {
	const char *const *names; /* of services; borrowed */
	size_t n;
};

/*
 * The same at the price of a few services: those in `want` have changed, those in `gone` go, and
 * all others are wanted as they were. The first plan cannot be such. After one that is deferred all
 * of its services have to be there again; after one that refuses some, those.
 */
int planner_amend(struct planner *p, const struct table *want, const struct plan_gone *gone,
		  struct plan *ret);

/* Does anything rest? Then begin, wait for a grace period (once at a time), and end. */
bool planner_wants_grace(const struct planner *p);
void planner_grace_begin(struct planner *p);
void planner_grace_end(struct planner *p);
