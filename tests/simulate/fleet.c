/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <errno.h>

#include "core/demand.h"

#define RUNNING_MAX 16
#define SECOND_MS 1000
#define SHRINK_CONFIRM_MS 30000

/* --- events ----------------------------------------------------------------------------------- */

static void put_event(struct fleet *f, struct queue_call *event, uint64_t at_ms)
{
	if (event->place)
		queue_remove(&f->events, event);
	event->order_ms = MAX(at_ms, f->now_ms);
	queue_add(&f->events, event);
}

static int note_delay(struct fleet_delays *d, uint64_t ms)
{
	if (util_grow(&d->list, &d->capacity, d->n + 1, sizeof(*d->list)) < 0)
		return -ENOMEM;
	d->list[d->n++] = (uint32_t)MIN(ms, UINT32_MAX);
	return 0;
}

/* --- a host calls ----------------------------------------------------------------------------- */

static enum pace_rank use_of(const struct fleet *f, const struct fleet_source *s)
{
	if (f->now_ms < s->used_until_ms)
		return PACE_IN_USE;
	return f->now_ms < DEMAND_ASSUMED_MS ? PACE_ASSUMED : PACE_IDLE;
}

/* Counted apart from core/budget's own account, to check it. */
static void count_call(struct fleet *f, struct fleet_host *h, enum budget_kind kind)
{
	uint64_t *place = &h->began_ms[h->begun++ % f->options.calls_per_second];

	if (*place && f->now_ms - *place < SECOND_MS)
		f->exceeded++;
	*place = f->now_ms;
	h->in_second++;
	f->in_second++;
	f->phase->calls[kind]++;
	f->phase->most_of_host = MAX(f->phase->most_of_host, h->in_second);
}

static struct fleet_source *source_of(struct budget_call *call)
{
	return (struct fleet_source *)((char *)call - offsetof(struct fleet_source, call));
}

static void let_go(struct fleet *f, struct fleet_host *h)
{
	struct budget_call *call;
	uint64_t when_ms;

	while ((call = budget_begin(&h->budget, f->now_ms, &when_ms))) {
		struct fleet_source *s = source_of(call);

		count_call(f, h, call->kind);
		s->answer = cloud_ask(&f->cloud, s->service, call->kind, f->now_ms);
		f->phase->refused[call->kind] += s->answer.outcome == QUOTA_REFUSED;
		s->asks = true;
		put_event(f, &s->event, f->now_ms + s->answer.after_ms);
	}
	if (h->event.place)
		queue_remove(&f->events, &h->event);
	if (when_ms != BUDGET_NEVER)
		put_event(f, &h->event, when_ms);
}

