/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to the id of its service, as bpf/pick.bpf.h reads it: buckets of four ways for
 * IPv4, the kernel's hash for the rest. A way is filled id first and emptied key first, and the
 * plan fills none between an emptying and the end of a grace period: so a reader who has matched a
 * key reads its id or 0, never another's, on machines that reorder loads as well.
 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

static struct addr key_addr(const struct shunt_front_key *key)
{
	return addr_from_ipv6(key->address.octets);
}

static bool key_is_ipv4(const struct shunt_front_key *key)
{
	struct addr a = key_addr(key);

	return addr_is_ipv4(&a);
}

static uint64_t way_key(const struct shunt_front_key *key)
{
	uint32_t address;

	memcpy(&address, key->address.octets + 12, sizeof(address));
	return SHUNT_WAY_KEY(address, key->port, key->protocol);
}

static struct shunt_bucket *bucket_of(const struct dataplane *d, uint64_t key)
{
	return &d->buckets[SHUNT_BUCKET_OF(key)];
}

/* The way that holds `key` (0: a free one), or NULL. */
static struct shunt_way *way_find(struct shunt_bucket *bucket, uint64_t key)
{
	for (size_t i = 0; i < SHUNT_BUCKET_WAYS; i++) {
		if (__atomic_load_n(&bucket->ways[i].key, __ATOMIC_ACQUIRE) == key)
			return &bucket->ways[i];
	}
	return NULL;
}

static void spilled_add(struct shunt_bucket *bucket, int change)
{
	uint32_t *spilled = &bucket->ways[0].spilled;

	__atomic_store_n(spilled, *spilled + (uint32_t)change, __ATOMIC_RELEASE);
}

static int hash_put(const struct dataplane *d, const struct shunt_front_key *key,
		    uint32_t service_id)
{
	struct shunt_front front = { .service_id = service_id };

	return bpf_map_update_elem(d->maps[MAP_FRONT].fd, key, &front, BPF_ANY) < 0 ? -errno : 0;
}

/* A key that spilled stays in the hash until it is deleted, though a way may have become free. */
static bool is_spilled(const struct dataplane *d, const struct shunt_bucket *bucket,
		       const struct shunt_front_key *key)
{
	struct shunt_front front;

	return bucket->ways[0].spilled > 0 &&
	       bpf_map_lookup_elem(d->maps[MAP_FRONT].fd, key, &front) == 0;
}

int front_put(const struct dataplane *d, const struct shunt_front_key *key, uint32_t service_id)
{
	uint64_t wanted = way_key(key);
	struct shunt_bucket *bucket = bucket_of(d, wanted);
	struct shunt_way *way;
	int r;

	if (!key_is_ipv4(key) || is_spilled(d, bucket, key))
		return hash_put(d, key, service_id);
	way = way_find(bucket, wanted);
	if (!way)
		way = way_find(bucket, 0);
	if (way) {
		__atomic_store_n(&way->service_id, service_id, __ATOMIC_RELEASE);
		__atomic_store_n(&way->key, wanted, __ATOMIC_RELEASE);
		return 0;
	}
	spilled_add(bucket, 1);
	r = hash_put(d, key, service_id);
	if (r < 0)
		spilled_add(bucket, -1);
	return r;
}

int front_delete(const struct dataplane *d, const struct shunt_front_key *key)
{
	uint64_t wanted = way_key(key);
	struct shunt_bucket *bucket = bucket_of(d, wanted);
	struct shunt_way *way = key_is_ipv4(key) ? way_find(bucket, wanted) : NULL;

	if (way) {
		__atomic_store_n(&way->key, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&way->service_id, 0, __ATOMIC_RELEASE);
		return 0;
	}
	if (bpf_map_delete_elem(d->maps[MAP_FRONT].fd, key) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (key_is_ipv4(key))
		spilled_add(bucket, -1);
	return 0;
}

uint32_t front_lookup(const struct dataplane *d, const struct shunt_front_key *key)
{
	uint64_t wanted = way_key(key);
	const struct shunt_way *way = key_is_ipv4(key) ? way_find(bucket_of(d, wanted), wanted)
						       : NULL;
	struct shunt_front front;

	if (way)
		return __atomic_load_n(&way->service_id, __ATOMIC_ACQUIRE);
	if (bpf_map_lookup_elem(d->maps[MAP_FRONT].fd, key, &front) < 0)
		return 0;
	return front.service_id;
}

/* --- reading all ------------------------------------------------------------------------------ */

static int row_add(struct plan_state *state, const struct plan_front *row)
{
	if (util_grow(&state->fronts.list, &state->fronts.capacity, state->fronts.n + 1,
		      sizeof(*row)) < 0)
		return -ENOMEM;
	state->fronts.list[state->fronts.n++] = *row;
	return 0;
}

static int way_row(const struct shunt_way *way, struct plan_state *state)
{
	uint32_t address = (uint32_t)(way->key >> 32);
	struct addr a = addr_from_ipv4(&address);
	struct plan_front row = {
		.key = { .port = (uint16_t)(way->key >> 16), .protocol = (uint8_t)(way->key >> 8) },
		.service_id = way->service_id,
	};

	if (way->key == 0)
		return 0;
	memcpy(row.key.address.octets, a.octets, sizeof(row.key.address.octets));
	return row_add(state, &row);
}

static int hash_row(void *user, const void *key, const void *value)
{
	struct plan_state *state = user;
	struct plan_front row = { .service_id = ((const struct shunt_front *)value)->service_id };

	memcpy(&row.key, key, sizeof(row.key));
	return row_add(state, &row);
}

/* What the hash holds of each bucket; a count that is too high only costs a lookup, but for good.
 */
static void spilled_repair(struct dataplane *d, const struct plan_state *state, size_t first)
{
	for (uint32_t i = 0; i < SHUNT_BUCKETS; i++)
		d->buckets[i].ways[0].spilled = 0;
	for (size_t i = first; i < state->fronts.n; i++) {
		const struct shunt_front_key *key = &state->fronts.list[i].key;

		if (key_is_ipv4(key))
			spilled_add(bucket_of(d, way_key(key)), 1);
	}
}

int front_read(struct dataplane *d, struct plan_state *state)
{
	size_t first;
	int r = 0;

	for (uint32_t i = 0; i < SHUNT_BUCKETS && r == 0; i++) {
		for (size_t way = 0; way < SHUNT_BUCKET_WAYS && r == 0; way++)
			r = way_row(&d->buckets[i].ways[way], state);
	}
	first = state->fronts.n;
	if (r == 0)
		r = map_walk(&d->maps[MAP_FRONT], hash_row, state);
	if (r == 0)
		spilled_repair(d, state, first);
	return r;
}
