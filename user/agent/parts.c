/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a service, over a change of its configuration: a part that asks for the same is the
 * same, wherever it stands and whatever its weight. Backends of a part that goes stay with one that
 * has nothing to show yet, until its source answers.
 */
#include <errno.h>

#include "agent/watch.h"

static bool has(const struct parts *parts, const struct part *p)
{
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->list[i] == p)
			return true;
	}
	return false;
}

static struct part *find_same(const struct parts *old, const struct config_service *config)
{
	for (size_t i = 0; i < old->n; i++) {
		if (config_same_target(&old->list[i]->config, config))
			return old->list[i];
	}
	return NULL;
}

/* A part that goes though connections go to its backends. */
static struct part *find_orphan(const struct parts *old, const struct parts *next)
{
	for (size_t i = 0; i < old->n; i++) {
		struct part *p = old->list[i];

		if (p->weight > 0 && p->model.in_force.n > 0 && !has(next, p))
			return p;
	}
	return NULL;
}

/*
 * Which part is to go on with an orphan: of those that get connections one that is new, or the
 * first where none of them knows a backend. next->n: nobody needs one.
 */
static size_t find_heir(const struct parts *next, const struct config_service *service)
{
	size_t first = next->n, known = 0;

	for (size_t i = next->n; i-- > 0;) {
		if (config_part_weight(service, i) > 0) {
			first = next->list[i] ? first : i;
			known += next->list[i] ? next->list[i]->model.in_force.n : 0;
		}
	}
	if (first < next->n || known > 0)
		return first;
	for (first = 0; first < next->n && config_part_weight(service, first) == 0;)
		first++;
	return first;
}

static void take_over(const struct parts *old, const struct config_service *service,
		      struct parts *next)
{
	for (size_t i = 0; i < next->n; i++) {
		const struct config_service config = config_part_service(service, i);

		next->list[i] = find_same(old, &config);
	}
	for (size_t i = 0; i < old->n; i++) {
		struct part *orphan = find_orphan(old, next);
		size_t heir = find_heir(next, service);

		if (!orphan || heir == next->n)
			return;
		next->list[heir] = orphan;
	}
}

void parts_done(struct parts *parts, const struct parts *kept)
{
	for (size_t i = 0; i < parts->n; i++) {
		if (!has(kept, parts->list[i]))
			part_free(parts->list[i]);
	}
	parts->n = 0;
}

int parts_build(struct watch *w, const struct config_service *service, struct parts *ret)
{
	struct parts next = { .n = config_count_parts(service) };
	int r = 0;

	take_over(&w->parts, service, &next);
	for (size_t i = 0; i < next.n && r == 0; i++) {
		if (!next.list[i])
			r = part_new(w, service, i, &next.list[i]);
	}
	if (r < 0) {
		parts_done(&next, &w->parts);
		return r;
	}
	*ret = next;
	return 0;
}
