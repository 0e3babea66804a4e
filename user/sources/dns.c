/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DNS source: looks at its name again when the smallest TTL of the answer is over, within the
 * configured bounds, or after a failure when the back-off says so. An answer that there is nothing
 * (NXDOMAIN, NODATA) is an empty snapshot: the model holds it until it is confirmed. It never asks
 * sooner for what an answer did not show: a resolver gives the same eight until their TTL is over.
 * A service that nobody uses is looked at more seldom, and at once when somebody does.
 */
#include <errno.h>

#include "core/backoff.h"
#include "core/sightings.h"
#include "sources/dns_lookup.h"

#define NEGATIVE_TTL_MAX_MS 30000
/* A resolver near by is asked, not an API with quotas: less rest than Cloud Map's will do. */
#define IDLE_TTLS 12
#define IDLE_MAX_MS 60000ull
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 15000

struct source_of_dns {
	struct source source;
	struct source_env env;
	struct source_sink sink;
	char *name;
	enum dns_wire_type type;
	bool either, ipv6_first;
	uint16_t port;
	uint32_t ttl_min_ms, ttl_max_ms;
	uv_timer_t timer;	   /* until the next question */
	uint64_t next_ms;	   /* when it fires; 0 while a lookup is under way */
	uint64_t stale_ms;	   /* when it would, if the service were used */
	struct dns_lookup *lookup; /* under way, or NULL */
	struct backoff backoff;
	struct sightings sightings;
};

/* The number of a type in the configuration is that on the wire. */
_Static_assert((int)CONFIG_DNS_A == (int)DNS_WIRE_A && (int)CONFIG_DNS_AAAA == (int)DNS_WIRE_AAAA &&
		       (int)CONFIG_DNS_SRV == (int)DNS_WIRE_SRV,
	       "types of DNS records");

static void on_timer(uv_timer_t *timer);

static void dns_schedule(struct source_of_dns *s, uint64_t wait_ms)
{
	uv_update_time(s->env.loop); /* the sink may have taken its time */
	s->next_ms = uv_now(s->env.loop) + wait_ms;
	uv_timer_start(&s->timer, on_timer, wait_ms, 0);
}

/* Nobody uses it: the answer is left to grow old. */
static bool is_idle(const struct source_of_dns *s)
{
	return s->sink.use && s->sink.use(s->sink.user) == PACE_IDLE;
}

static void schedule_next(struct source_of_dns *s, uint64_t fresh_ms, bool may_rest)
{
	uint64_t rest_ms = MIN(IDLE_TTLS * fresh_ms, IDLE_MAX_MS);

	dns_schedule(s, may_rest && is_idle(s) ? MAX(fresh_ms, rest_ms) : fresh_ms);
	s->stale_ms = uv_now(s->env.loop) + fresh_ms;
}

static uint64_t ttl_ms(const struct source_of_dns *s, const struct dns_lookup_result *result)
{
	uint64_t most_ms = result->nothing ? MIN(NEGATIVE_TTL_MAX_MS, s->ttl_max_ms)
					   : s->ttl_max_ms;

	return MAX(MIN(result->ttl_s * 1000ull, most_ms), s->ttl_min_ms);
}

/* The sink is called last: it may stop the source. */
static void take_failure(struct source_of_dns *s, const struct source_failure *failure)
{
	schedule_next(s, backoff_failed(&s->backoff, source_random()), false);
	s->sink.failure(s->sink.user, failure);
}

