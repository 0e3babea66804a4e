/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address to the id of its service: first one bit for all that begin alike, so that nobody
 * else pays for us, then a bucket or the kernel's hash.
 */
#pragma once

#include <stdbool.h>

#include <bpf/bpf_endian.h>

#include "maps.bpf.h"

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

static __always_inline __u32 front_in_hash(const struct shunt_address *to, __u8 protocol,
					   __u16 port)
{
	struct shunt_front_key key = {
		.address = *to,
		.port = port,
		.protocol = protocol,
	};
	const struct shunt_front *front = bpf_map_lookup_elem(&shunt_front, &key);

	return front ? front->service_id : 0;
}

static __always_inline __u32 front_in_bucket(const struct shunt_address *to, __u8 protocol,
					     __u16 port)
{
	__u32 address = ((const __u32 *)to->octets)[3];
	__u64 key = SHUNT_WAY_KEY(address, port, protocol);
	__u32 index = SHUNT_BUCKET_OF(key);
	const struct shunt_bucket *bucket = bpf_map_lookup_elem(&shunt_buckets, &index);

	if (!bucket)
		return 0;
	for (int i = 0; i < SHUNT_BUCKET_WAYS; i++) {
		if (*(const volatile __u64 *)&bucket->ways[i].key == key)
			return *(const volatile __u32 *)&bucket->ways[i].service_id;
	}
	return bucket->ways[0].spilled ? front_in_hash(to, protocol, port) : 0;
}

/* The one place that knows how an address leads to a service; 0: to none. */
static __always_inline __u32 front_find(const struct shunt_address *to, __u8 protocol, __u16 port)
{
	bool ipv4 = address_is_ipv4(to);
	__u32 id = ipv4 ? front_in_bucket(to, protocol, port) : front_in_hash(to, protocol, port);

	if (id)
		return id;
	return ipv4 ? front_in_bucket(to, protocol, 0) : front_in_hash(to, protocol, 0);
}
