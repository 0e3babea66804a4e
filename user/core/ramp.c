/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ramp.h"

#include <errno.h>

#define RAMP_FIRST_PERCENT 10

void ramp_done(struct ramp *r)
{
	free(r->rows);
	*r = (struct ramp){ 0 };
}

static bool has_anybody(const struct ramp *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->rows[i].since_ms != RAMP_AWAY)
			return true;
	}
	return false;
}

int ramp_follow(struct ramp *r, const struct endpoints *e, uint64_t now_ms)
{
	struct ramp_row *rows = calloc(MAX(e->n, 1U), sizeof(*rows));
	uint64_t new_since_ms = has_anybody(r) ? now_ms : 0;
	size_t old = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < e->n; i++) {
		const struct addr_port *at = &e->list[i].at;
		int order = 1;

		while (old < r->n && (order = addr_port_compare(&r->rows[old].at, at)) < 0)
			old++;
		rows[i].at = *at;
		if (e->list[i].state == STATE_UNHEALTHY)
			rows[i].since_ms = RAMP_AWAY;
		else if (old < r->n && order == 0 && r->rows[old].since_ms != RAMP_AWAY)
			rows[i].since_ms = r->rows[old].since_ms;
		else
			rows[i].since_ms = new_since_ms;
	}
	free(r->rows);
	*r = (struct ramp){ .rows = rows, .n = e->n };
	return 0;
}

size_t ramp_apply(const struct ramp *r, uint32_t window_ms, uint64_t now_ms, uint32_t *shares)
{
	size_t ramping = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t since_ms = r->rows[i].since_ms, percent;

		if (since_ms == 0 || since_ms == RAMP_AWAY || now_ms - since_ms >= window_ms)
			continue;
		percent = RAMP_FIRST_PERCENT +
			  (100 - RAMP_FIRST_PERCENT) * (now_ms - since_ms) / window_ms;
		shares[i] = MAX((uint32_t)(shares[i] * percent / 100), 1U);
		ramping++;
	}
	return ramping;
}
