/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/config_service.h"
#include "core/endpoints_text.h"
#include "core/shares.h"
#include "core/slots.h"
#include "core/split.h"

#define MANY 400

/* A split in the making, and what came of it. */
struct made {
	struct endpoints backends[CONFIG_PARTS_MAX], all;
	uint32_t part_shares[CONFIG_PARTS_MAX][MANY], shares[MANY];
	struct split_part parts[CONFIG_PARTS_MAX];
	size_t n;
};

static void made_done(struct made *m)
{
	for (size_t i = 0; i < m->n; i++)
		endpoints_done(&m->backends[i]);
	endpoints_done(&m->all);
}

/* Lines of a static file; those at port 9 are unhealthy, those at port 8 ejected, those at 7 drain.
 */
static void add_part(struct made *m, uint32_t weight, const char *lines)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct endpoints *e = &m->backends[m->n];
	uint32_t *shares = m->part_shares[m->n];

	assert_int_equal(endpoints_text_read(lines, strlen(lines), "test", e, &problems), 0);
	assert_in_range(e->n, 0, MANY);
	for (size_t i = 0; i < e->n; i++) {
		if (e->list[i].at.port == 9)
			e->list[i].state = STATE_UNHEALTHY;
		if (e->list[i].at.port == 8)
			e->list[i].state = STATE_EJECTED;
		if (e->list[i].at.port == 7)
			e->list[i].state = STATE_DRAINING;
		assert_int_equal(endpoints_add(&m->all, &e->list[i]), 0);
	}
	shares_weigh(e, shares);
	shares_prefer_healthy(e, shares);
	m->parts[m->n++] = (struct split_part){ e, shares, weight };
}

static void split(struct made *m)
{
	endpoints_normalise(&m->all);
	assert_in_range(m->all.n, 0, MANY);
	split_shares(m->parts, m->n, &m->all, m->shares);
}

static void the_parts_share_the_connections_of_each_family(void **state)
{
	static const struct {
		struct {
			uint32_t weight;
			const char *backends;
		} parts[3];
		const char *wanted; /* of all, by address */
	} cases[] = {
		{ { { 90, "10.0.0.1:80\n10.0.0.2:80\n10.0.0.3:80" }, { 10, "10.0.1.1:80" } },
		  "3 3 3 1" },
		{ { { 1, "10.0.0.1:80" }, { 1, "10.0.1.1:80\n10.0.1.2:80" } }, "2 1 1" },
		{ { { 1000, "10.0.0.1:80" }, { 1, "10.0.1.1:80" } }, "1000 1" },
		/* weights of backends count within their part */
		{ { { 3, "10.0.0.1:80 weight=2\n10.0.0.2:80" }, { 1, "10.0.1.1:80 weight=1000" } },
		  "2 1 1" },
		/* 0 is nothing, not even where nobody else is */
		{ { { 5, "10.0.0.1:80" }, { 0, "10.0.1.1:80" } }, "1 0" },
		{ { { 5, "" }, { 0, "10.0.1.1:80" } }, "0" },
		/* who has nothing leaves it to the others, family by family */
		{ { { 90, "" }, { 10, "10.0.1.1:80\n10.0.1.2:80" } }, "1 1" },
		{ { { 90, "10.0.0.1:80" }, { 10, "[fd00::1]:80\n10.0.0.2:80" } }, "9 1 1" },
		{ { { 90, "10.0.0.1:80\n[fd00::1]:80" }, { 10, "[fd00::2]:80" } }, "9 9 1" },
		{ { { 60, "10.0.0.1:80" }, { 30, "" }, { 10, "10.0.2.1:80" } }, "6 1" },
		{ { { 1, "" }, { 1, "" } }, "" },
		/* in two parts: what both give it */
		{ { { 90, "10.0.0.1:80\n10.0.0.2:80" }, { 10, "10.0.0.2:80" } }, "9 11" },
		{ { { 1, "10.0.0.1:80" }, { 2, "10.0.0.1:80" }, { 3, "10.0.0.1:80" } }, "1" },
		/* the unhealthy and those that drain */
		{ { { 90, "10.0.0.1:80" }, { 10, "10.0.1.1:9" } }, "1 0" },
		{ { { 90, "10.0.0.1:9" }, { 10, "10.0.1.1:9\n10.0.1.2:80" } }, "0 0 1" },
		{ { { 90, "10.0.0.1:9" }, { 10, "10.0.1.1:9" } }, "9 1" },
		{ { { 90, "10.0.0.1:9" }, { 0, "10.0.1.1:80" } }, "1 0" },
		{ { { 90, "10.0.0.1:7" }, { 10, "10.0.1.1:9" } }, "0 1" },
		/* whom the programs avoid is there for when they try it again */
		{ { { 90, "10.0.0.1:8" }, { 10, "10.0.1.1:80" } }, "9 1" },
		{ { { 90, "10.0.0.1:80\n10.0.0.2:7" }, { 10, "10.0.1.1:80" } }, "9 0 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(made_done) struct made m = { 0 };
		char got[128] = "";
		uint64_t divisor = 0;
		size_t used = 0;

		for (size_t j = 0; j < 3 && cases[i].parts[j].backends; j++)
			add_part(&m, cases[i].parts[j].weight, cases[i].parts[j].backends);
		split(&m);
		for (size_t j = 0; j < m.all.n; j++)
			divisor = util_gcd(divisor, m.shares[j]);
		for (size_t j = 0; j < m.all.n; j++)
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%u",
						 j ? " " : "",
						 (unsigned int)(m.shares[j] / MAX(divisor, 1U)));
		assert_string_equal(got, cases[i].wanted);
	}
}

