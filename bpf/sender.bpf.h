/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a socket was redirected from, so that its peer can be called by the address that was asked
 * for: a note, and for UDP sockets the last of them in socket storage. What a note is of, a
 * backend's address and port, is compared each time: a socket may have gone elsewhere since.
 */
#pragma once

#include "asker.bpf.h"

static __always_inline bool same_address(const struct shunt_address *a,
					 const struct shunt_address *b)
{
	const __u64 *left = (const __u64 *)a->octets;
	const __u64 *right = (const __u64 *)b->octets;

	return left[0] == right[0] && left[1] == right[1];
}

static __always_inline struct shunt_note note_of(const struct shunt_address *asked, __u16 port,
						 const struct pick *pick)
{
	return (struct shunt_note){
		.address = *asked,
		.backend = pick->address,
		.port = port,
		.backend_port = pick->port,
	};
}

static __always_inline bool note_is_of(const struct shunt_note *note,
				       const struct shunt_address *peer, __u16 port)
{
	return same_address(&note->backend, peer) && note->backend_port == port;
}

/* The note of what was sent to this address before, or NULL. */
static __always_inline struct shunt_sent *sender_find(struct shunt_sender *sender,
						      const struct shunt_address *asked, __u16 port)
{
	for (int i = 0; sender && i < SHUNT_SENDER_NOTES; i++) {
		struct shunt_sent *sent = &sender->notes[i];

		if (sent->note.port == port && same_address(&sent->note.address, asked))
			return sent;
	}
	return NULL;
}

/*
 * Answers come from the backend: without a note they could not be told to come from the VIP. In an
 * `old` one the VIP stands already.
 */
static __always_inline void sender_note(struct shunt_sender *sender, struct shunt_sent *old,
					const struct shunt_address *asked, __u16 port,
					const struct pick *pick)
{
	if (!old) {
		old = &sender->notes[sender->next++ % SHUNT_SENDER_NOTES];
		old->note.address = *asked;
		old->note.port = port;
	}
	old->note.backend = pick->address;
	old->note.backend_port = pick->port;
	old->service_id = pick->service_id;
	old->generation = pick->generation;
	old->born = pick->born;
	old->sent = ++sender->sent;
}

/* Two services may have one backend: its answer is to what was sent last. */
static __always_inline const struct shunt_note *sender_answered(const struct shunt_sender *sender,
								const struct shunt_address *peer,
								__u16 port)
{
	const struct shunt_sent *last = NULL;

	for (int i = 0; sender && i < SHUNT_SENDER_NOTES; i++) {
		const struct shunt_sent *sent = &sender->notes[i];

		if (note_is_of(&sent->note, peer, port) && (!last || sent->sent > last->sent))
			last = sent;
	}
	return last ? &last->note : NULL;
}
