/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs make of a destination, worked out from the pinned maps as they read them
 * (bpf/pick.bpf.h): which service, which backends, in what shares. It owns its copies; it changes
 * nothing.
 */
#pragma once

#include "kernel/dataplane.h"

enum verdict_kind {
	VERDICT_LEFT_ALONE, /* not ours */
	VERDICT_REDIRECTED,
	VERDICT_REFUSED, /* no backend: ECONNREFUSED at once */
	VERDICT_PASSED,	 /* no backend: it goes where it was going */
};

struct verdict {
	struct addr_port to;
	enum shunt_protocol protocol;
	enum verdict_kind kind;
	const struct table_service *service; /* in the table; NULL when left alone */
	bool is_ipv6;			     /* the family that is picked from */
	uint32_t *turns; /* owned: slots in that family, for each of the service's backends */
	uint32_t slots;	 /* of that family */
	enum shunt_balance balance;
};

/* 0, -ENOMEM, or -ESTALE: the service keeps changing under our eyes. */
int verdict_make(const struct dataplane *d, const struct table *table, const struct addr_port *to,
		 enum shunt_protocol protocol, struct verdict *ret);
void verdict_done(struct verdict *v);

/* "redirected", "refused" ... */
const char *verdict_name(enum verdict_kind kind);
