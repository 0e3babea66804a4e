/* SPDX-License-Identifier: Apache-2.0 */
#include "core/maglev.h"

#include <errno.h>

/* One backend's order of preference: offset, offset + skip, offset + 2 * skip ... modulo the size,
 * which meets every entry because the size is prime. */
struct permutation {
	const struct endpoint *endpoint;
	uint32_t next, skip;
	uint64_t weight, credit;
};

#define RARITY_SIZE_MAX 16381 /* a table is not made larger than this for one light backend */

uint32_t maglev_size(size_t n, uint64_t rarity)
{
	static const struct {
		size_t endpoints;
		uint32_t size;
	} steps[] = {
		{ 5, 251 }, { 20, 1021 }, { 2046, 4093 }, { 8190, 16381 }, { ENDPOINTS_MAX, 65521 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		bool is_fine = steps[i].size >= 2 * rarity || steps[i].size >= RARITY_SIZE_MAX;

		if (n <= steps[i].endpoints && is_fine)
			return steps[i].size;
	}
	return 0;
}

/* FNV-1a over the octets, then the finalizer of MurmurHash3: near addresses get far numbers. */
static uint64_t hash_of(const struct addr_port *at, uint8_t seed)
{
	uint64_t h = (0xcbf29ce484222325ULL ^ seed) * 0x100000001b3ULL;

	for (size_t i = 0; i < sizeof(at->addr.octets); i++)
		h = (h ^ at->addr.octets[i]) * 0x100000001b3ULL;
	h = (h ^ (at->port >> 8)) * 0x100000001b3ULL;
	h = (h ^ (at->port & 0xff)) * 0x100000001b3ULL;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static struct permutation permutation_of(const struct maglev_backend *b, uint32_t size)
{
	const struct endpoint *e = b->endpoint;

	return (struct permutation){
		.endpoint = e,
		.weight = b->weight,
		.next = (uint32_t)(hash_of(&e->at, 0) % size),
		.skip = (uint32_t)(hash_of(&e->at, 1) % (size - 1)) + 1,
	};
}

/* Takes the first entry that is still free in this backend's order. */
static void permutation_take(struct permutation *p, uint32_t size, const struct endpoint **table)
{
	while (table[p->next])
		p->next = (p->next + p->skip) % size;
	table[p->next] = p->endpoint;
}

int maglev_build(const struct maglev_backend *backends, size_t n, uint32_t size,
		 const struct endpoint **table)
{
	_cleanup_free_ struct permutation *order = calloc(n, sizeof(*order));
	uint64_t heaviest = 1;
	uint32_t filled = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		order[i] = permutation_of(&backends[i], size);
		heaviest = MAX(heaviest, order[i].weight);
	}
	for (size_t i = 0; i < n; i++) /* so that not all of one weight are rounded alike */
		order[i].credit = hash_of(&order[i].endpoint->at, 2) % heaviest;
	for (uint32_t i = 0; i < size; i++)
		table[i] = NULL;
	/* backends take turns; who has half the weight has a turn in every other round */
	for (size_t i = 0; filled < size; i = (i + 1) % n) {
		order[i].credit += order[i].weight;
		if (order[i].credit < heaviest)
			continue;
		order[i].credit -= heaviest;
		permutation_take(&order[i], size, table);
		filled++;
	}
	return 0;
}
