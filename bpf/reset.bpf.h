/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which sockets are to be reset, by their backend. Two have to agree: the note, which says
 * what the service and the backend were, and the socket's own peer. A socket that has been
 * connected elsewhere since, or whose backend's address another service has too, is not one.
 */
#pragma once

#include <bpf/bpf_endian.h>

#include "sender.bpf.h"
#include "track.bpf.h"

#define AF_INET 2
#define AF_INET6 10

struct peer {
	struct shunt_address address;
	__u16 port; /* 0: it has none */
};

static __always_inline struct peer peer_of(const struct sock_common *sk)
{
	struct peer peer = { .port = bpf_ntohs(sk->skc_dport) };
	__u32 *words = (__u32 *)peer.address.octets;

	if (sk->skc_family == AF_INET6) {
		const __u32 *from = (const __u32 *)&sk->skc_v6_daddr;

		words[0] = from[0];
		words[1] = from[1];
		words[2] = from[2];
		words[3] = from[3];
	} else if (sk->skc_family == AF_INET) {
		words[2] = bpf_htonl(0xffff);
		words[3] = sk->skc_daddr;
	} else {
		peer.port = 0;
	}
	return peer;
}

/* Who a connection is of, as it was noted when it was made. */
struct origin {
	__u32 service_id;
	__u32 generation;
	__u32 born; /* the backend */
};

static __always_inline const struct shunt_reset *reset_row(const struct origin *origin,
							   const struct peer *peer, __u16 port)
{
	struct shunt_reset_key key = {
		.service_id = origin->service_id,
		.backend = peer->address,
		.port = port,
	};
	const struct shunt_reset *row = bpf_map_lookup_elem(&shunt_resets, &key);

	if (!row || row->generation != origin->generation || bpf_ktime_get_ns() < row->due_ns)
		return NULL;
	return (__s32)(row->born - origin->born) < 0 ? NULL : row;
}

/* The row of a backend whose connections are to go now, or NULL. */
static __always_inline const struct shunt_reset *reset_find(const struct origin *origin,
							    const struct peer *peer)
{
	const struct shunt_reset *row = reset_row(origin, peer, peer->port);

	return row ? row : reset_row(origin, peer, 0);
}

/* The note of a redirected TCP socket; false: it is not one, or its peer is another by now. */
static __always_inline bool track_origin(const struct sock_common *sk, const struct peer *peer,
					 struct origin *ret)
{
	__u64 cookie = (__u64)sk->skc_cookie.counter;
	const struct shunt_track *track = cookie ? track_find(cookie) : NULL;

	if (!track || !note_is_of(&track->note, &peer->address, peer->port))
		return false;
	ret->service_id = track->service_id;
	ret->generation = track->generation;
	ret->born = track->born;
	return true;
}

/*
 * The row of the backend that a socket with notes is connected to. Two services may have it, and
 * which of the two the socket is of the notes cannot tell: then it goes with the last of them.
 */
static __always_inline const struct shunt_reset *sender_reset(const struct shunt_sender *sender,
							      const struct peer *peer,
							      __u32 *ret_service_id)
{
	const struct shunt_reset *found = NULL;

#pragma unroll
	for (int i = 0; i < SHUNT_SENDER_NOTES; i++) {
		const struct shunt_sent *sent = &sender->notes[i];
		struct origin origin = { sent->service_id, sent->generation, sent->born };

		if (!note_is_of(&sent->note, &peer->address, peer->port))
			continue;
		found = reset_find(&origin, peer);
		if (!found)
			return NULL;
		*ret_service_id = sent->service_id;
	}
	return found;
}
