/* SPDX-License-Identifier: Apache-2.0 */
#include "core/shares.h"

void shares_weigh(const struct endpoints *e, uint32_t *shares)
{
	for (size_t i = 0; i < e->n; i++) /* a weight of 0 can only come from a damaged map */
		shares[i] = SHARES_OF_WEIGHT_1 * MAX(e->list[i].weight, 1U);
}

static bool is_local(const struct endpoint *e, const struct shares_zone *zone)
{
	return e->state == STATE_HEALTHY && streq(e->zone, zone->prefer);
}

/* Whether the family is left to its local backends, or has none at all. */
static bool family_prefer(const struct endpoints *e, const struct shares_zone *zone, bool ipv4,
			  uint32_t *shares)
{
	size_t all = 0, local = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (addr_is_ipv4(&e->list[i].at.addr) != ipv4)
			continue;
		all++;
		local += is_local(&e->list[i], zone);
	}
	if (local < MAX(zone->min, 1U))
		return all == 0;
	for (size_t i = 0; i < e->n; i++) {
		if (addr_is_ipv4(&e->list[i].at.addr) == ipv4 && !is_local(&e->list[i], zone))
			shares[i] = 0;
	}
	return true;
}

bool shares_prefer_zone(const struct endpoints *e, const struct shares_zone *zone, uint32_t *shares)
{
	bool ipv4, ipv6;

	if (!zone->prefer)
		return true;
	ipv4 = family_prefer(e, zone, true, shares);
	ipv6 = family_prefer(e, zone, false, shares);
	return ipv4 && ipv6 && e->n > 0;
}