static void take_answer(struct source_of_dns *s, const struct dns_lookup_result *result)
{
	_cleanup_(endpoints_done) struct endpoints there = { 0 };
	struct source_snapshot snapshot = result->snapshot;
	size_t answered = snapshot.endpoints->n;
	char note[96];
	int r = sightings_take(&s->sightings, snapshot.endpoints, result->records, &there);

	if (r < 0) {
		take_failure(s, &(struct source_failure){
					r == -E2BIG ? "too_many" : "out_of_memory", "" });
		return;
	}
	snapshot.endpoints = &there;
	snapshot.adds_only = !sightings_are_settled(&s->sightings, result->records);
	if (there.n > answered) {
		(void)snprintf(
			note, sizeof(note),
			"an answer shows %d at most: all of the last %u answers are in force",
			SIGHTINGS_DRAWN, sightings_patience(there.n));
		snapshot.note = note;
	}
	backoff_recovered(&s->backoff);
	schedule_next(s, ttl_ms(s, result), !snapshot.adds_only);
	s->sink.snapshot(s->sink.user, &snapshot);
}

static void on_lookup(void *user, const struct dns_lookup_result *result)
{
	struct source_of_dns *s = user;

	s->lookup = NULL;
	if (result->failure)
		take_failure(s, result->failure);
	else
		take_answer(s, result);
}

static int dns_ask(struct source_of_dns *s)
{
	struct dns_lookup_request request = { .resolver = s->env.resolver,
					      .requests = s->env.requests,
					      .name = s->name,
					      .type = s->type,
					      .either = s->either,
					      .ipv6_first = s->ipv6_first,
					      .port = s->port };
	int r = dns_lookup_start(&request, on_lookup, s, &s->lookup);

	if (r < 0)
		return r;
	uv_timer_stop(&s->timer);
	s->next_ms = 0;
	return 0;
}

static void dns_ask_or_wait(struct source_of_dns *s)
{
	if (dns_ask(s) < 0)
		dns_schedule(s, backoff_failed(&s->backoff, source_random()));
}

static void on_timer(uv_timer_t *timer)
{
	dns_ask_or_wait(timer->data);
}

static void dns_free(struct source_of_dns *s)
{
	sightings_done(&s->sightings);
	free(s->name);
	free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
	dns_free(handle->data);
}

static void dns_stop(struct source *source)
{
	struct source_of_dns *s = (struct source_of_dns *)source;

	dns_lookup_cancel(s->lookup);
	s->lookup = NULL;
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static int dns_start(const struct source_env *env, const struct config *config,
		     const struct config_service *service, const struct source_sink *sink,
		     struct source **ret)
{
	struct source_of_dns *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct source_of_dns){
		.source.ops = &source_dns,
		.env = *env,
		.sink = *sink,
		.name = strdup(service->dns.name),
		.type = (enum dns_wire_type)service->dns.type,
		.either = service->dns.either,
		.ipv6_first = config_is_ipv6(config, service),
		.port = service->dns.port,
		.ttl_min_ms = config->dns_ttl.min_ms,
		.ttl_max_ms = config->dns_ttl.max_ms,
		.backoff = { .first_ms = BACKOFF_FIRST_MS, .max_ms = BACKOFF_MAX_MS },
	};
	if (!s->name) {
		dns_free(s);
		return -ENOMEM;
	}
	uv_timer_init(env->loop, &s->timer); /* cannot fail; from here on the loop holds s */
	s->timer.data = s;
	r = dns_ask(s);
	if (r < 0) {
		dns_stop(&s->source);
		return r;
	}
	*ret = &s->source;
	return 0;
}

static void dns_refresh(struct source *source)
{
	struct source_of_dns *s = (struct source_of_dns *)source;

	if (!s->lookup)
		dns_ask_or_wait(s);
}

static void dns_wake(struct source *source)
{
	struct source_of_dns *s = (struct source_of_dns *)source;
	uint64_t now_ms = uv_now(s->env.loop);

	if (!s->lookup && s->next_ms > s->stale_ms)
		dns_schedule(s, s->stale_ms - MIN(now_ms, s->stale_ms));
}

static uint64_t dns_next_ms(const struct source *source)
{
	return ((const struct source_of_dns *)source)->next_ms;
}

const struct source_ops source_dns = {
	.start = dns_start,
	.refresh = dns_refresh,
	.wake = dns_wake,
	.next_ms = dns_next_ms,
	.stop = dns_stop,
};
