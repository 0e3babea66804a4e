/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision: from a destination to a backend. It knows maps and numbers, not the context it runs
 * in, so that tests can run it by BPF_PROG_TEST_RUN.
 *
 * Reading order is what makes it safe (I1, I2): the front names the service, one load takes its
 * run, and everything else lies in that run, which is not reused before a grace period.
 */
#pragma once

#include <stdbool.h>

#include <linux/in.h>
#include <bpf/bpf_endian.h>

#include "maps.bpf.h"

enum verdict {
	VERDICT_NOT_OURS,   /* leave it alone: no service, or who asks is exempt */
	VERDICT_REDIRECTED, /* to pick.address, pick.port */
	VERDICT_REFUSED,    /* no backend: fail at once */
	VERDICT_PASSED,	    /* no backend, on_empty is "pass": leave it alone */
};

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
	__u32 born; /* of the backend */
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

static __always_inline bool address_is_ipv4(const struct shunt_address *a)
{
	const __u32 *words = (const __u32 *)a->octets;

	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

static __always_inline bool prefix_is_used(const __u64 *words, __u16 first)
{
	return words[first / 64] >> (first % 64) & 1;
}

/* Does any service have an address that begins like this one? `first` is a number of 16 bits. */
static __always_inline bool pick_may_be_ours4(__u16 first)
{
	__u32 zero = 0;
	const struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes, &zero);

	return prefixes && prefix_is_used(prefixes->ipv4, first);
}

static __always_inline bool pick_may_be_ours6(__u16 first)
{
	__u32 zero = 0;
	const struct shunt_prefixes *prefixes = bpf_map_lookup_elem(&shunt_prefixes, &zero);

	return prefixes && prefix_is_used(prefixes->ipv6, first);
}

static __always_inline __u32 front_in_hash(const struct pick *pick, __u16 port)
{
	struct shunt_front_key key = {
		.address = pick->address,
		.port = port,
		.protocol = pick->protocol,
	};
	const struct shunt_front *front = bpf_map_lookup_elem(&shunt_front, &key);

	return front ? front->service_id : 0;
}

static __always_inline __u32 front_in_bucket(const struct pick *pick, __u16 port)
{
	__u32 address = ((const __u32 *)pick->address.octets)[3];
	__u64 key = SHUNT_WAY_KEY(address, port, pick->protocol);
	__u32 index = SHUNT_BUCKET_OF(key);
	const struct shunt_bucket *bucket = bpf_map_lookup_elem(&shunt_buckets, &index);

	if (!bucket)
		return 0;
	for (int i = 0; i < SHUNT_BUCKET_WAYS; i++) {
		if (*(const volatile __u64 *)&bucket->ways[i].key == key)
			return *(const volatile __u32 *)&bucket->ways[i].service_id;
	}
	return bucket->ways[0].spilled ? front_in_hash(pick, port) : 0;
}

/* The one place that knows how an address leads to a service; 0: to none. */
static __always_inline __u32 front_find(const struct pick *pick)
{
	bool ipv4 = address_is_ipv4(&pick->address);
	__u32 id = ipv4 ? front_in_bucket(pick, pick->port) : front_in_hash(pick, pick->port);

	if (id)
		return id;
	return ipv4 ? front_in_bucket(pick, 0) : front_in_hash(pick, 0);
}

static __always_inline struct shunt_counters *counters_of(__u32 service_id)
{
	__u32 index = bpf_get_smp_processor_id() * settings.runs_capacity + service_id;

	return bpf_map_lookup_elem(&shunt_counters, &index);
}

/* NULL: the run was not what it said (never seen, by I2). */
static __always_inline const union shunt_cell *cell_at(__u32 index)
{
	return bpf_map_lookup_elem(&shunt_slots, &index);
}

/* Turns the slot into the destination. */
static __always_inline bool slot_take(struct pick *pick, const union shunt_cell *cell, bool is_ipv6)
{
	const struct shunt_address *address6;
	struct shunt_slot slot;

	if (!cell)
		return false;
	slot = cell->slot;
	if (is_ipv6) {
		address6 = bpf_map_lookup_elem(&shunt_addrs6, &slot.address);
		if (!address6)
			return false;
		pick->address = *address6;
	} else {
		__u32 *words = (__u32 *)pick->address.octets;

		words[0] = 0;
		words[1] = 0;
		words[2] = bpf_htonl(0xffff);
		words[3] = slot.address;
	}
	if (slot.port)
		pick->port = slot.port;
	pick->backend_id = slot.backend_id;
	pick->born = slot.born;
	return true;
}

