/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS packets for tests, built by ldns from records as zone files write them. Owns nothing: the
 * packet is the caller's to free. Included by one test program at a time, hence the functions in a
 * header.
 */
#pragma once

#include <ldns/ldns.h>

#include "base/util.h"

#define DNS_PACKET_RECORDS 12

struct dns_packet {
	const char *name; /* of the question; of the records it is written out */
	int type;
	int rcode;
	uint16_t id;
	bool truncated, not_an_answer;
	const char *answer[DNS_PACKET_RECORDS];
	const char *authority[DNS_PACKET_RECORDS];
	const char *additional[DNS_PACKET_RECORDS];
};

static void dns_packet_push(ldns_pkt *packet, ldns_pkt_section section, const char *const *records)
{
	for (size_t i = 0; i < DNS_PACKET_RECORDS && records[i]; i++) {
		ldns_rr *rr = NULL;

		if (ldns_rr_new_frm_str(&rr, records[i], 0, NULL, NULL) != LDNS_STATUS_OK)
			abort();
		ldns_pkt_push_rr(packet, section, rr);
	}
}

/* Returns the octets, malloc'd, and their number. */
static uint8_t *dns_packet_build(const struct dns_packet *p, size_t *ret_length)
{
	ldns_pkt *packet = ldns_pkt_query_new(ldns_dname_new_frm_str(p->name),
					      (ldns_rr_type)p->type, LDNS_RR_CLASS_IN, LDNS_RD);
	uint8_t *wire = NULL;

	ldns_pkt_set_id(packet, p->id);
	ldns_pkt_set_qr(packet, !p->not_an_answer);
	ldns_pkt_set_tc(packet, p->truncated);
	ldns_pkt_set_rcode(packet, (uint8_t)p->rcode);
	dns_packet_push(packet, LDNS_SECTION_ANSWER, p->answer);
	dns_packet_push(packet, LDNS_SECTION_AUTHORITY, p->authority);
	dns_packet_push(packet, LDNS_SECTION_ADDITIONAL, p->additional);
	if (ldns_pkt2wire(&wire, packet, ret_length) != LDNS_STATUS_OK)
		abort();
	ldns_pkt_free(packet);
	return wire;
}
