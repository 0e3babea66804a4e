/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS questions on the libuv loop, by c-ares: the name as given (no search list, no hosts file),
 * UDP and then TCP after truncation, every server in turn. It returns the packet as it came;
 * core/dns_wire reads it. A query belongs to whoever started it until it is done.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/util.h"

/* From the first packet of a question to its answer or failure; 2 s for each server asked. */
#define RESOLVER_TIMEOUT_MS 5000
/* Questions on the wire at a time (the VPC's resolver takes 1,024 packets a second); others wait.
 */
#define RESOLVER_ASKED_MAX 128

struct resolver;
struct resolver_query;

struct resolver_answer {
	const char *
		failure; /* NULL, or "timeout", "unreachable", "bad_name" ... when no packet came */
	const uint8_t *packet; /* whatever the response code in it */
	size_t length;
};

typedef void (*resolver_done_fn)(void *user, const struct resolver_answer *answer);

#define RESOLVER_FILE "/etc/resolv.conf"

/*
 * n == 0: the servers are those of the file at `path`, a resolv.conf(5), also when that changes.
 * One that tells none, or cannot be read, leaves them as they were: 127.0.0.1 at first.
 *
 * A server that does not answer, or says SERVFAIL, REFUSED or NOTIMP, has the question passed on to
 * the next; an only one is asked twice when it does not answer. 0, -ENOMEM, or -EINVAL for a server
 * that cannot be asked.
 */
int resolver_new(uv_loop_t *loop, const struct addr_port *list, size_t n, const char *path,
		 struct resolver **ret);
/* From now on it asks these; questions under way are asked anew. On failure nothing has changed. */
int resolver_configure(struct resolver *r, const struct addr_port *list, size_t n,
		       const char *path);
/* No call back will come; not from within one. Closes its handles on the loop. */
void resolver_free(struct resolver *r);
DEFINE_CLEANUP(struct resolver *, resolver_free);

/*
 * `type` as in RFC 1035. `done` is called once, from the loop, never from within, and the query is
 * gone after that. 0 or -ENOMEM.
 */
int resolver_ask(struct resolver *r, const char *name, int type, resolver_done_fn done, void *user,
		 struct resolver_query **ret);
/* No call back will come. Takes NULL. */
void resolver_cancel(struct resolver_query *q);