/* The family that was asked for, if it has backends; else the other one, if the socket can. */
static __always_inline bool wants_ipv6(const struct pick *pick, shunt_run run)
{
	if (pick->ipv4_only)
		return false;
	if (address_is_ipv4(&pick->address))
		return SHUNT_RUN_COUNT4(run) == 0;
	return SHUNT_RUN_COUNT6(run) != 0;
}

/* Draws a number below `count` from a random or a hashed one, without a division. */
static __always_inline __u32 scale(__u32 number, __u32 count)
{
	return (__u32)(((__u64)number * count) >> 32);
}

/*
 * A UDP connect() on a service of any protocol may be no more than a resolver's probe (RFC 6724
 * sorting): it is not counted, and does not move the round robin.
 */
static __always_inline bool is_probe(const struct pick *pick, struct shunt_head head)
{
	return pick->protocol == IPPROTO_UDP && pick->asker == ASKER_CONNECT &&
	       head.protocol == PROTOCOL_ANY;
}

/* The same slot for the same key while `count` stays: Fibonacci hashing, as for SHUNT_BUCKET_OF. */
static __always_inline __u32 turn_of(__u64 key, __u32 count)
{
	return scale((__u32)((key * 0x9e3779b97f4a7c15ULL) >> 32), count);
}

/*
 * Which of `count` comes next. A connection moves the round robin of its CPU by being counted. Who
 * sends without connecting is given a share by its cookie: the datagrams of one exchange go to one
 * backend, and when that leaves the run, to another.
 */
static __always_inline __u32 turn(const struct shunt_counters *counters, __u32 count,
				  const struct pick *pick, pick_key_fn *key,
				  enum shunt_balance balance, bool probe)
{
	bool connects = pick->asker == ASKER_CONNECT;

	if (balance == BALANCE_ROUND_ROBIN && connects && !probe)
		return (__u32)(counters->redirected + bpf_get_smp_processor_id()) % count;
	if (balance == BALANCE_MAGLEV_TASK)
		return turn_of(key(pick->context, AFFINITY_TASK), count);
	if (balance == BALANCE_MAGLEV_SOCKET || !connects)
		return turn_of(key(pick->context, AFFINITY_SOCKET), count);
	return scale(bpf_get_prandom_u32(), count);
}

static __always_inline enum verdict pick_backend(struct pick *pick, pick_key_fn *key,
						 pick_exempt_fn *exempt)
{
	__u32 service_id = front_find(pick);
	struct shunt_counters *counters;
	const union shunt_cell *cell;
	const shunt_run *place;
	struct shunt_head head;
	__u32 base, first, count;
	bool is_ipv6, probe, counted;
	shunt_run run;

	if (!service_id || exempt(pick->context, service_id))
		return VERDICT_NOT_OURS;
	place = bpf_map_lookup_elem(&shunt_runs, &service_id);
	counters = counters_of(service_id);
	if (!place || !counters)
		return VERDICT_NOT_OURS;
	run = *(const volatile shunt_run *)place;
	if (!run) /* the service is just going */
		return VERDICT_NOT_OURS;
	pick->service_id = service_id;

	base = SHUNT_RUN_BASE(run);
	cell = cell_at(base);
	if (!cell)
		return VERDICT_NOT_OURS;
	head = cell->head;
	pick->generation = head.generation;
	probe = is_probe(pick, head);
	counted = !probe && pick->asker != ASKER_SEND_AGAIN;
	is_ipv6 = wants_ipv6(pick, run);
	first = base + 1 + (is_ipv6 ? SHUNT_RUN_COUNT4(run) : 0);
	count = is_ipv6 ? SHUNT_RUN_COUNT6(run) : SHUNT_RUN_COUNT4(run);
	if (count)
		first += turn(counters, count, pick, key, head.balance, probe);
	if (count && slot_take(pick, cell_at(first), is_ipv6)) {
		if (counted)
			__sync_fetch_and_add(&counters->redirected, 1);
		return VERDICT_REDIRECTED;
	}
	if (counted)
		__sync_fetch_and_add(&counters->no_backend, 1);
	return head.on_empty == ON_EMPTY_PASS ? VERDICT_PASSED : VERDICT_REFUSED;
}
