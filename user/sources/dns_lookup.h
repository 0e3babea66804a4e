/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at a DNS name: the question, for SRV also its targets, and at the end the endpoints,
 * whole, or one failure. It owns its queries. It never decides when to look again (sources/dns).
 */
#pragma once

#include "core/dns_wire.h"
#include "sources/source.h"

/* Targets of one SRV answer that are asked for at a time, and at all. */
#define DNS_LOOKUP_ASKED_MAX 8
#define DNS_LOOKUP_TARGETS_MAX 1024

struct dns_lookup;

struct dns_lookup_request {
	struct resolver *resolver;
	struct requests *requests; /* or NULL */
	const char *name;
	enum dns_wire_type type;
	bool ipv6_first; /* of SRV targets with addresses of both families these are taken */
	bool either;	 /* A and AAAA: where there is none of the one, the other is asked for */
	uint16_t port;	 /* of the endpoints of A and AAAA; SRV records bring theirs */
};

struct dns_lookup_result {
	const struct source_failure *failure; /* NULL, or why there is no snapshot */
	struct source_snapshot snapshot;
	size_t records; /* of the type that was asked for */
	uint32_t ttl_s; /* as they say, or the negative TTL */
	bool nothing;	/* NXDOMAIN or NODATA, to the name or to a target: negative TTLs count */
};

typedef void (*dns_lookup_done_fn)(void *user, const struct dns_lookup_result *result);

/*
 * `request->name` must outlive the lookup. `done` is called once, from the loop; the lookup is gone
 * after that. An SRV target that NXDOMAIN or NODATA says has no address is left out and counted;
 * one that could not be asked fails the whole as "partial": an answer must not shrink by an error
 * (I3). Only the targets of the lowest priority number count (RFC 2782). 0 or -ENOMEM.
 */
int dns_lookup_start(const struct dns_lookup_request *request, dns_lookup_done_fn done, void *user,
		     struct dns_lookup **ret);
/* No call back will come. Takes NULL. */
void dns_lookup_cancel(struct dns_lookup *l);
DEFINE_CLEANUP(struct dns_lookup *, dns_lookup_cancel);