static void wait_for_turn(struct fleet *f, struct fleet_source *s)
{
	struct fleet_host *h = &f->hosts[s->host];
	bool scarce = quota_holds_back(&h->budget.quotas[BUDGET_INSTANCES]);
	bool all = pace_question(&s->pace, scarce, f->now_ms) == PACE_ASK_ALL;

	budget_wait(&h->budget, &s->call, all ? BUDGET_INSTANCES : BUDGET_REVISIONS,
		    pace_rank(&s->pace), s->pace.due_ms);
	let_go(f, h);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Is anything gone that is registered, and was in force? */
static void count_lost(struct fleet *f, const struct fleet_source *s, const struct endpoints *old)
{
	const struct endpoints *there = &f->cloud.services[s->service].now;

	for (size_t i = 0; i < old->n; i++) {
		const struct addr_port *at = &old->list[i].at;

		f->lost += endpoints_find(there, at) && !endpoints_find(&s->model->in_force, at);
	}
}

static int keep(struct fleet *f, struct fleet_source *s)
{
	_cleanup_(endpoints_done) struct endpoints old = { 0 };
	struct endpoints told = f->cloud.services[s->service].now; /* borrowed */
	struct model_answer answer = { .endpoints = &told,
				       .confirm_ms = SHRINK_CONFIRM_MS,
				       .now_ms = f->now_ms,
				       .now_s = (int64_t)(f->now_ms / SECOND_MS) + 1 };
	bool changed = false;
	int r = endpoints_copy(&old, &s->model->in_force);

	if (s->answer.lacks)
		told.n = s->answer.kept;
	if (r == 0)
		r = model_take_answer(s->model, &answer, &changed);
	if (r == 0 && changed)
		count_lost(f, s, &old);
	if (r == 0 && changed && f->changed)
		f->changed(f, s);
	return r;
}

/* News of before the phase counts from its beginning: there may have been none until then. */
static int note_change(struct fleet *f, const struct fleet_source *s, uint64_t changed_ms)
{
	struct fleet_phase *p = f->phase;

	if (f->now_ms >= s->used_until_ms || changed_ms < s->used_since_ms)
		return 0;
	if (changed_ms < p->from_ms)
		return note_delay(&p->older, f->now_ms - p->from_ms);
	return note_delay(&p->used, f->now_ms - changed_ms);
}

/* Of each revision that is new to it: how long did that take? */
static int note_news(struct fleet *f, struct fleet_source *s)
{
	const struct cloud_service *there = &f->cloud.services[s->service];
	int r = 0;

	if (s->seen == 0) /* that is not news */
		s->seen = s->answer.revision;
	for (; s->seen < s->answer.revision && r == 0; s->seen++)
		r = note_change(f, s, there->changed_ms[s->seen]);
	if (r == 0 && s->woken_ms)
		r = note_delay(&f->phase->woken, f->now_ms - s->woken_ms);
	s->woken_ms = 0;
	return r;
}

static int take_all(struct fleet *f, struct fleet_source *s)
{
	const struct pace_answer answer = { .has_revision = true,
					    .has_health = true,
					    .revision = s->answer.revision };
	int r = 0;

	pace_take_answer(&s->pace, &answer, use_of(f, s), f->now_ms,
			 cloud_random(&f->cloud, UINT32_MAX));
	if (s->model)
		r = keep(f, s);
	if (s->model)
		pace_doubt(&s->pace, s->model->shrink.held);
	return r < 0 || s->answer.lacks ? r : note_news(f, s);
}

static int take_answer(struct fleet *f, struct fleet_source *s)
{
	bool all = s->call.kind == BUDGET_INSTANCES;
	uint32_t random = cloud_random(&f->cloud, UINT32_MAX);
	int r = 0;

	s->asks = false;
	budget_end(&f->hosts[s->host].budget, s->call.kind, s->answer.outcome, f->now_ms);
	if (s->answer.outcome != QUOTA_OK)
		pace_take_failure(&s->pace, all ? PACE_ASK_ALL : PACE_ASK_REVISION, PACE_FAILED,
				  f->now_ms, random);
	else if (all)
		r = take_all(f, s);
	else
		(void)pace_take_revision(&s->pace, s->answer.revision, use_of(f, s), f->now_ms,
					 random);
	if (s->model && s->answer.outcome != QUOTA_OK)
		model_take_failure(s->model, "failed", "", f->now_ms);
	put_event(f, &s->event, s->pace.due_ms);
	let_go(f, &f->hosts[s->host]);
	return r;
}

/* --- what happens by itself ------------------------------------------------------------------- */

/* The first connect was in the second before; the agent looks once a second. */
static void wake_one(struct fleet *f)
{
	uint32_t services = f->options.services;
	size_t host = cloud_random(&f->cloud, f->options.hosts);
	size_t service = cloud_random(&f->cloud, services);
	struct fleet_source *s = &f->sources[host * services + service];

	if (use_of(f, s) != PACE_IDLE)
		return;
	s->used_since_ms = f->now_ms;
	s->used_until_ms = f->now_ms + DEMAND_IDLE_AFTER_MS;
	if (!pace_wake(&s->pace, f->now_ms))
		return;
	s->woken_ms = f->now_ms - cloud_random(&f->cloud, SECOND_MS);
	if (!s->asks)
		put_event(f, &s->event, s->pace.due_ms);
}

static void pass_second(struct fleet *f)
{
	uint32_t wakes = f->options.wakes_per_minute;

	f->phase->most_of_account = MAX(f->phase->most_of_account, f->in_second);
	f->in_second = 0;
	for (size_t i = 0; i < f->options.hosts; i++)
		f->hosts[i].in_second = 0;
	for (uint32_t n = wakes / 60 + (cloud_random(&f->cloud, 60) < wakes % 60); n > 0; n--)
		wake_one(f);
	put_event(f, &f->second, f->now_ms + SECOND_MS);
}

static int change_one(struct fleet *f)
{
	uint32_t mean_ms;

	if (f->options.changes_per_minute == 0)
		return 0; /* not any more */
	mean_ms = 60 * SECOND_MS / f->options.changes_per_minute;
	put_event(f, &f->change, f->now_ms + 1 + cloud_random(&f->cloud, 2 * mean_ms));
	return cloud_change(&f->cloud, cloud_random(&f->cloud, f->options.services), f->now_ms);
}

/* --- its life --------------------------------------------------------------------------------- */

static void source_init(struct fleet *f, struct fleet_source *s, uint32_t host, uint32_t service)
{
	s->host = host;
	s->service = service;
	/* which ones a host uses is another choice on each */
	s->used_until_ms = (service + host * 7) % f->options.services < f->options.used ? UINT64_MAX
											: 0;
	pace_init(&s->pace, f->options.period_ms, false, f->now_ms);
	if (host < f->options.models)
		s->model = calloc(1, sizeof(*s->model));
	if (s->used_until_ms) /* tasks that were there first have connected */
		(void)pace_wake(&s->pace, f->now_ms);
	put_event(f, &s->event, f->now_ms);
}

static int host_init(struct fleet *f, uint32_t host)
{
	struct fleet_host *h = &f->hosts[host];
	int r = budget_init(&h->budget, f->options.calls_per_second, RUNNING_MAX);

	h->began_ms = calloc(f->options.calls_per_second, sizeof(*h->began_ms));
	if (!h->began_ms)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->options.services && r == 0; i++) {
		r = budget_join(&h->budget);
		source_init(f, &f->sources[(size_t)host * f->options.services + i], host, i);
	}
	return r;
}