static void add_many(struct made *m, uint32_t weight, unsigned int net, unsigned int n,
		     bool by_weight)
{
	char lines[MANY * 32] = "";
	size_t used = 0;

	for (unsigned int i = 1; i <= n; i++)
		used += (size_t)snprintf(lines + used, sizeof(lines) - used,
					 "10.%u.0.%u:80 weight=%u\n", net, i,
					 by_weight ? 1 + i * 37 % 1000 : 1);
	add_part(m, weight, lines);
}

/* The fraction of a service's slots that is of backends in 10.<net>.0.0/16. */
static double fraction_of(const struct made *m, enum shunt_balance balance, uint8_t net)
{
	_cleanup_(slots_done) struct slots s = { 0 };
	struct table_backend backends[MANY];
	size_t count = 0;

	for (size_t i = 0; i < m->all.n; i++)
		backends[i] = (struct table_backend){ .endpoint = m->all.list[i],
						      .share = m->shares[i] };
	assert_int_equal(slots_build(backends, m->all.n, balance, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		count += s.order[i]->at.addr.octets[13] == net;
	return (double)count / (double)s.n;
}

static void slots_are_divided_as_the_parts_however_many_backends_they_have(void **state)
{
	static const struct {
		unsigned int n[2], weights[2];
		bool by_weight; /* the backends have different weights */
	} cases[] = {
		{ { 3, 1 }, { 90, 10 }, false },    { { 1, 3 }, { 90, 10 }, false },
		{ { 3, 200 }, { 99, 1 }, false },   { { 3, 215 }, { 90, 10 }, false },
		{ { 200, 3 }, { 99, 1 }, false },   { { 7, 11 }, { 50, 50 }, false },
		{ { 50, 30 }, { 1000, 1 }, false }, { { 100, 101 }, { 51, 49 }, false },
		{ { 3, 4 }, { 90, 10 }, true },	    { { 100, 90 }, { 90, 10 }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(made_done) struct made m = { 0 };
		const unsigned int *weights = cases[i].weights;
		double wanted = (double)weights[1] / (weights[0] + weights[1]), got;

		add_many(&m, weights[0], 1, cases[i].n[0], cases[i].by_weight);
		add_many(&m, weights[1], 2, cases[i].n[1], cases[i].by_weight);
		split(&m);
		/* within a twentieth of what the part is to have; of Maglev's table, a fifth */
		got = fraction_of(&m, BALANCE_ROUND_ROBIN, 2);
		print_message("%u:%u over %u, %u: %.5f in turn", weights[0], weights[1],
			      cases[i].n[0], cases[i].n[1], got);
		assert_float_equal(got, wanted, wanted / 20);
		got = fraction_of(&m, BALANCE_MAGLEV_TASK, 2);
		print_message(", %.5f by maglev\n", got);
		assert_float_equal(got, wanted, wanted / 5);
	}
}

/* Eight parts with the largest weights and numbers of pieces that have no common measure. */
static void the_largest_numbers_do_not_overflow(void **state)
{
	_cleanup_(made_done) struct made m = { 0 };

	(void)state;
	for (unsigned int i = 0; i < CONFIG_PARTS_MAX; i++)
		add_part(&m, CONFIG_PART_WEIGHT_MAX,
			 i % 2 ? "10.0.0.1:80 weight=1000"
			       : "10.0.0.1:80 weight=997\n10.0.0.2:80 weight=1");
	split(&m);
	assert_in_range(m.shares[0], 7995ULL * SPLIT_PRECISION / 8 / 998, UINT32_MAX);
	assert_in_range(m.shares[0] / m.shares[1], 1990, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_share_the_connections_of_each_family),
		cmocka_unit_test(slots_are_divided_as_the_parts_however_many_backends_they_have),
		cmocka_unit_test(the_largest_numbers_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
