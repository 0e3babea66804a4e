/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind kernel/dataplane.h share: dataplane.c (life), cgroup.c (where to attach),
 * pins.c (directory, lock, map pins), load.c (programs into the kernel), attach.c (links), events.c
 * (the program that is not always attached), front.c, read.c, apply.c (writes), rows.c (of rows for
 * people), grace.c, detach.c. Nobody else includes it.
 */
#pragma once

#include "base/diag.h"
#include "base/util.h"
#include "core/exclusions.h"
#include "kernel/dataplane.h"
#include "kernel/maps.h"
#include "shunt/layout.h"

#define PINS_DIRECTORY "shunt"
#define PINS_PATH_MAX 512

struct dataplane {
	char *directory;
	int directory_fd; /* holds the lock of a writer; -1 for a reader */
	struct map maps[MAP_COUNT];
	struct shunt_prefixes *prefixes;
	struct shunt_bucket *buckets;
	uint64_t *runs;
	union shunt_cell *cells;
	struct shunt_address *addrs6;
	struct shunt_counters *counters;
	struct shunt_failures *failures;
	struct shunt_policy *policies;
	struct shunt_health *health;
	struct shunt_load *loads;
	struct shunt_timing *timings;
	bool tracks; /* ends of connections are seen */
	int events;  /* are events of connections seen, too? -1: as the predecessor left it */
	struct shunt_settings settings;
	struct diag missing; /* what this kernel lacks, and what that costs */
	unsigned int cpus;
	char *cgroup;
	uint64_t cgroup_id;
	int cgroup_fd;
	int cgroup_level;	    /* below the root of all; -1: not known */
	struct exclusions excluded; /* what shunt_excluded holds, sorted; owned */
	int grace_outer, grace_inner;
	bool without_sock_destroy;
	void (*after_write)(void *user);
	void *user;
};

struct programs;
struct bpf_object;
struct bpf_program;

/* cgroup.c: the root to attach to. `configured` may be NULL. */
int cgroup_find(const char *configured, char **ret_path, int *ret_fd, uint64_t *ret_id,
		struct diag *problems);
bool cgroup_is_v2(int fd);
/* How deep below the root of the hierarchy; -1: that root is not seen from here. */
int cgroup_level(int fd);

/* exclude.c: what a predecessor left. */
int exclude_read(struct dataplane *d);

/* pins.c */
int pins_mount(const char *bpffs, struct diag *problems);
const char *pins_path(const char *directory, const char *name, char path[static PINS_PATH_MAX]);
/* Makes the directory and locks it; -EBUSY names the holder. */
int pins_lock(struct dataplane *d, struct diag *problems);
/* Opens the map pins if they are whole. 1 (opened), 0 (none, or left half-made), or an error. */
int pins_open(struct dataplane *d, struct diag *problems);
int pins_map(struct dataplane *d, bool writable);
/* Pins in the place of what may be pinned there; at no moment is nothing. */
int pins_replace(int fd, const char *path);
int pins_remove(const char *directory);
/* Takes off a link, or removes any other pin; 0 if there is none. */
int pins_remove_one(const char *directory, const char *name);
/* Does anybody hold the lock? 1, 0, or an error (-ENOENT: there is no directory). */
int pins_agent_lives(const char *directory);
/* 0: nobody has written one. */
int pins_agent_pid(const char *directory);
int pins_write_meta(struct dataplane *d);

/* load.c: opens and loads the programs on d's maps (which it makes and pins if `fresh`). */
int load_programs(struct dataplane *d, const struct dataplane_options *options, bool fresh,
		  struct programs **ret, struct diag *problems);
/* One object from its ELF; makes the maps, or uses those of d if it has them. */
int load_object(const struct dataplane *d, const struct shunt_settings *settings, const void *elf,
		size_t size, struct bpf_object **ret);
/* events.bpf.c on d's maps: a descriptor of its program, the caller's, or an error. */
int load_events(struct dataplane *d, struct diag *problems);
void programs_free(struct programs *p);
DEFINE_CLEANUP(struct programs *, programs_free);
/* NULL: not on this kernel. */
struct bpf_program *program_find(const struct programs *p, const char *name);

/* attach.c */
int attach_all(struct dataplane *d, const struct programs *programs, struct diag *problems);
int attach_events(struct dataplane *d, int program, struct diag *problems);
int attach_events_off(struct dataplane *d, struct diag *problems);

/* front.c: where an address leads; 0 or a negative errno. */
int front_put(const struct dataplane *d, const struct shunt_front_key *key, uint32_t service_id);
int front_delete(const struct dataplane *d, const struct shunt_front_key *key);
uint32_t front_lookup(const struct dataplane *d, const struct shunt_front_key *key);
/* For the writer: appends all, and counts anew what spilled. */
int front_read(struct dataplane *d, struct plan_state *state);

/* rows.c: rows of one kind are gathered, and written when another kind comes or they are many. */
struct rows;
int rows_new(const struct dataplane *d, size_t most, struct rows **ret);
void rows_free(struct rows *r);
DEFINE_CLEANUP(struct rows *, rows_free);
/* Is it one of those? */
bool rows_has(const struct plan_op *op);
int rows_add(struct rows *r, const struct plan_op *op);
int rows_flush(struct rows *r);

/* grace.c */
int grace_open(struct dataplane *d);
