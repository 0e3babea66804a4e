/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan_names.h"

#include <errno.h>

#include "base/util.h"

#define SIZE_MIN 64

void plan_names_done(struct plan_names *n)
{
	free(n->slots);
	*n = (struct plan_names){ 0 };
}

/* FNV-1a. Names are of the operator and of Cloud Map: who floods it harms but himself. */
static size_t home_of(const struct plan_names *n, const char *name)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 1099511628211ULL;
	return (size_t)(hash ^ hash >> 32) & (n->size - 1);
}

/* Where it is, or the free slot where it would be. */
static size_t place_of(const struct plan_names *n, const char *name)
{
	size_t at = home_of(n, name);

	while (n->slots[at].name && !streq(n->slots[at].name, name))
		at = (at + 1) & (n->size - 1);
	return at;
}

/* At most half of the slots are used. */
static int make_room(struct plan_names *n)
{
	struct plan_names larger = { .n = n->n, .size = MAX(2 * n->size, (size_t)SIZE_MIN) };

	if (2 * (n->n + 1) <= n->size)
		return 0;
	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < n->size; i++) {
		if (n->slots[i].name)
			larger.slots[place_of(&larger, n->slots[i].name)] = n->slots[i];
	}
	free(n->slots);
	*n = larger;
	return 0;
}

int plan_names_add(struct plan_names *n, const char *name, uint32_t id)
{
	int r = make_room(n);

	if (r < 0)
		return r;
	n->slots[place_of(n, name)] = (struct plan_named){ name, id };
	n->n++;
	return 0;
}

/* Those behind it move up, or a search for them would end at the gap (Knuth, TAOCP 3, 6.4 R). */
static void close_gap(struct plan_names *n, size_t gap)
{
	size_t mask = n->size - 1;

	for (size_t at = (gap + 1) & mask; n->slots[at].name; at = (at + 1) & mask) {
		size_t home = home_of(n, n->slots[at].name);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		n->slots[gap] = n->slots[at];
		gap = at;
	}
	n->slots[gap] = (struct plan_named){ NULL, 0 };
}

void plan_names_remove(struct plan_names *n, const char *name)
{
	size_t at = n->size ? place_of(n, name) : 0;

	if (n->size == 0 || !n->slots[at].name)
		return;
	n->n--;
	close_gap(n, at);
}

uint32_t plan_names_find(const struct plan_names *n, const char *name)
{
	return n->size ? n->slots[place_of(n, name)].id : 0;
}
