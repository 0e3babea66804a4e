/* SPDX-License-Identifier: Apache-2.0 */
#include "core/queue.h"

#include <assert.h>
#include <errno.h>

void queue_done(struct queue *q)
{
	free(q->list);
	*q = (struct queue){ 0 };
}

int queue_reserve(struct queue *q, size_t n)
{
	return util_grow(&q->list, &q->capacity, n, sizeof(struct queue_call *)) < 0 ? -ENOMEM : 0;
}

static void put(struct queue *q, struct queue_call *call, size_t place)
{
	q->list[place - 1] = call;
	call->place = place;
}

static void rise(struct queue *q, struct queue_call *call, size_t place)
{
	while (place > 1 && q->list[place / 2 - 1]->order_ms > call->order_ms) {
		put(q, q->list[place / 2 - 1], place);
		place /= 2;
	}
	put(q, call, place);
}

static void sink(struct queue *q, struct queue_call *call, size_t place)
{
	for (size_t below = 2 * place; below <= q->n; below = 2 * place) {
		if (below < q->n && q->list[below]->order_ms < q->list[below - 1]->order_ms)
			below++;
		if (q->list[below - 1]->order_ms >= call->order_ms)
			break;
		put(q, q->list[below - 1], place);
		place = below;
	}
	put(q, call, place);
}

void queue_add(struct queue *q, struct queue_call *call)
{
	assert(q->n < q->capacity && !call->place);
	rise(q, call, ++q->n);
}

void queue_remove(struct queue *q, struct queue_call *call)
{
	struct queue_call *last = q->list[q->n - 1];
	size_t place = call->place;

	assert(place && q->list[place - 1] == call);
	call->place = 0;
	q->n--;
	if (last == call)
		return;
	sink(q, last, place);
	rise(q, last, last->place);
}

struct queue_call *queue_first(const struct queue *q)
{
	return q->n ? q->list[0] : NULL;
}