int fleet_init(struct fleet *f, const struct fleet_options *options)
{
	size_t n = (size_t)options->hosts * options->services;
	int r = cloud_init(&f->cloud, options->services, options->instances, options->seed);

	f->options = *options;
	f->now_ms = 1; /* budgets take 0 for never */
	f->hosts = calloc(options->hosts, sizeof(*f->hosts));
	f->sources = calloc(n, sizeof(*f->sources));
	if (r < 0 || !f->hosts || !f->sources)
		return -ENOMEM;
	r = queue_reserve(&f->events, n + options->hosts + 2);
	for (uint32_t i = 0; i < options->hosts && r == 0; i++)
		r = host_init(f, i);
	if (r < 0)
		return r;
	put_event(f, &f->second, SECOND_MS);
	if (options->changes_per_minute)
		put_event(f, &f->change, SECOND_MS);
	return 0;
}

void fleet_done(struct fleet *f)
{
	for (size_t i = 0; f->sources && i < (size_t)f->options.hosts * f->options.services; i++) {
		if (f->sources[i].model)
			model_done(f->sources[i].model);
		free(f->sources[i].model);
	}
	for (size_t i = 0; f->hosts && i < f->options.hosts; i++) {
		budget_done(&f->hosts[i].budget);
		free(f->hosts[i].began_ms);
	}
	free(f->sources);
	free(f->hosts);
	queue_done(&f->events);
	cloud_done(&f->cloud);
}

static bool is_of(const void *pointer, const void *first, size_t n, size_t size)
{
	return pointer >= first && pointer < (const void *)((const char *)first + n * size);
}

static int happen(struct fleet *f, struct queue_call *event)
{
	size_t n = (size_t)f->options.hosts * f->options.services;

	if (is_of(event, f->sources, n, sizeof(*f->sources))) {
		struct fleet_source *s = (struct fleet_source *)event; /* its first member */

		if (s->asks)
			return take_answer(f, s);
		wait_for_turn(f, s);
	} else if (is_of(event, f->hosts, f->options.hosts, sizeof(*f->hosts))) {
		let_go(f, (struct fleet_host *)event); /* its first member */
	} else if (event == &f->second) {
		pass_second(f);
	} else {
		return change_one(f);
	}
	return 0;
}

int fleet_run(struct fleet *f, struct fleet_phase *phase, uint64_t until_ms)
{
	struct queue_call *event;
	int r = 0;

	f->phase = phase;
	phase->from_ms = f->now_ms;
	phase->to_ms = until_ms;
	while (r == 0 && (event = queue_first(&f->events)) && event->order_ms < until_ms) {
		f->now_ms = event->order_ms;
		queue_remove(&f->events, event);
		r = happen(f, event);
	}
	f->now_ms = until_ms;
	return r;
}

/* --- what came of it -------------------------------------------------------------------------- */

void fleet_phase_done(struct fleet_phase *p)
{
	free(p->used.list);
	free(p->older.list);
	free(p->woken.list);
}

uint64_t fleet_differences(const struct fleet *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < (size_t)f->options.models * f->options.services; i++) {
		const struct fleet_source *s = &f->sources[i];
		const struct endpoints *there = &f->cloud.services[s->service].now;

		if (f->now_ms < s->used_until_ms)
			n += !endpoints_equal(there, &s->model->in_force);
	}
	return n;
}

static int compare_delays(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

uint32_t fleet_delay_at(struct fleet_delays *d, unsigned int permille)
{
	if (d->n == 0)
		return 0;
	qsort(d->list, d->n, sizeof(*d->list), compare_delays);
	return d->list[MIN(d->n * permille / 1000, d->n - 1)];
}
