/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backends whose connections are to be destroyed, and when. A schedule: it owns its list and knows
 * neither sockets nor a clock; times are arguments, in milliseconds.
 *
 * One that is due is walked for twice, a second apart: the first walk may pass by a connect() that
 * has its backend already, and whose socket nobody can find yet.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

#define DOOMS_WALKS 2
#define DOOMS_AGAIN_MS 1000
#define DOOMS_NEVER UINT64_MAX

struct doom {
	uint32_t service_id;
	struct addr_port backend; /* port 0: the ports that clients asked for */
	uint32_t born;		  /* connections of a later birth are not meant */
	enum shunt_reset reason;
	uint64_t due_ms;
	unsigned int walks; /* made since it was due */
};

struct dooms {
	struct doom *list; /* owned; sorted by service and backend */
	size_t n, capacity;
};

void dooms_done(struct dooms *d);

/* Of two for one backend that which is due first counts. 0 or -ENOMEM. */
int dooms_add(struct dooms *d, const struct doom *added);
/* The doom of a backend, or NULL. */
const struct doom *dooms_find(const struct dooms *d, uint32_t service_id,
			      const struct addr_port *backend);
/* Forgets the doom of a backend, if there is one. */
void dooms_remove(struct dooms *d, uint32_t service_id, const struct addr_port *backend);
/* When the next is due; DOOMS_NEVER. */
uint64_t dooms_next_ms(const struct dooms *d);
/*
 * A walk that began at `began_ms` has ended: those that were due then are due again later. What has
 * had its walks is moved to *ret_finished, which is the caller's. 0 or -ENOMEM.
 */
int dooms_walked(struct dooms *d, uint64_t began_ms, struct dooms *ret_finished);
