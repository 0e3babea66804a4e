/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process beside the agent, with the privileges that the agent gives up before it reads a
 * byte from the network: to enter the network namespaces of other tasks. It opens what it is asked
 * for there and passes the descriptor back; it never reads from one, parses nothing and takes
 * orders from its parent only. It ends with its parent, however that ends.
 */
#pragma once

#include "base/diag.h"
#include "base/util.h"

#define HELPER_FDS_MAX 4

/* What can be asked for: a descriptor, or as many as are given along, in each namespace. */
enum helper_ask {
	HELPER_ITERATE,	  /* a BPF iterator for each link that is given along */
	HELPER_SOCK_DIAG, /* a socket of NETLINK_SOCK_DIAG */
	HELPER_ASKS,
};

struct helper;

/*
 * Forks: from the main thread, before there are others. 0 or a negative errno; afterwards the
 * caller calls helper_confine as soon as it needs no more than it then has.
 */
int helper_start(struct helper **ret);
/* Tells it to end, and waits for that. */
void helper_free(struct helper *h);
DEFINE_CLEANUP(struct helper *, helper_free);

/* Gives up, in this process for good, what only the helper is to have. 0 or a negative errno. */
int helper_confine(void);

/* What it will not be able to do, in words with the remedy; nothing added: all is well. */
void helper_check(struct helper *h, struct diag *missing);

struct helper_walked {
	size_t entered; /* namespaces */
	size_t failed;
	int error;     /* of the first that failed */
	size_t hidden; /* processes whose namespace could not be told */
};

/* Called with the descriptors of one namespace, which are closed afterwards. 0, or an error. */
typedef int (*helper_fn)(void *user, const int *fds, size_t n);

/*
 * Asks for it in every network namespace of the host, and calls `each` for one after the other; an
 * error of one is counted and does not end the walk. Blocks: for the thread pool, once at a time.
 * 0, or -EPIPE, -ETIMEDOUT ...: the helper is not there (any more).
 */
int helper_walk(struct helper *h, enum helper_ask ask, const int *fds, size_t n, helper_fn each,
		void *user, struct helper_walked *ret);
