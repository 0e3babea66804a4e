/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maglev's lookup table (Eisenbud et al., NSDI 2016, section 3.4): every backend has as many of its
 * entries as its weight asks for, to within one, and when a backend comes or goes few entries of
 * the others change. Pure: the same endpoints make the same table on every host.
 */
#pragma once

#include "core/endpoints.h"

/*
 * How many entries the table of n endpoints has, the lightest of which is one in `rarity`: a prime,
 * at least 50 times n up to 81 endpoints, so that shares are exact to 2 %, and at least twice
 * rarity, up to 16381. Few steps, because a table of another size is another table. 0: too many
 * endpoints.
 */
uint32_t maglev_size(size_t n, uint64_t rarity);

struct maglev_backend {
	const struct endpoint *endpoint;
	uint32_t weight; /* > 0 */
};

/* Fills table[0 .. size-1], a prime, from n > 0 backends of different addresses. 0 or -ENOMEM. */
int maglev_build(const struct maglev_backend *backends, size_t n, uint32_t size,
		 const struct endpoint **table);
