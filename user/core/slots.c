/* SPDX-License-Identifier: Apache-2.0 */
#include "core/slots.h"

#include <errno.h>

#include "core/maglev.h"

struct share {
	const struct endpoint *endpoint;
	uint32_t weight;
	uint32_t slots; /* how many of the family's slots are its own */
	int64_t credit;
};

void slots_done(struct slots *s)
{
	free(s->order);
	*s = (struct slots){ 0 };
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Weights to numbers of slots: reduced by their greatest
 * common divisor, scaled down if still too many. */
static uint32_t shares_reduce(struct share *shares, size_t n)
{
	uint32_t divisor = 0, sum = 0;
	uint64_t weights = 0;

	for (size_t i = 0; i < n; i++) {
		divisor = gcd(divisor, shares[i].weight);
		weights += shares[i].weight;
	}
	weights /= MAX(divisor, 1U);
	for (size_t i = 0; i < n; i++) {
		uint64_t slots = shares[i].weight / MAX(divisor, 1U);

		if (weights > MAX(SLOTS_WEIGHTED_MAX, n))
			slots = slots * SLOTS_WEIGHTED_MAX / weights;
		shares[i].slots = (uint32_t)MAX(slots, 1U);
		sum += shares[i].slots;
	}
	return sum;
}

/*
 * Smooth weighted round robin (as nginx balances): every turn each share earns its slots, the
 * richest is served and pays for all. Heavy backends are spread out instead of coming in bursts.
 */
static void shares_interleave(struct share *shares, size_t n, uint32_t sum,
			      const struct endpoint **order)
{
	for (uint32_t turn = 0; turn < sum; turn++) {
		struct share *richest = &shares[0];

		for (size_t i = 0; i < n; i++) {
			shares[i].credit += shares[i].slots;
			if (shares[i].credit > richest->credit)
				richest = &shares[i];
		}
		richest->credit -= sum;
		order[turn] = richest->endpoint;
	}
}

static void turns_fill(struct share *shares, size_t n, uint32_t sum, const struct endpoint **order)
{
	if (sum != n) {
		shares_interleave(shares, n, sum, order);
		return;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = shares[i].endpoint;
}

static int maglev_fill(const struct share *shares, size_t n, uint32_t size,
		       const struct endpoint **order)
{
	_cleanup_free_ struct maglev_backend *backends = calloc(n, sizeof(*backends));

	if (!backends)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		backends[i] = (struct maglev_backend){ shares[i].endpoint, shares[i].weight };
	return maglev_build(backends, n, size, order);
}

/* Appends the slots of one family. */
static int family_build(struct share *shares, size_t n, bool maglev, size_t *capacity,
			struct slots *s, uint16_t *ret_count)
{
	uint32_t sum;
	int r = 0;

	if (n == 0)
		return 0;
	sum = maglev ? maglev_size(n) : shares_reduce(shares, n);
	if (sum == 0 || sum > SHUNT_RUN_SLOTS_MAX)
		return -E2BIG;
	if (util_grow(&s->order, capacity, s->n + sum, sizeof(struct endpoint *)) < 0)
		return -ENOMEM;
	if (maglev)
		r = maglev_fill(shares, n, sum, s->order + s->n);
	else
		turns_fill(shares, n, sum, s->order + s->n);
	if (r < 0)
		return r;
	s->n += sum;
	*ret_count = (uint16_t)sum;
	return 0;
}

/* The backends of one family that have a share; returns how many. */
static size_t family_take(const struct table_backend *backends, size_t n, bool ipv4,
			  struct share *shares)
{
	size_t taken = 0;

	for (size_t i = 0; i < n; i++) {
		const struct table_backend *b = &backends[i];

		if (b->share > 0 && addr_is_ipv4(&b->endpoint.at.addr) == ipv4)
			shares[taken++] = (struct share){ &b->endpoint, b->share, 0, 0 };
	}
	return taken;
}

int slots_build(const struct table_backend *backends, size_t n, enum shunt_balance balance,
		struct slots *ret)
{
	bool maglev = balance == BALANCE_MAGLEV_TASK || balance == BALANCE_MAGLEV_SOCKET;
	_cleanup_free_ struct share *shares = calloc(MAX(n, 1U), sizeof(*shares));
	_cleanup_(slots_done) struct slots made = { 0 };
	size_t n4, n6, capacity = 0;
	int r;

	if (!shares)
		return -ENOMEM;
	n4 = family_take(backends, n, true, shares);
	n6 = family_take(backends, n, false, shares + n4);
	r = family_build(shares, n4, maglev, &capacity, &made, &made.count4);
	if (r == 0)
		r = family_build(shares + n4, n6, maglev, &capacity, &made, &made.count6);
	if (r < 0)
		return r;
	*ret = made;
	made = (struct slots){ 0 };
	return 0;
}
