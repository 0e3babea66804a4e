/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends that a service ought to have, and their shares: the rules of the service are applied
 * within each part, and then the parts have their weights. So neither a zone, nor health, nor slow
 * start moves connections from one part to another while both can take them.
 */
#include <errno.h>

#include "agent/internal.h"
#include "core/shares.h"
#include "core/split.h"

_Static_assert(CONFIG_PARTS_MAX <= 8, "struct table_backend has a bit for each part");

/* What want.c works with: the parts in the states that the voices gave their backends. */
struct cut {
	struct endpoints backends[CONFIG_PARTS_MAX];
	uint32_t *shares[CONFIG_PARTS_MAX];
};

static void cut_done(struct cut *c)
{
	for (size_t i = 0; i < CONFIG_PARTS_MAX; i++) {
		endpoints_done(&c->backends[i]);
		free(c->shares[i]);
	}
}

/* Slow start; off, it forgets, so that nobody ramps when it is turned on. */
static int ramp_shares(struct part *p, uint32_t *shares)
{
	uint64_t now_ms = uv_now(&p->watch->agent->loop);
	uint32_t window_ms = p->config.slow_start_ms;
	int r;

	p->ramping = 0;
	if (window_ms == 0) {
		ramp_done(&p->ramp);
		return 0;
	}
	r = ramp_follow(&p->ramp, &p->model.in_force, now_ms);
	if (r == 0)
		p->ramping = ramp_apply(&p->ramp, window_ms, now_ms, shares);
	return r;
}

/* `backends` are those of the part. */
static int want_within(struct part *p, const struct endpoints *backends, uint32_t *shares)
{
	const struct shares_zone zone = { p->config.zone.prefer, p->config.zone.min };

	shares_weigh(backends, shares);
	if (ramp_shares(p, shares) < 0)
		return -ENOMEM;
	shares_prefer_healthy(backends, shares);
	p->zone_has_all = shares_prefer_zone(backends, &zone, shares);
	return 0;
}

static int cut_part(struct cut *c, size_t i, const struct watch *w)
{
	struct part *p = w->parts.list[i];
	struct endpoints *backends = &c->backends[i];

	c->shares[i] = calloc(MAX(p->model.in_force.n, 1U), sizeof(*c->shares[i]));
	if (!c->shares[i] || endpoints_copy(backends, &p->model.in_force) < 0)
		return -ENOMEM;
	for (size_t j = 0; j < backends->n; j++)
		backends->list[j].state =
			endpoints_find(&w->health.backends, &backends->list[j].at)->state;
	return want_within(p, backends, c->shares[i]);
}

/*
 * The parts that are to get connections know no backend, and not all of them have been asked: what
 * gets none otherwise goes on until then.
 */
static bool is_waiting(const struct watch *w)
{
	bool waiting = false;

	for (size_t i = 0; i < w->parts.n; i++) {
		const struct part *p = w->parts.list[i];

		if (p->weight > 0 && p->model.in_force.n > 0)
			return false;
		waiting |= p->weight > 0 && !p->model.answered;
	}
	return waiting;
}

static int want_split(struct watch *w, struct table_service *s, uint32_t *shares)
{
	_cleanup_(cut_done) struct cut cut = { 0 };
	struct split_part parts[CONFIG_PARTS_MAX];
	bool waiting = is_waiting(w);
	int r = 0;

	for (size_t i = 0; i < w->parts.n && r == 0; i++) {
		r = cut_part(&cut, i, w);
		parts[i] = (struct split_part){
			.backends = &cut.backends[i],
			.shares = cut.shares[i],
			.weight = waiting ? 1 : w->parts.list[i]->weight,
		};
	}
	if (r < 0)
		return r;
	split_shares(parts, w->parts.n, &w->health.backends, shares);
	for (size_t i = 0; i < s->n_backends; i++) {
		for (size_t j = 0; j < w->parts.n; j++) {
			if (endpoints_find(&cut.backends[j], &s->backends[i].endpoint.at))
				s->backends[i].parts |= (uint8_t)(1U << j);
		}
	}
	return 0;
}

int want_backends(struct watch *w, struct table_service *s)
{
	const struct endpoints *backends = &w->health.backends;
	_cleanup_free_ uint32_t *shares = NULL;
	int r;

	shares = calloc(MAX(backends->n, 1U), sizeof(*shares));
	s->backends = calloc(MAX(backends->n, 1U), sizeof(*s->backends));
	if (!shares || !s->backends)
		return -ENOMEM;
	s->n_backends = backends->n;
	for (size_t i = 0; i < backends->n; i++)
		s->backends[i].endpoint = backends->list[i];
	if (w->parts.n > 1)
		r = want_split(w, s, shares);
	else
		r = want_within(w->parts.list[0], backends, shares);
	for (size_t i = 0; i < backends->n && r == 0; i++) {
		s->backends[i].share = shares[i];
		s->backends[i].parts |= w->parts.n == 1;
	}
	return r;
}
