/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/internal.h"

#include <errno.h>

/* What the configuration says itself is there in the next turn of the loop: that is waited for. */
static bool serves(const struct watch *w)
{
	return w->config->source != CONFIG_SOURCE_STATIC && watch_in_force(w)->n > 0;
}

bool watch_is_settled(const struct watch *w)
{
	if (serves(w))
		return true;
	for (size_t i = 0; i < w->parts.n; i++) {
		if (!part_is_settled(w->parts.list[i]))
			return false;
	}
	return true;
}

bool watch_is_answered(const struct watch *w)
{
	for (size_t i = 0; i < w->parts.n; i++) {
		if (w->parts.list[i]->model.answered)
			return true;
	}
	return false;
}

int64_t watch_answered_s(const struct watch *w)
{
	int64_t answered_s = w->parts.list[0]->model.answered_s;

	for (size_t i = 1; i < w->parts.n; i++)
		answered_s = MIN(answered_s, w->parts.list[i]->model.answered_s);
	return answered_s;
}

size_t watch_ramping(const struct watch *w)
{
	size_t ramping = 0;

	for (size_t i = 0; i < w->parts.n; i++)
		ramping += w->parts.list[i]->ramping;
	return ramping;
}

uint32_t watch_service_id(const struct watch *w)
{
	return planner_service_id(w->agent->planner, w->config->name);
}

/* --- what is in force ------------------------------------------------------------------------- */

const struct endpoints *watch_in_force(const struct watch *w)
{
	return w->parts.n == 1 ? &w->parts.list[0]->model.in_force : &w->joined;
}

/*
 * Who is in several parts is there once, healthy if one of them says so. They may be more than
 * ENDPOINTS_MAX: then it is the plan that refuses them.
 */
int watch_join(struct watch *w)
{
	struct endpoints *to = &w->joined;

	to->n = 0;
	for (size_t i = 0; i < w->parts.n && w->parts.n > 1; i++) {
		const struct endpoints *from = &w->parts.list[i]->model.in_force;

		if (from->n == 0)
			continue;
		if (util_grow(&to->list, &to->capacity, to->n + from->n, sizeof(*to->list)) < 0)
			return -ENOMEM;
		memcpy(to->list + to->n, from->list, from->n * sizeof(*to->list));
		to->n += from->n;
	}
	endpoints_normalise(to);
	return 0;
}

/* --- its life --------------------------------------------------------------------------------- */

static int seed(struct watch *w, const struct seeds *seeds)
{
	const struct table_service *left = NULL;
	int r = 0;

	if (seeds->left)
		left = table_find(seeds->left, w->config->name);
	if (left) {
		w->vip.addr = left->vip.addr;
		w->has_vip = true;
	}
	for (size_t i = 0; i < w->parts.n && r == 0; i++)
		r = part_seed(w->parts.list[i], left, seeds->known);
	return r;
}

int watch_new(struct agent *agent, const struct config_service *config, const struct seeds *seeds,
	      struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->agent = agent;
	w->config = config;
	w->started_ms = uv_now(&agent->loop);
	w->use = PACE_NEWS; /* nobody wants to know */
	r = parts_build(w, config, &w->parts);
	if (r == 0)
		r = seed(w, seeds);
	if (r == 0)
		r = watch_join(w);
	if (r == 0)
		r = prober_follow(w, true);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	const struct parts none = { .n = 0 };

	if (!w)
		return;
	agenda_forget(&w->agent->agenda, w);
	w->agent->with_events -= w->has_events;
	w->agent->ramping -= w->is_ramping;
	prober_free(w->prober);
	parts_done(&w->parts, &none);
	endpoints_done(&w->joined);
	health_done(&w->health);
	ejections_done(&w->ejections);
	free(w);
}

int watch_draft(struct watch *w, const struct config_service *config)
{
	return parts_build(w, config, &w->next);
}

void watch_drop_draft(struct watch *w)
{
	parts_done(&w->next, &w->parts);
}

bool watch_is_drafted(const struct watch *w)
{
	return w->next.n > 0;
}

void watch_configure(struct watch *w, const struct config_service *config, bool same_servers)
{
	w->config = config;
	parts_done(&w->parts, &w->next);
	w->parts = w->next;
	w->next.n = 0;
	for (size_t i = 0; i < w->parts.n; i++)
		part_configure(w->parts.list[i], config, i, same_servers);
}

void watch_start(struct watch *w)
{
	for (size_t i = 0; i < w->parts.n; i++)
		part_start(w->parts.list[i]);
}

void watch_refresh(struct watch *w)
{
	for (size_t i = 0; i < w->parts.n; i++) {
		if (w->parts.list[i]->source)
			source_refresh(w->parts.list[i]->source);
	}
}

void watch_wake(struct watch *w)
{
	for (size_t i = 0; i < w->parts.n; i++) {
		if (w->parts.list[i]->source)
			source_wake(w->parts.list[i]->source);
	}
}

struct watch *watch_find(struct watch *const *list, size_t n, const char *name)
{
	for (size_t low = 0, high = n; low < high;) {
		size_t middle = (low + high) / 2;
		int order = strcmp(list[middle]->config->name, name);

		if (order == 0)
			return list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct watch *agent_find_watch(const struct agent *agent, const char *name)
{
	const struct config_service *service = roster_find(&agent->roster, name);

	return service ? watch_find(agent->watches, agent->n_watches, service->name) : NULL;
}
