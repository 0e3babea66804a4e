/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sockets are noted to be connected to a backend of shunt_resets, by cookie; found in the
 * tracks, and by bpf/victims.bpf.c in socket storage. It owns its list.
 */
#pragma once

#include "base/addr.h"
#include "kernel/internal.h"

struct victims {
	struct shunt_victim *list; /* owned; sorted by cookie */
	size_t n, capacity;
};

/* `iterator_link` is of bpf/victims.bpf.c, or -1. 0 or a negative errno. */
int victims_find(struct victims *v, const struct dataplane *d, int iterator_link);
void victims_done(struct victims *v);
/* The victim with this cookie, if its backend is the socket's peer; or NULL. */
const struct shunt_victim *victims_match(const struct victims *v, uint64_t cookie,
					 struct addr_port peer);
