/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs do about failing backends, told to people: once a second, and only when they
 * have left word, the rows of those services are read. When nothing counts any more the programs
 * are told to stop looking, so that it costs nothing again.
 */
#include "agent/internal.h"

#include <errno.h>
#include <time.h>

#define LOOK_MS 1000

static void log_ejection(const struct watch *w, const struct ejection *e)
{
	char at[ADDR_PORT_TEXT_MAX], why[EJECTION_WHY_MAX];

	log_warn("Backend ejected", "service=%s backend=%s why='%s'", w->config->name,
		 addr_port_format(&e->at, at), ejection_describe(e, uv_hrtime(), why));
}

static void log_return(const struct watch *w, const struct ejection *e)
{
	char at[ADDR_PORT_TEXT_MAX];

	log_info("Backend in service again", "service=%s backend=%s", w->config->name,
		 addr_port_format(&e->at, at));
}

/* Logs what is new, and what is no more; true if anything is. */
static bool compare(const struct watch *w, struct ejections *now)
{
	bool changed = false;

	for (size_t i = 0; i < now->n; i++) {
		const struct ejection *old = ejections_find(&w->ejections, &now->list[i].at);

		if (old)
			now->list[i].since_s = old->since_s;
		if (old && old->until_ns == now->list[i].until_ns)
			continue;
		changed = true;
		log_ejection(w, &now->list[i]);
	}
	for (size_t i = 0; i < w->ejections.n; i++) {
		if (ejections_find(now, &w->ejections.list[i].at))
			continue;
		changed = true;
		log_return(w, &w->ejections.list[i]);
	}
	return changed;
}

/* What the rows of a service's backends say. */
struct findings {
	struct ejections ejected; /* owned */
	uint32_t sharing;	  /* of them, those that have a share: only these count for panic */
	bool quiet;		  /* no row counts */
};

static void findings_done(struct findings *f)
{
	ejections_done(&f->ejected);
}

/* 0 or -ENOMEM. */
static int read_rows(const struct watch *w, uint32_t service_id, struct findings *ret)
{
	struct shunt_policy policy;
	struct plan_member row;
	int r = 0;

	*ret = (struct findings){ .quiet = true };
	dataplane_policy(w->agent->dataplane, service_id, &policy);
	for (size_t i = 0; r == 0 && planner_backend(w->agent->planner, service_id, i, &row); i++) {
		struct ejection e = { .at = row.at, .since_s = time(NULL) };
		struct shunt_health health;

		if (!dataplane_health(w->agent->dataplane, row.id, row.born, &health))
			continue;
		if (!policy.rules.ejection_failures) { /* nobody would try it again */
			dataplane_end_ejection(w->agent->dataplane, row.id, row.born);
			continue;
		}
		ret->quiet &= ejection_is_quiet(&health, &policy.rules, uv_hrtime());
		e.until_ns = health.eject_until;
		e.in_a_row = health.ejections;
		if (!health.eject_until)
			continue;
		ret->sharing += row.has_share;
		r = ejections_add(&ret->ejected, &e);
	}
	return r;
}

/* Between the last look and this the programs may have found something: then it is as it was. */
static void stop_looking(const struct watch *w, uint32_t service_id, uint64_t look)
{
	_cleanup_(findings_done) struct findings now = { 0 };

	dataplane_set_look(w->agent->dataplane, service_id, 0);
	if (read_rows(w, service_id, &now) < 0 || !now.quiet)
		dataplane_set_look(w->agent->dataplane, service_id, look);
}

static int look_at(struct watch *w)
{
	_cleanup_(findings_done) struct findings now = { 0 };
	uint32_t service_id = watch_service_id(w);
	uint64_t look = dataplane_look(w->agent->dataplane, service_id);
	struct shunt_policy policy;
	int r;

	w->looking = look != 0;
	if (!look && w->ejections.n == 0)
		return 0;
	dataplane_policy(w->agent->dataplane, service_id, &policy);
	r = read_rows(w, service_id, &now);
	if (r < 0)
		return r;
	dataplane_settle_ejected(w->agent->dataplane, service_id, policy.ejected, now.sharing);
	if (compare(w, &now.ejected))
		reconcile_service(w);
	ejections_done(&w->ejections);
	w->ejections = now.ejected;
	now.ejected = (struct ejections){ 0 };
	if (now.quiet)
		stop_looking(w, service_id, look);
	return 0;
}

void ejections_look(struct agent *agent)
{
	uint64_t news = dataplane_news(agent->dataplane);
	bool any = news != agent->news;

	agent->news = news;
	for (size_t i = 0; i < agent->n_watches; i++) {
		struct watch *w = agent->watches[i];

		if ((any || w->looking) && look_at(w) < 0)
			agent->news = 0; /* no memory: once more in a second */
	}
}

static void on_look(uv_timer_t *timer)
{
	ejections_look(timer->data);
}

void ejections_open(struct agent *agent)
{
	(void)uv_timer_init(&agent->loop, &agent->look_timer);
	agent->look_timer.data = agent;
	(void)uv_timer_start(&agent->look_timer, on_look, LOOK_MS, LOOK_MS);
}

void ejections_close(struct agent *agent)
{
	uv_close((uv_handle_t *)&agent->look_timer, NULL);
}
