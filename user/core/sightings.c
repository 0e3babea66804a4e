/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sightings.h"

#include <errno.h>

#define CERTAIN 1000 /* to one */
/* The least that can be believed of a first answer of eight: there may be nine of them. */
#define FIRST_ANSWERS 4

void sightings_done(struct sightings *s)
{
	free(s->list);
	*s = (struct sightings){ 0 };
}

uint32_t sightings_patience(size_t n)
{
	uint64_t whole = 1ull << 32, missed = whole; /* the odds of being missed so often */
	uint32_t answers = 0;

	if (n <= SIGHTINGS_DRAWN)
		return 1;
	while (missed >= whole / CERTAIN) {
		missed = missed * (n - SIGHTINGS_DRAWN) / n;
		answers++;
	}
	return answers;
}

/* Merges what is known with the answer into `to`, which has room for both. Returns how many. */
static size_t merge(const struct sightings *s, const struct endpoints *answer, struct sighting *to)
{
	size_t known = 0, n = 0;

	for (size_t i = 0; i <= answer->n; i++) {
		const struct endpoint *next = i < answer->n ? &answer->list[i] : NULL;
		int order = -1;

		while (known < s->n &&
		       (!next ||
			(order = addr_port_compare(&s->list[known].endpoint.at, &next->at)) < 0)) {
			to[n] = s->list[known++];
			to[n++].missed++;
		}
		if (!next)
			break;
		known += known < s->n && order == 0;
		to[n++] = (struct sighting){ .endpoint = *next };
	}
	return n;
}

static size_t drop_missed(struct sighting *list, size_t n)
{
	uint32_t patience = sightings_patience(n);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (list[i].missed < patience)
			list[kept++] = list[i];
	}
	return kept;
}

static int copy_out(const struct sighting *list, size_t n, struct endpoints *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = endpoints_add(ret, &list[i].endpoint);
	return r;
}

int sightings_take(struct sightings *s, const struct endpoints *answer, size_t records,
		   struct endpoints *ret)
{
	_cleanup_(endpoints_done) struct endpoints there = { 0 };
	bool shows_some = records == SIGHTINGS_DRAWN;
	struct sightings merged = { .answers = s->answers };
	int r;

	if (!shows_some && s->n == 0)
		return endpoints_copy(ret, answer);
	merged.list = calloc(s->n + answer->n + 1, sizeof(*merged.list));
	if (!merged.list)
		return -ENOMEM;
	merged.n = drop_missed(merged.list, merge(s, answer, merged.list));
	r = shows_some ? copy_out(merged.list, merged.n, &there) : endpoints_copy(&there, answer);
	if (r < 0) {
		sightings_done(&merged);
		return r;
	}
	if (shows_some && merged.answers < UINT32_MAX)
		merged.answers++;
	sightings_done(s);
	*s = merged;
	*ret = there;
	there = (struct endpoints){ 0 };
	return 0;
}

bool sightings_are_settled(const struct sightings *s, size_t records)
{
	if (records != SIGHTINGS_DRAWN)
		return true;
	return s->answers >= MAX(sightings_patience(s->n), FIRST_ANSWERS);
}
