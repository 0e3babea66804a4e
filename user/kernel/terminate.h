/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to backends that are doomed, and their end: rows of shunt_doomed tell which these
 * are, a terminator destroys them. Which means it has the kernel tells: iterators with
 * bpf_sock_destroy(), or SOCK_DESTROY by netlink. It opens nothing in a network namespace: what it
 * works on there is passed to it.
 *
 * Never destroyed is a socket whose note and peer are not such a backend (bpf/doomed.bpf.h).
 */
#pragma once

#include "core/dooms.h"
#include "kernel/dataplane.h"

/* The row of a backend, as of the run in force of its service; 0 or a negative errno. */
int doomed_put(const struct dataplane *d, const struct doom *doom);
/* What is gone already is as it should be. */
int doomed_delete(const struct dataplane *d, uint32_t service_id, const struct addr_port *backend);
/* What a predecessor left, without that of services that are gone. The caller's to dooms_done. */
int doomed_read(const struct dataplane *d, struct dooms *ret);

struct terminator;

#define TERMINATOR_LINKS 2

/*
 * Loads what it takes; the dataplane outlives it. -ENOTSUP: this kernel has no means. What is
 * lacking, and what that costs, is added to *missing in either case.
 */
int terminator_open(const struct dataplane *d, struct terminator **ret, struct diag *missing);
void terminator_free(struct terminator *t);
DEFINE_CLEANUP(struct terminator *, terminator_free);

/* Links of which it wants an iterator in each namespace; 0: it wants a socket of sock_diag(7). */
size_t terminator_links(const struct terminator *t, int ret[static TERMINATOR_LINKS]);

/*
 * For the thread pool: how many there are to destroy, as far as notes tell, or an error. With none
 * there is no need to walk.
 */
int terminator_begin(struct terminator *t);
/* With what was opened in a namespace. Once as many as there were are destroyed it does no more. */
int terminator_destroy(struct terminator *t, const int *fds, size_t n);
