/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

#define SECOND_MS 1000
/* One call that was refused of one says less than ten of ten. */
#define DOUBT 4
#define KNEE 0.85
#define RISE_SLOWEST 32 /* by so manyth a second, then twice that ... */
#define CALM_MAX 5	/* ... and at most to twice the rate */

void quota_init(struct quota *q, uint32_t max)
{
	*q = (struct quota){ .rate = max, .max = max, .knee = max };
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

static void fall(struct quota *q, double refused)
{
	/* errors of the server say nothing of how many calls there may be */
	if (q->second.refused > 0)
		q->knee = q->rate * KNEE;
	q->rate = MAX(q->rate * MAX(1 - refused, 0.5), MIN(QUOTA_RATE_MIN, q->max));
	q->calm = 0;
}

/* Soon back to where it went well, then carefully beyond. */
static void rise(struct quota *q)
{
	double more = q->rate < q->knee ? (q->knee - q->rate) / 4
					: q->rate * (1 << q->calm) / RISE_SLOWEST;

	if (q->rate >= q->knee && q->calm < CALM_MAX)
		q->calm++;
	q->rate = MIN(q->rate + MAX(more, q->rate / RISE_SLOWEST), q->max);
}

/* An error of the server may be about one service; of most calls, it is not. */
static void adapt(struct quota *q)
{
	uint32_t broken = 2 * q->second.broken > q->second.ended ? q->second.broken : 0;
	uint32_t bad = q->second.refused + broken;

	if (bad > 0)
		fall(q, (double)bad / (q->second.ended + DOUBT));
	else
		rise(q);
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
