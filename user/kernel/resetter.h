/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to backends that are gone, and their reset: rows of shunt_resets tell which these
 * are, a resetter destroys them. Which means it has the kernel tells: iterators with
 * bpf_sock_destroy(), or SOCK_DESTROY by netlink. It opens nothing in a network namespace: what it
 * works on there is passed to it.
 *
 * Never destroyed is a socket whose note and peer are not such a backend (bpf/reset.bpf.h).
 */
#pragma once

#include "core/reset_schedule.h"
#include "kernel/dataplane.h"

/* The row of a backend, as of the run in force of its service; 0 or a negative errno. */
int reset_rows_put(const struct dataplane *d, const struct reset_due *due);
/* What is gone already is as it should be. */
int reset_rows_delete(const struct dataplane *d, uint32_t service_id,
		      const struct addr_port *backend);
/* What a predecessor left, without that of services that are gone. The caller's to
 * reset_schedule_done. */
int reset_rows_read(const struct dataplane *d, struct reset_schedule *ret);

struct resetter;

#define RESETTER_LINKS 2

/*
 * Loads what it takes; the dataplane outlives it. -ENOTSUP: this kernel has no means. What is
 * lacking, and what that costs, is added to *missing in either case.
 */
int resetter_open(const struct dataplane *d, struct resetter **ret, struct diag *missing);
void resetter_free(struct resetter *t);
DEFINE_CLEANUP(struct resetter *, resetter_free);

/* Links of which it wants an iterator in each namespace; 0: it wants a socket of sock_diag(7). */
size_t resetter_links(const struct resetter *t, int ret[static RESETTER_LINKS]);

/*
 * For the thread pool: how many there are to destroy, as far as notes tell, or an error. With none
 * there is no need to walk.
 */
int resetter_begin(struct resetter *t);
/* With what was opened in a namespace. Once as many as there were are destroyed it does no more. */
int resetter_walk(struct resetter *t, const int *fds, size_t n);
