/* SPDX-License-Identifier: Apache-2.0 */
#include "core/shares.h"

void shares_weigh(const struct endpoints *e, uint32_t *shares)
{
	for (size_t i = 0; i < e->n; i++) /* a weight of 0 can only come from a damaged map */
		shares[i] = SHARES_OF_WEIGHT_1 * MAX(e->list[i].weight, 1U);
}

static bool is_of(const struct endpoint *e, bool ipv4)
{
	return addr_is_ipv4(&e->at.addr) == ipv4;
}

static bool family_has_healthy(const struct endpoints *e, bool ipv4)
{
	for (size_t i = 0; i < e->n; i++) {
		if (is_of(&e->list[i], ipv4) && e->list[i].state == STATE_HEALTHY)
			return true;
	}
	return false;
}

void shares_prefer_healthy(const struct endpoints *e, uint32_t *shares)
{
	bool has_healthy4 = family_has_healthy(e, true);
	bool has_healthy6 = family_has_healthy(e, false);

	for (size_t i = 0; i < e->n; i++) {
		enum shunt_state state = (enum shunt_state)e->list[i].state;
		bool has_healthy = is_of(&e->list[i], true) ? has_healthy4 : has_healthy6;

		if (state == STATE_DRAINING || (state == STATE_UNHEALTHY && has_healthy))
			shares[i] = 0;
	}
}

static bool is_local(const struct endpoint *e, const struct shares_zone *zone)
{
	return streq(e->zone, zone->prefer);
}

/*
 * Whether the family is left to its local backends, or has none at all. Only healthy ones make them
 * enough; one that is ejected keeps its share, or it would never be tried again.
 */
static bool family_prefer(const struct endpoints *e, const struct shares_zone *zone, bool ipv4,
			  uint32_t *shares)
{
	size_t all = 0, local = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (!is_of(&e->list[i], ipv4))
			continue;
		all++;
		local += e->list[i].state == STATE_HEALTHY && is_local(&e->list[i], zone);
	}
	if (local < MAX(zone->min, 1U))
		return all == 0;
	for (size_t i = 0; i < e->n; i++) {
		if (is_of(&e->list[i], ipv4) &&
		    (e->list[i].state == STATE_UNHEALTHY || !is_local(&e->list[i], zone)))
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
