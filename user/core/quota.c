/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

#define SECOND_MS 1000
#define RISE_SLOWEST 16 /* by a sixteenth a second, then an eighth ... */
#define CALM_MAX 4	/* ... and at most to twice what it was */

void quota_init(struct quota *q, uint32_t max)
{
	*q = (struct quota){ .rate = max, .max = max };
}

void quota_set_max(struct quota *q, uint32_t max)
{
	q->rate = quota_holds_back(q) ? MIN(q->rate, (double)max) : max;
	q->max = max;
}

bool quota_holds_back(const struct quota *q)
{
	return q->rate < q->max;
}

uint64_t quota_next_ms(const struct quota *q)
{
	return quota_holds_back(q) ? q->next_ms : 0;
}

void quota_begin(struct quota *q, uint64_t now_ms)
{
	q->next_ms = MAX(q->next_ms, now_ms) + (uint64_t)(SECOND_MS / q->rate);
}

/* An error of the server may be about one service; of most calls, it is not. */
static double share_refused(const struct quota *q)
{
	uint32_t broken = 2 * q->second.broken > q->second.ended ? q->second.broken : 0;

	return (double)(q->second.refused + broken) / q->second.ended;
}

static void adapt(struct quota *q)
{
	double refused = share_refused(q);

	if (refused > 0) {
		q->calm = 0;
		q->rate = MAX(q->rate * MAX(1 - refused, 0.5), MIN(QUOTA_RATE_MIN, q->max));
		return;
	}
	q->rate = MIN(q->rate * (1 + (double)(1 << q->calm) / RISE_SLOWEST), q->max);
	if (q->calm < CALM_MAX)
		q->calm++;
}

void quota_end(struct quota *q, enum quota_outcome outcome, uint64_t now_ms)
{
	if (outcome == QUOTA_OTHER)
		return;
	q->second.ended++;
	q->second.refused += outcome == QUOTA_REFUSED;
	q->second.broken += outcome == QUOTA_BROKEN;
	if (now_ms - q->second.since_ms < SECOND_MS)
		return;
	adapt(q);
	q->second.since_ms = now_ms;
	q->second.ended = q->second.refused = q->second.broken = 0;
}
