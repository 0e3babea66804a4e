/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What alternatives.bpf.c and its user share: the maps of the plain choice. No functions. */
#pragma once

#include <linux/types.h>

#define ALTERNATIVE_SERVICES 16384
#define ALTERNATIVE_BACKENDS 131072

struct alternative_key {
	__u32 address; /* network order */
	__u32 port;    /* host order */
};

struct alternative_service {
	__u32 id, base, count, pad;
};

struct alternative_backend {
	__u32 address, port;
};

/* The least that leads from an address to a backend: one cache line, then the backend. */
#define ALTERNATIVE_LINE_BITS 15

struct alternative_line {
	struct alternative_key key;
	__u32 base, count, turn;
	__u32 pad[11];
};

/* A product with 2^64 / phi spreads what differs in the last octets (network order: the highest).
 */
#define ALTERNATIVE_LINE_OF(address)                                          \
	((__u32)((__u64)__builtin_bswap32(address) * 0x9e3779b97f4a7c15ULL >> \
		 (64 - ALTERNATIVE_LINE_BITS)))
