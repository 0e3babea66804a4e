/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include <errno.h>

static int extents_insert(struct pool_extents *e, size_t at, struct pool_extent added)
{
	if (util_grow(&e->list, &e->capacity, e->n + 1, sizeof(*e->list)) < 0)
		return -ENOMEM;
	memmove(&e->list[at + 1], &e->list[at], (e->n - at) * sizeof(*e->list));
	e->list[at] = added;
	e->n++;
	return 0;
}

static void extents_remove(struct pool_extents *e, size_t at)
{
	e->n--;
	memmove(&e->list[at], &e->list[at + 1], (e->n - at) * sizeof(*e->list));
}

int pool_init(struct pool *p, uint32_t first, uint32_t end)
{
	*p = (struct pool){ 0 };
	return extents_insert(&p->free, 0, (struct pool_extent){ first, end - first });
}

void pool_done(struct pool *p)
{
	free(p->free.list);
	free(p->resting.list);
	free(p->waiting.list);
	*p = (struct pool){ 0 };
}

static uint64_t extents_sum(const struct pool_extents *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->n; i++)
		sum += e->list[i].length;
	return sum;
}

int pool_take(struct pool *p, uint32_t length, uint32_t *ret_start)
{
	for (size_t i = 0; i < p->free.n; i++) {
		struct pool_extent *extent = &p->free.list[i];

		if (extent->length < length)
			continue;
		*ret_start = extent->start;
		extent->start += length;
		extent->length -= length;
		if (extent->length == 0)
			extents_remove(&p->free, i);
		p->used += length;
		return 0;
	}
	return extents_sum(&p->resting) + extents_sum(&p->waiting) > 0 ? -EAGAIN : -ENOSPC;
}

/* The first free extent that ends beyond `start`. */
static size_t free_at(const struct pool *p, uint32_t start)
{
	size_t low = 0, high = p->free.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct pool_extent *extent = &p->free.list[middle];

		if (extent->start + extent->length > start)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

int pool_claim(struct pool *p, uint32_t start, uint32_t length)
{
	size_t at = free_at(p, start);
	struct pool_extent *extent = &p->free.list[at];
	struct pool_extent after;

	if (at == p->free.n || extent->start > start ||
	    (uint64_t)start + length > (uint64_t)extent->start + extent->length)
		return -EEXIST;
	after.start = start + length;
	after.length = extent->start + extent->length - after.start;
	extent->length = start - extent->start;
	p->used += length;
	if (extent->length > 0) {
		if (after.length > 0)
			return extents_insert(&p->free, at + 1, after);
	} else if (after.length > 0) {
		*extent = after;
	} else {
		extents_remove(&p->free, at);
	}
	return 0;
}

static void free_extent(struct pool *p, struct pool_extent added)
{
	size_t at = free_at(p, added.start);
	struct pool_extent *list = p->free.list;
	bool joins_before = at > 0 && list[at - 1].start + list[at - 1].length == added.start;
	bool joins_after = at < p->free.n && added.start + added.length == list[at].start;

	if (joins_before) {
		list[at - 1].length += added.length;
		if (joins_after) {
			list[at - 1].length += list[at].length;
			extents_remove(&p->free, at);
		}
	} else if (joins_after) {
		list[at].start = added.start;
		list[at].length += added.length;
	} else {
		(void)extents_insert(&p->free, at, added);
	}
}

void pool_release(struct pool *p, uint32_t start, uint32_t length)
{
	p->used -= length;
	(void)extents_insert(&p->resting, p->resting.n, (struct pool_extent){ start, length });
}

void pool_untake(struct pool *p, uint32_t start, uint32_t length)
{
	p->used -= length;
	free_extent(p, (struct pool_extent){ start, length });
}

bool pool_is_resting(const struct pool *p)
{
	return p->resting.n > 0;
}

void pool_grace_begin(struct pool *p)
{
	struct pool_extents swapped = p->waiting;

	/* one grace period at a time: what waited has been freed */
	p->waiting = p->resting;
	p->resting = swapped;
	p->resting.n = 0;
}

void pool_grace_end(struct pool *p)
{
	for (size_t i = 0; i < p->waiting.n; i++)
		free_extent(p, p->waiting.list[i]);
	p->waiting.n = 0;
}
