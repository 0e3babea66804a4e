/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door to the kernel: loads, attaches and pins the programs and maps, or takes over what a
 * dead agent left; applies a plan; reads back what is there. It owns descriptors and mappings; the
 * pins under <bpffs>/shunt outlive it on purpose.
 *
 * One writer at a time: dataplane_open holds a lock on the pin directory. Readers take no lock.
 */
#pragma once

#include "base/diag.h"
#include "core/plan.h"
#include "core/table.h"
#include "shunt/layout.h"

struct dataplane;

struct dataplane_options {
	const char *bpffs;  /* mounted if it is not */
	const char *cgroup; /* NULL: the cgroup2 root found on the machine */
	/* For tests: behave as on a kernel before 5.18; run after every single write to a map. */
	bool without_set_retval;
	bool without_tracks;	   /* before 5.15 */
	bool without_sock_destroy; /* before 6.5 */
	void (*after_write)(void *user);
	void *user;
};

/*
 * Opens for writing. 0, or a negative errno with its reason and remedy in *problems:
 * -EBUSY another agent is alive; -EEXIST another program is in the way; -EPROTO pins of another
 * layout; -ENOTDIR no usable cgroup2 root; -EPERM, -EACCES lacking privileges; else what the kernel
 * said.
 */
int dataplane_open(const struct dataplane_options *options, struct dataplane **ret,
		   struct diag *problems);
/* Opens what is pinned for reading. -ENOENT: nothing is pinned there; -EPROTO as above. */
int dataplane_open_reader(const char *bpffs, struct dataplane **ret, struct diag *problems);
/* The pid of a shuntd that holds the pins now, or 0. */
int dataplane_running_agent(const char *bpffs);
/* Leaves everything pinned and in force. */
void dataplane_close(struct dataplane *d);
DEFINE_CLEANUP(struct dataplane *, dataplane_close);

/* Reads the maps: the services and backends in force. The caller's to table_done. */
int dataplane_read(struct dataplane *d, struct table *ret);

/* Sums over the CPUs; without a system call. */
void dataplane_counters(const struct dataplane *d, uint32_t service_id, struct shunt_counters *ret);
void dataplane_failures(const struct dataplane *d, uint32_t service_id, struct shunt_failures *ret);
void dataplane_resets(const struct dataplane *d, uint32_t service_id, uint64_t ret[static RESETS]);

/* What the front makes of an address: the id of its service, or 0 for "not ours". */
uint32_t dataplane_lookup(const struct dataplane *d, const struct addr_port *to,
			  enum shunt_protocol protocol);
/* The cells of a run as the programs see them, `ret_slots` the caller's. 0, -ESTALE, -ENOMEM. */
int dataplane_read_run(const struct dataplane *d, uint32_t service_id, struct shunt_head *ret_head,
		       struct endpoint **ret_slots, size_t *ret_n);

/*
 * What the programs count and have found out, copied; false: the backend's id is another's by now.
 * dataplane_news changes whenever some backend's health does.
 */
bool dataplane_health(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		      struct shunt_health *ret);
bool dataplane_load(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		    struct shunt_load *ret);
void dataplane_policy(const struct dataplane *d, uint32_t service_id, struct shunt_policy *ret);
uint64_t dataplane_news(const struct dataplane *d);
/* How many tasks avoid each backend now, sorted by id; the caller's. 0 or a negative errno. */
struct dataplane_avoided {
	uint32_t backend_id, born, tasks;
};
int dataplane_avoided(const struct dataplane *d, uint64_t now_ns, struct dataplane_avoided **ret,
		      size_t *ret_n);
/* SHUNT_LOOK_... of the service, of all CPUs; to set it, and what follows, is the agent's. */
uint64_t dataplane_look(const struct dataplane *d, uint32_t service_id);
void dataplane_set_look(const struct dataplane *d, uint32_t service_id, uint64_t look);
/* `seen` was told before the rows were counted: if the programs have counted since, it stays. */
void dataplane_settle_ejected(const struct dataplane *d, uint32_t service_id, uint32_t seen,
			      uint32_t ejected);
void dataplane_end_ejection(const struct dataplane *d, uint32_t backend_id, uint32_t born);

struct dataplane_map_use {
	const char *map; /* "shunt_services" ... */
	uint64_t entries, capacity;
};

#define DATAPLANE_MAPS_MAX 8

/* How full the maps are, by the planner's account; returns how many rows were filled. */
size_t dataplane_map_use(const struct dataplane *d, const struct planner *p,
			 struct dataplane_map_use rows[DATAPLANE_MAPS_MAX]);

/* A row of shunt_backends. 0, or -ENOENT. */
int dataplane_read_backend(const struct dataplane *d, uint32_t id, struct shunt_backend *ret);

/* The rest is for the agent; see core/plan.h for what a plan is. */

/* The rows and memory that a planner starts from. *ret is the caller's to plan_state_done. */
int dataplane_read_state(struct dataplane *d, struct plan_state *ret);
struct plan_memory dataplane_memory(const struct dataplane *d);
void dataplane_limits(const struct dataplane *d, struct plan_limits *ret);
/* Carries out the writes in order. A failure leaves what was written: read again and plan again. */
int dataplane_apply(struct dataplane *d, const struct plan *plan);
/* Waits until no program runs that began before: milliseconds;
 * for the thread pool. 0 or an error: nothing may be reused then. */
int dataplane_wait_grace(const struct dataplane *d);
/* Are the programs attached where they were? 0, or -ENOLINK with the reason in *problems. */
int dataplane_check(const struct dataplane *d, struct diag *problems);
/* What this kernel lacks, and what that costs; empty: nothing. Belongs to the dataplane. */
const struct diag *dataplane_missing(const struct dataplane *d);
/* The cgroup it is attached to: path and id. */
const char *dataplane_cgroup(const struct dataplane *d, uint64_t *ret_id);

/*
 * Removes every link, program, map and the directory. *ret_agent_pid: an agent that still runs, or
 * 0. -ENOENT: there was nothing.
 */
int dataplane_detach(const char *bpffs, int *ret_agent_pid, struct diag *problems);
