/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prober.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"
#include "io/tcp_probe.h"

/* With more that fail, status tells enough. */
#define LOG_EACH_MAX 8

struct run {
	struct prober *prober;
	struct run *next;
	struct addr_port at;
	struct tcp_probe *io;
};

struct prober {
	struct watch *watch;
	uv_timer_t timer;
	struct probe probe;
	struct probe_rules rules; /* that the timer goes by */
	struct run *runs;	  /* under way; each owned */
	bool was_panic;
};

static void on_step(uv_timer_t *timer);

static void schedule(struct prober *p)
{
	uint32_t random, wait_ms;
	size_t batch;

	/* fails only where the kernel has not even gathered randomness */
	if (uv_random(NULL, NULL, &random, sizeof(random), 0, NULL) < 0)
		random = (uint32_t)uv_hrtime();
	p->rules = p->watch->config->probe;
	wait_ms = probe_pace(&p->probe, &p->rules, random, &batch);
	if (wait_ms == 0)
		(void)uv_timer_stop(&p->timer);
	else
		(void)uv_timer_start(&p->timer, on_step, wait_ms, 0);
}

/* --- outcomes --------------------------------------------------------------------------------- */

static void log_change(const struct prober *p, const struct probe_row *row)
{
	char at[ADDR_PORT_TEXT_MAX], why[PROBE_WHY_MAX];
	const char *name = p->watch->config->name;

	if (p->probe.unhealthy > LOG_EACH_MAX)
		return;
	addr_port_format(&row->at, at);
	if (row->unhealthy)
		log_warn("A backend fails its probes, it gets no connections while others do not",
			 "service=%s backend=%s why='%s'", name, at, probe_describe(row, why));
	else
		log_info("A backend answers its probes again", "service=%s backend=%s", name, at);
}

static void log_panic(struct prober *p)
{
	bool is_panic = probe_panics(&p->probe);
	const char *name = p->watch->config->name;

	if (is_panic && !p->was_panic)
		log_warn("More than half of the backends fail their probes, ignoring the probes",
			 "service=%s failing=%zu", name, p->probe.unhealthy);
	else if (!is_panic && p->was_panic)
		log_info("Most backends answer their probes again, they count", "service=%s", name);
	p->was_panic = is_panic;
}

static void take(struct prober *p, const struct addr_port *at, int error)
{
	enum probe_news news = probe_take(&p->probe, &p->watch->config->probe, at, error,
					  time(NULL));

	if (news == PROBE_NO_NEWS)
		return;
	if (news == PROBE_NEW_STATE)
		log_change(p, probe_find(&p->probe, at));
	log_panic(p);
	reconcile_service(p->watch);
}

static void run_free(struct run *run)
{
	struct prober *p = run->prober;

	for (struct run **at = &p->runs; *at; at = &(*at)->next) {
		if (*at == run) {
			*at = run->next;
			break;
		}
	}
	p->watch->agent->probes_running--;
	free(run);
}

static void on_done(void *user, int error)
{
	struct run *run = user;
	struct prober *p = run->prober;
	struct addr_port at = run->at;

	run_free(run);
	take(p, &at, error);
}

static void run_start(struct prober *p, const struct addr_port *at)
{
	const struct probe_rules *rules = &p->watch->config->probe;
	struct run *run = calloc(1, sizeof(*run));
	int r = run ? 0 : -ENOMEM;

	if (run) {
		*run = (struct run){ .prober = p, .next = p->runs, .at = *at };
		p->runs = run;
		p->watch->agent->probes_running++;
		r = tcp_probe_start(&p->watch->agent->loop, at, rules->timeout_ms, on_done, run,
				    &run->io);
	}
	if (r == 0)
		return;
	if (run)
		run_free(run);
	take(p, at, -r);
}

static void on_step(uv_timer_t *timer)
{
	struct prober *p = timer->data;
	const struct probe_row *row;
	size_t batch = 0;

	(void)probe_pace(&p->probe, &p->watch->config->probe, 0, &batch);
	for (; batch > 0 && p->watch->agent->probes_running < PROBER_RUNNING_MAX; batch--) {
		row = probe_next(&p->probe, uv_now(timer->loop));
		if (!row)
			break;
		run_start(p, &row->at);
	}
	schedule(p);
}

/* --- its life --------------------------------------------------------------------------------- */

static int prober_new(struct watch *w, struct prober **ret)
{
	struct prober *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->watch = w;
	(void)uv_timer_init(&w->agent->loop, &p->timer);
	p->timer.data = p;
	*ret = p;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	while (p->runs) {
		tcp_probe_stop(p->runs->io);
		run_free(p->runs);
	}
	probe_done(&p->probe);
	uv_close((uv_handle_t *)&p->timer, on_closed);
}

int prober_follow(struct watch *w, bool as_left)
{
	int r = 0;

	if (!w->config->has_probe) {
		prober_free(TAKE_PTR(w->prober));
		return 0;
	}
	if (!w->prober)
		r = prober_new(w, &w->prober);
	if (r == 0)
		r = probe_follow(&w->prober->probe, watch_in_force(w), as_left, time(NULL));
	if (r < 0)
		return r;
	log_panic(w->prober);
	if (!uv_is_active((const uv_handle_t *)&w->prober->timer) ||
	    w->prober->rules.interval_ms != w->config->probe.interval_ms)
		schedule(w->prober);
	return 0;
}

const struct probe *prober_outcomes(const struct prober *p)
{
	return &p->probe;
}
