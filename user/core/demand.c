/* SPDX-License-Identifier: Apache-2.0 */
#include "core/demand.h"

#include <errno.h>

void demand_done(struct demand *d)
{
	free(d->rows);
	*d = (struct demand){ 0 };
}

int demand_follow(struct demand *d, uint32_t service_id)
{
	size_t n = (size_t)service_id + 1;

	if (n <= d->n)
		return 0;
	if (util_grow(&d->rows, &d->capacity, n, sizeof(*d->rows)) < 0)
		return -ENOMEM;
	memset(&d->rows[d->n], 0, (n - d->n) * sizeof(*d->rows));
	d->n = n;
	return 0;
}

static bool is_used(const struct demand_row *row, uint64_t now_ms)
{
	return row->used_ms && now_ms - row->used_ms < DEMAND_IDLE_AFTER_MS;
}

bool demand_count(struct demand *d, size_t first, size_t n, const uint64_t *connects,
		  uint64_t now_ms)
{
	bool woken = false;

	for (size_t i = 0; i < n; i++) {
		struct demand_row *row = &d->rows[first + i];

		if (connects[i] == row->connects)
			continue;
		row->connects = connects[i];
		if (connects[i] == 0) { /* the id is another service's, which is new */
			row->used_ms = 0;
			continue;
		}
		woken |= !is_used(row, now_ms);
		row->used_ms = now_ms;
	}
	return woken;
}

enum pace_rank demand_of(const struct demand *d, uint32_t service_id, uint64_t since_ms,
			 uint64_t now_ms)
{
	if (service_id < d->n && is_used(&d->rows[service_id], now_ms))
		return PACE_IN_USE;
	return now_ms - since_ms < DEMAND_ASSUMED_MS ? PACE_ASSUMED : PACE_IDLE;
}
