/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a DNS packet says to a question for A, AAAA or SRV: addresses or targets with their TTLs, or
 * that there are none. It reads by ldns and checks that the packet answers the question that was
 * asked. Pure; the packet is hostile. It never asks anything itself: a target without addresses in
 * the packet comes back without.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

/* Records of all sections together; an answer with more is refused. */
#define DNS_WIRE_RECORDS_MAX 4096
/* CNAMEs that are followed from the name asked for. */
#define DNS_WIRE_CHAIN_MAX 16
/* Assumed when an answer without records tells no negative TTL (RFC 2308 section 5). */
#define DNS_WIRE_NEGATIVE_TTL_S 5

enum dns_wire_type { /* RFC 1035, 3596, 2782 */
		     DNS_WIRE_A = 1,
		     DNS_WIRE_AAAA = 28,
		     DNS_WIRE_SRV = 33,
};

struct dns_wire_addresses {
	struct addr *list; /* owned */
	size_t n, capacity;
	uint32_t ttl_s; /* the smallest of them */
};

/* One SRV record; `name` is lower case, without the final dot. */
struct dns_wire_target {
	char name[SHUNT_NAME_MAX];
	uint16_t priority, weight, port;
	struct dns_wire_addresses ipv4, ipv6; /* of the additional section */
};

enum dns_wire_verdict {
	DNS_WIRE_FOUND,	  /* addresses or targets are there */
	DNS_WIRE_NOTHING, /* NXDOMAIN or NODATA: there are none, and that is an answer */
	DNS_WIRE_FAILURE, /* SERVFAIL, REFUSED, a referral ...: it says nothing of the name */
};

struct dns_wire_answer {
	enum dns_wire_verdict verdict;
	const char *code; /* "ok", "NODATA", "NXDOMAIN", "SERVFAIL" ...: a literal */
	uint32_t ttl_s;	  /* smallest of the chain and the records, or the negative TTL; not of
			     additionals */
	struct dns_wire_addresses addresses; /* A, AAAA */
	struct dns_wire_target *targets;     /* SRV; owned */
	size_t n_targets, capacity;
	size_t n_unusable; /* SRV records with a target that is no name to ask for ("." apart) */
};

void dns_wire_addresses_done(struct dns_wire_addresses *a);
void dns_wire_done(struct dns_wire_answer *a);

/*
 * 0 and *ret (dns_wire_done it), whatever the response code. -EBADMSG: no packet, or no answer to
 * this question; *ret_why says what is wrong with it, a literal. Or -ENOMEM.
 */
int dns_wire_read(const uint8_t *packet, size_t length, const char *name, enum dns_wire_type type,
		  struct dns_wire_answer *ret, const char **ret_why);

/* "A", "AAAA", "SRV". */
const char *dns_wire_type_name(enum dns_wire_type type);
