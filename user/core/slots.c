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

/* What the weights of one family are, after reduction by their greatest common divisor. */
struct weights {
	uint64_t sum;
	uint32_t least;
};

static struct weights weights_reduce(struct share *shares, size_t n)
{
	struct weights w = { .least = UINT32_MAX };
	uint32_t divisor = 0;

	for (size_t i = 0; i < n; i++)
		divisor = (uint32_t)util_gcd(divisor, shares[i].weight);
	for (size_t i = 0; i < n; i++) {
		shares[i].weight /= divisor;
		w.sum += shares[i].weight;
		w.least = MIN(w.least, shares[i].weight);
	}
	return w;
}

/* The lightest backend is one in so many. */
static uint64_t weights_rarity(const struct weights *w)
{
	return (w->sum + w->least - 1) / w->least;
}

/*
 * How many slots say in what proportion the weights are. The lightest has a whole number of them,
 * as rounding is felt there most: one if it has to be, and then there are as many as that takes.
 */
static uint64_t weights_slots(const struct weights *w, size_t n)
{
	uint64_t for_least = weights_rarity(w);

	if (w->sum <= MAX(SLOTS_WEIGHTED_MAX, n))
		return w->sum;
	if (for_least <= SLOTS_WEIGHTED_MAX)
		return SLOTS_WEIGHTED_MAX / for_least * for_least;
	return MAX(MIN(for_least, (uint64_t)SLOTS_LIGHT_MAX), n);
}

static int compare_weights(const void *left, const void *right)
{
	const struct share *a = *(const struct share *const *)left;
	const struct share *b = *(const struct share *const *)right;

	if (a->weight != b->weight)
		return a->weight < b->weight ? -1 : 1;
	return a < b ? -1 : a > b;
}

/*
 * Gives each its part of `slots`, at least one. What is rounded off is carried to the next of the
 * same weight, so that backends of one weight together have what is theirs.
 */
static uint32_t slots_allot(struct share **sorted, size_t n, const struct weights *w,
			    uint64_t slots)
{
	uint64_t due = 0, given = 0;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t so_far;

		due += sorted[i]->weight;
		so_far = (due * slots + w->sum / 2) / w->sum;
		sorted[i]->slots = (uint32_t)MAX(so_far - given, 1U);
		given = so_far;
		sum += sorted[i]->slots;
	}
	return sum;
}

static int shares_allot(struct share *shares, size_t n, const struct weights *w, uint32_t *ret_sum)
{
	_cleanup_free_ struct share **sorted = NULL;
	uint64_t slots = weights_slots(w, n);

	if (slots == w->sum) {
		for (size_t i = 0; i < n; i++)
			shares[i].slots = shares[i].weight;
		*ret_sum = (uint32_t)slots;
		return 0;
	}
	sorted = calloc(n, sizeof(struct share *));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &shares[i];
	qsort(sorted, n, sizeof(*sorted), compare_weights);
	*ret_sum = slots_allot(sorted, n, w, slots);
	return 0;
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
	struct weights w;
	uint32_t sum = 0;
	int r = 0;

	if (n == 0)
		return 0;
	w = weights_reduce(shares, n);
	if (maglev)
		sum = maglev_size(n, weights_rarity(&w));
	else
		r = shares_allot(shares, n, &w, &sum);
	if (r < 0)
		return r;
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
