/* SPDX-License-Identifier: Apache-2.0 */
#include "core/budget.h"

#include <errno.h>

#define MINUTE_MS 60000

/* By so much others are let go first: more than most wait, and yet nobody waits for ever. */
static const uint32_t handicaps_ms[] = {
	[PACE_NEWS] = 0,
	[PACE_IN_USE] = 5 * MINUTE_MS,
	[PACE_ASSUMED] = 10 * MINUTE_MS,
	[PACE_IDLE] = 15 * MINUTE_MS,
};

/* --- its life --------------------------------------------------------------------------------- */

int budget_init(struct budget *b, uint32_t calls_per_second, uint32_t running_max)
{
	*b = (struct budget){ .running_max = running_max };
	for (size_t i = 0; i < BUDGET_KINDS; i++)
		quota_init(&b->quotas[i], calls_per_second);
	return budget_set(b, calls_per_second);
}

void budget_done(struct budget *b)
{
	free(b->began_ms);
	for (size_t i = 0; i < BUDGET_KINDS; i++)
		queue_done(&b->queues[i]);
	*b = (struct budget){ 0 };
}

/* When the call began that is `ago` calls back, from 0; 0: there was none. */
static uint64_t began_ms(const struct budget *b, size_t ago)
{
	size_t n = b->calls_per_second;

	return ago < n ? b->began_ms[(b->last + n - ago) % n] : 0;
}

int budget_set(struct budget *b, uint32_t calls_per_second)
{
	uint64_t *began = calloc(calls_per_second, sizeof(*began));

	if (!began)
		return -ENOMEM;
	for (size_t i = 0; i < calls_per_second; i++)
		began[calls_per_second - 1 - i] = began_ms(b, i);
	free(b->began_ms);
	b->began_ms = began;
	b->last = calls_per_second - 1;
	b->calls_per_second = calls_per_second;
	for (size_t i = 0; i < BUDGET_KINDS; i++)
		quota_set_max(&b->quotas[i], calls_per_second);
	return 0;
}

int budget_join(struct budget *b)
{
	int r = 0;

	for (size_t i = 0; i < BUDGET_KINDS && r == 0; i++)
		r = queue_reserve(&b->queues[i], b->members + 1);
	if (r == 0)
		b->members++;
	return r;
}

void budget_leave(struct budget *b)
{
	b->members--;
}

const char *budget_operation(enum budget_kind kind)
{
	static const char *const names[] = {
		[BUDGET_INSTANCES] = "DiscoverInstances",
		[BUDGET_REVISIONS] = "DiscoverInstancesRevision",
		[BUDGET_LISTS] = "List",
	};

	return names[kind];
}

/* --- waiting ---------------------------------------------------------------------------------- */

void budget_withdraw(struct budget *b, struct budget_call *call)
{
	if (call->queued.place)
		queue_remove(&b->queues[call->kind], &call->queued);
}

void budget_wait(struct budget *b, struct budget_call *call, enum budget_kind kind,
		 enum pace_rank rank, uint64_t due_ms)
{
	budget_withdraw(b, call);
	call->kind = kind;
	call->queued.order_ms = due_ms + handicaps_ms[rank];
	queue_add(&b->queues[kind], &call->queued);
}

size_t budget_waiting(const struct budget *b)
{
	size_t n = 0;

	for (size_t i = 0; i < BUDGET_KINDS; i++)
		n += b->queues[i].n;
	return n;
}

/* --- beginning -------------------------------------------------------------------------------- */

uint32_t budget_in_last_second(const struct budget *b, uint64_t now_ms)
{
	uint32_t n = 0;

	while (n < b->calls_per_second && began_ms(b, n) && began_ms(b, n) + 1000 > now_ms)
		n++;
	return n;
}

/* The most urgent of those whose kind may go now; else NULL, and when one may. */
static struct budget_call *choose(const struct budget *b, uint64_t now_ms, uint64_t *ret_when_ms)
{
	struct queue_call *chosen = NULL;
	uint64_t when_ms = BUDGET_NEVER;

	for (size_t i = 0; i < BUDGET_KINDS; i++) {
		struct queue_call *first = queue_first(&b->queues[i]);
		uint64_t next_ms = quota_next_ms(&b->quotas[i]);

		if (!first)
			continue;
		if (next_ms > now_ms)
			when_ms = MIN(when_ms, next_ms);
		else if (!chosen || first->order_ms < chosen->order_ms)
			chosen = first;
	}
	*ret_when_ms = when_ms;
	return (struct budget_call *)chosen; /* its first member */
}

struct budget_call *budget_begin(struct budget *b, uint64_t now_ms, uint64_t *ret_when_ms)
{
	uint64_t first_ms = began_ms(b, b->calls_per_second - 1);
	struct budget_call *call;

	*ret_when_ms = BUDGET_NEVER;
	if (b->running >= b->running_max || budget_waiting(b) == 0)
		return NULL;
	if (first_ms && first_ms + BUDGET_WINDOW_MS > now_ms) {
		*ret_when_ms = first_ms + BUDGET_WINDOW_MS;
		return NULL;
	}
	call = choose(b, now_ms, ret_when_ms);
	if (!call)
		return NULL;
	budget_withdraw(b, call);
	quota_begin(&b->quotas[call->kind], now_ms);
	b->last = (b->last + 1) % b->calls_per_second;
	b->began_ms[b->last] = now_ms;
	b->running++;
	b->begun++;
	return call;
}

void budget_end(struct budget *b, enum budget_kind kind, enum quota_outcome outcome,
		uint64_t now_ms)
{
	b->running--;
	b->refused += outcome == QUOTA_REFUSED;
	quota_end(&b->quotas[kind], outcome, now_ms);
}
