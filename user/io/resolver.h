/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS questions on the libuv loop, by c-ares: the name as given (no search list, no hosts file), UDP and
 * then TCP after truncation, every server in turn. It returns the packet as it came; core/dns_wire reads
 * it. A query belongs to whoever started it until it is done.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/util.h"

struct resolver;
struct resolver_query;

struct resolver_answer {
	const char *failure;   /* NULL, or "timeout", "refused", "cancelled" ... when no packet came */
	const uint8_t *packet; /* whatever the response code in it */
	size_t length;
};

typedef void (*resolver_done_fn)(void *user, const struct resolver_answer *answer);

/* n == 0: the servers of /etc/resolv.conf. */
int resolver_new(uv_loop_t *loop, const struct addr_port *servers, size_t n, struct resolver **ret);
void resolver_free(struct resolver *r);
DEFINE_CLEANUP(struct resolver *, resolver_free);

/* `type` as in RFC 1035. `done` is called once, from the loop, never from within. 0 or -ENOMEM. */
int resolver_ask(struct resolver *r, const char *name, int type, resolver_done_fn done, void *user,
		 struct resolver_query **ret);
/* No call back will come. Takes NULL. */
void resolver_cancel(struct resolver_query *q);
