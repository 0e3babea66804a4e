/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of kernel/dataplane.h that looks at other people's programs on our hooks: to tell of
 * them, never to touch them.
 */
#pragma once

#include "kernel/dataplane.h"

#define FOREIGN_NAME_MAX 16 /* BPF_OBJ_NAME_LEN */

struct foreign {
	uint32_t program;	     /* its id */
	char name[FOREIGN_NAME_MAX]; /* "": not told without CAP_SYS_ADMIN */
	const char *hook;	     /* "connect4"; constant */
	char *cgroup;	   /* where it is attached; NULL: above what is visible here. Owned */
	bool is_displaced; /* it allowed to be overridden, and ours below it does that */
};

struct foreigners {
	struct foreign *list;
	size_t n, capacity;
};

/*
 * The programs of others that run for tasks of our cgroup, on it or above it, beside ours or until
 * we came. Those of cgroups below, which run before ours, are not looked for. 0 or a negative
 * errno. *ret is the caller's, and touched on success only.
 */
int dataplane_find_foreign(const struct dataplane *d, struct foreigners *ret);
void foreigners_done(struct foreigners *f);
