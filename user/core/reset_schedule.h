/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backends whose connections are to be reset, and when. A schedule: it owns its list and knows
 * neither sockets nor a clock; times are arguments, in milliseconds.
 *
 * One that is due is walked for twice, a second apart: the first walk may pass by a connect() that
 * has its backend already, and whose socket nobody can find yet.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

#define RESET_SCHEDULE_WALKS 2
#define RESET_SCHEDULE_AGAIN_MS 1000
#define RESET_SCHEDULE_NEVER UINT64_MAX

struct reset_due {
	uint32_t service_id;
	struct addr_port backend; /* port 0: the ports that clients asked for */
	uint32_t born;		  /* connections of a later birth are not meant */
	enum shunt_reset_reason reason;
	uint64_t due_ms;
	unsigned int walks; /* made since it was due */
};

struct reset_schedule {
	struct reset_due *list; /* owned; sorted by service and backend */
	size_t n, capacity;
};

void reset_schedule_done(struct reset_schedule *d);

/* Of two for one backend that which is due first counts. 0 or -ENOMEM. */
int reset_schedule_add(struct reset_schedule *d, const struct reset_due *added);
/* What is due for a backend, or NULL. */
const struct reset_due *reset_schedule_find(const struct reset_schedule *d, uint32_t service_id,
					    const struct addr_port *backend);
/* Forgets what is due for a backend, if there is one. */
void reset_schedule_remove(struct reset_schedule *d, uint32_t service_id,
			   const struct addr_port *backend);
/* When the next is due; RESET_SCHEDULE_NEVER. */
uint64_t reset_schedule_next_ms(const struct reset_schedule *d);
/*
 * A walk that began at `began_ms` has ended: those that were due then are due again later. What has
 * had its walks is moved to *ret_finished, which is the caller's. 0 or -ENOMEM.
 */
int reset_schedule_walked(struct reset_schedule *d, uint64_t began_ms,
			  struct reset_schedule *ret_finished);
