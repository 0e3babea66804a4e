/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a DNS packet is one on the outside (RFC 1035 section 4.1): a header, and as many
 * questions and records as it counts, each within the packet. Of packets that are not, and of
 * several signatures in one, ldns_wire2pkt() of 1.8 loses memory. What is in the records it leaves
 * to ldns. Pure; the packet is hostile.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* NULL, or what is wrong with it, a literal. */
const char *dns_frame_check(const uint8_t *packet, size_t length, size_t records_max);
