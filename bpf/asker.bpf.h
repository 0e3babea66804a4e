/* SPDX-License-Identifier: GPL-2.0-only */
/* A pick: what asks, for which destination, and what becomes of it. */
#pragma once

#include <stdbool.h>

#include <linux/in.h>

#include "maps.bpf.h"

/* What asks. */
enum asker {
	ASKER_CONNECT,	  /* connect() */
	ASKER_SEND,	  /* a datagram to an address that this socket has not sent to before */
	ASKER_SEND_AGAIN, /* and one to an address that it has */
};

struct pick {
	/* in */
	struct shunt_address address;
	__u16 port; /* host order */
	__u8 protocol;
	__u8 ipv4_only; /* the socket cannot reach an IPv6 backend */
	__u8 asker;	/* enum asker */
	void *context;	/* for the functions below */
	/* out, for VERDICT_REDIRECTED; address and port are overwritten */
	__u32 service_id;
	__u32 generation; /* of the service */
	__u32 backend_id;
	__u32 born;	 /* of the backend */
	__u32 flags;	 /* SHUNT_TRACK_...: what has been counted, to be taken back at the end */
	__u8 head_flags; /* SHUNT_HEAD_... */
};

/* Whose backend stays the same while the run does. */
enum affinity {
	AFFINITY_TASK,
	AFFINITY_SOCKET,
};

/*
 * Tells who asks, from pick->context. It costs a helper or two, so it is called only where the
 * choice depends on it. Constant where it is passed on: the compiler leaves no call through it.
 */
typedef __u64 pick_key_fn(void *context, enum affinity affinity);

/* Whether who asks is left alone by this service; called on a hit only. Constant, too. */
typedef bool pick_exempt_fn(void *context, __u32 service_id);

/*
 * A socket that tries again still has the place of its earlier attempt: that is given back before a
 * limit turns it down. Called where there are limits only. Constant.
 */
typedef void pick_end_fn(void *context);
