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
