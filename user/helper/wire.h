/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent and its helper say to each other, over a pair of SOCK_SEQPACKET sockets: a request
 * is answered by a reply for each network namespace, with its descriptors, and one that is the
 * last. helper.c is the agent's end of it, child.c the helper's.
 */
#pragma once

#include "helper/helper.h"

struct helper_request {
	uint32_t ask; /* enum helper_ask, or HELPER_FEATURES */
};

#define HELPER_FEATURES HELPER_ASKS /* one reply: can it enter namespaces at all? */

enum helper_blind {
	HELPER_SEES_ALL,
	HELPER_OWN_PIDS_ONLY, /* it is in a PID namespace, so it finds its own container's only */
};

struct helper_reply {
	int32_t error;	 /* of this namespace, or of the request; 0 or a negative errno */
	uint32_t last;	 /* no more comes, and there is no descriptor here */
	uint32_t hidden; /* with the last of a walk: processes that could not be looked at */
	uint32_t blind;	 /* enum helper_blind; of HELPER_FEATURES */
};

/* One message and its descriptors; 0 or a negative errno. */
int wire_send(int channel, const void *message, size_t size, const int *fds, size_t n);
/* -EPIPE: the other end is closed; -EPROTO: not a message of this size. Descriptors are the
 * caller's. */
int wire_receive(int channel, void *message, size_t size, int fds[static HELPER_FDS_MAX],
		 size_t *ret_n);

/* child.c: serves the channel until it is closed; never returns. */
_Noreturn void child_run(int channel);
