/* SPDX-License-Identifier: Apache-2.0 */
#include "core/split.h"

#include <assert.h>

#include "core/config_service.h"

/* What the shares of one part are in one family. */
struct measure {
	uint64_t sum;	  /* 0: it has none */
	uint32_t divisor; /* of each of them */
	bool has_healthy;
	bool is_unhealthy; /* all of it */
};

static bool is_of(const struct endpoint *e, bool ipv4)
{
	return addr_is_ipv4(&e->at.addr) == ipv4;
}

static struct measure measure_part(const struct split_part *p, bool ipv4)
{
	struct measure m = { .is_unhealthy = true };

	for (size_t i = 0; i < p->backends->n && p->weight > 0; i++) {
		const struct endpoint *e = &p->backends->list[i];

		if (!is_of(e, ipv4) || p->shares[i] == 0)
			continue;
		m.sum += p->shares[i];
		m.divisor = (uint32_t)util_gcd(m.divisor, p->shares[i]);
		m.has_healthy |= e->state == STATE_HEALTHY;
		m.is_unhealthy &= e->state == STATE_UNHEALTHY;
	}
	return m;
}

/* The parts that count in a family, the others with a sum of 0. */
static void measure_all(const struct split_part *parts, size_t n, bool ipv4, struct measure *ms)
{
	bool has_healthy = false;

	for (size_t i = 0; i < n; i++) {
		ms[i] = measure_part(&parts[i], ipv4);
		has_healthy |= ms[i].has_healthy;
	}
	for (size_t i = 0; i < n; i++) {
		if (has_healthy && ms[i].is_unhealthy)
			ms[i].sum = 0;
	}
}

/* A number that each part can be cut into by its own shares: their least common multiple. */
static uint64_t common_whole(const struct measure *ms, size_t n)
{
	uint64_t whole = 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t pieces = ms[i].sum ? ms[i].sum / ms[i].divisor : 1;

		whole = whole / util_gcd(whole, pieces) * pieces;
		if (whole > SPLIT_PRECISION)
			return SPLIT_PRECISION;
	}
	return whole;
}

/* Both lists are sorted, so one walk finds each backend of the part among all. */
static void add_part(const struct split_part *p, const struct measure *m, uint64_t whole, bool ipv4,
		     const struct endpoints *all, uint32_t *shares)
{
	size_t at = 0;

	for (size_t i = 0; i < p->backends->n && m->sum > 0; i++) {
		const struct endpoint *e = &p->backends->list[i];
		uint64_t share;

		if (!is_of(e, ipv4) || p->shares[i] == 0)
			continue;
		while (addr_port_compare(&all->list[at].at, &e->at) != 0) {
			at++;
			assert(at < all->n);
		}
		share = (p->weight * whole * p->shares[i] + m->sum / 2) / m->sum;
		shares[at] += (uint32_t)MAX(share, 1U);
	}
}

static void add_family(const struct split_part *parts, size_t n, bool ipv4, struct measure *ms,
		       const struct endpoints *all, uint32_t *shares)
{
	uint64_t whole;

	measure_all(parts, n, ipv4, ms);
	whole = common_whole(ms, n);
	for (size_t i = 0; i < n; i++)
		add_part(&parts[i], &ms[i], whole, ipv4, all, shares);
}

void split_shares(const struct split_part *parts, size_t n, const struct endpoints *all,
		  uint32_t *shares)
{
	struct measure ms[CONFIG_PARTS_MAX];

	assert(n <= ARRAY_SIZE(ms));
	for (size_t i = 0; i < all->n; i++)
		shares[i] = 0;
	add_family(parts, n, true, ms, all, shares);
	add_family(parts, n, false, ms, all, shares);
}
