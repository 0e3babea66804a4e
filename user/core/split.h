/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split of a service: several lists of backends share its connections by weight, however many
 * backends each has. Pure numbers, from the shares within each part to those within the service.
 */
#pragma once

#include "core/endpoints.h"

struct split_part {
	const struct endpoints *backends; /* normalised; in the state they are treated as */
	const uint32_t *shares;		  /* one for each, of the connections of this part */
	uint32_t weight;		  /* of the part, at most CONFIG_PART_WEIGHT_MAX */
};

/*
 * Fills shares[all->n], `all` being the backends of all parts, normalised; who is in two parts has
 * the sum. Family by family: a part that has no share there, or only unhealthy ones while another
 * part has healthy ones, leaves its connections to the others. In proportion exactly where that
 * takes no larger numbers than SPLIT_PRECISION, else to within one of that.
 */
#define SPLIT_PRECISION (1U << 19)
void split_shares(const struct split_part *parts, size_t n, const struct endpoints *all,
		  uint32_t *shares);
