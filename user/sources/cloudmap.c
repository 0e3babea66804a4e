/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches one service of Cloud Map by DiscoverInstances. One question at a time. Beats come one
 * poll apart, by schedule and not by when the answer came, a little early and never late, so that
 * news is in force within one poll and the time of an answer. After a failure it backs off until
 * the first good answer. Of a service that nobody on this host uses it asks seldom, but looks at
 * every beat whether somebody does.
 */
#include <errno.h>

#include "core/backoff.h"
#include "core/cloudmap_wire.h"
#include "sources/cloudmap_call.h"

#define BACKOFF_MAX_MS 15000
#define IDLE_POLLS 12
#define IDLE_MAX_MS 60000

struct cloudmap {
	struct source source;
	struct source_env env;
	struct source_sink sink;
	uv_timer_t timer; /* the next beat, or the next attempt after a failure */
	struct http_call *call;
	struct credentials_waiter waiter;
	char *weight_attribute; /* or NULL */
	char *service, *body;
	struct cloudmap_place place;
	uint16_t port;
	uint32_t poll_ms;
	uint32_t idle_ms; /* between questions when not in use; 0: always watched */
	struct backoff backoff;
	uint64_t due_ms;     /* of the timer; what the schedule goes by */
	uint64_t asked_ms;   /* the last question */
	uint64_t serial;     /* of the credentials that signed it */
	bool no_credentials; /* the question waits for them */
	bool known;	     /* the last answer was good */
	bool idle;	     /* the last beat was let pass */
};

static void ask(struct cloudmap *s);

static struct cloudmap *cloudmap_of(const struct source *source)
{
	return (struct cloudmap *)(uintptr_t)source; /* the first member */
}

/* --- when to ask ------------------------------------------------------------------------------ */

static uint32_t random_below(uint32_t limit)
{
	uint32_t random = 0;

	(void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	return limit ? random % limit : 0;
}

static bool may_rest(const struct cloudmap *s)
{
	if (!s->idle_ms || !s->known || !s->sink.in_use)
		return false;
	return uv_now(s->env.loop) < s->asked_ms + s->idle_ms && !s->sink.in_use(s->sink.user);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct cloudmap *s, uint64_t due_ms)
{
	uint64_t now_ms = uv_now(s->env.loop);

	s->due_ms = MAX(due_ms, now_ms);
	(void)uv_timer_start(&s->timer, on_timer, s->due_ms - now_ms, 0);
}

/* A twentieth of jitter; at first half a poll, since the hosts of a deployment start together. */
static void arm_beat(struct cloudmap *s, bool first)
{
	arm(s, s->due_ms + s->poll_ms - random_below(s->poll_ms / (first ? 2 : 20)));
}

static void arm_retry(struct cloudmap *s)
{
	arm(s, uv_now(s->env.loop) + backoff_failed(&s->backoff, random_below(UINT32_MAX)));
}

static void on_timer(uv_timer_t *timer)
{
	struct cloudmap *s = timer->data;

	s->idle = may_rest(s);
	if (s->idle)
		arm_beat(s, false);
	else
		ask(s);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The sink is called last: it may stop the source. */
static void tell_failure(struct cloudmap *s, const char *code, const char *message)
{
	s->sink.failure(s->sink.user, &(struct source_failure){ .code = code, .message = message });
}

static void tell_snapshot(struct cloudmap *s, const struct cloudmap_wire_answer *answer)
{
	s->sink.snapshot(s->sink.user,
			 &(struct source_snapshot){
				 .endpoints = &answer->endpoints,
				 .rejected = answer->rejected,
				 .rejected_why = answer->rejected ? answer->rejected_why : NULL,
				 .misweighted = answer->misweighted,
				 .misweighted_why = answer->misweighted ? answer->misweighted_why
									: NULL,
			 });
}

static void on_credentials(void *user)
{
	struct cloudmap *s = user;
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (!s->no_credentials && (s->call || !set || set->serial == s->serial))
		return; /* no news: the retry will come at its time */
	s->due_ms = uv_now(s->env.loop);
	ask(s);
}

/* The set may have been replaced while the question was under way: then the next will do. */
static void replace_credentials(struct cloudmap *s)
{
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (set && set->serial != s->serial) {
		arm(s, uv_now(s->env.loop));
		return;
	}
	credentials_rejected(s->env.credentials);
	credentials_await(s->env.credentials, &s->waiter);
}

static void take_failure(struct cloudmap *s, const struct cloudmap_wire_error *error)
{
	requests_count(s->env.requests, "cloudmap", "DiscoverInstances", error->code);
	s->known = false;
	arm_retry(s);
	if (cloudmap_reply_blames_credentials(error->code))
		replace_credentials(s);
	tell_failure(s, error->code, error->message);
}

static void take_answer(struct cloudmap *s, const struct cloudmap_wire_answer *answer)
{
	bool first = !s->known;

	requests_count(s->env.requests, "cloudmap", "DiscoverInstances", "ok");
	credentials_forget(&s->waiter);
	backoff_recovered(&s->backoff);
	s->known = true;
	arm_beat(s, first);
	tell_snapshot(s, answer);
}

static void on_answer(void *user, const struct http_response *response)
{
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	const struct cloudmap_wire_reply reply = {
		.status = response->status,
		.body = response->body,
		.length = response->length,
		.error_type = response->error_type,
	};
	struct cloudmap_wire_error error;
	struct cloudmap *s = user;
	const struct cloudmap_wire_question asked = {
		.service = s->service,
		.port = s->port,
		.weight_attribute = s->weight_attribute,
	};

	s->call = NULL;
	if (response->failure) {
		(void)util_copy(error.code, sizeof(error.code), response->failure);
		(void)util_copy(error.message, sizeof(error.message), response->detail);
		take_failure(s, &error);
	} else if (cloudmap_wire_parse(&reply, &asked, &answer, &error) < 0) {
		take_failure(s, &error);
	} else {
		take_answer(s, &answer);
	}
}

/* --- questions -------------------------------------------------------------------------------- */

/* They are tried for again and again; each time that fails it is said. */
static void wait_for_credentials(struct cloudmap *s)
{
	struct credentials_status status;

	s->no_credentials = true;
	credentials_await(s->env.credentials, &s->waiter);
	credentials_status(s->env.credentials, &status);
	if (status.error)
		tell_failure(s, "no_credentials", status.error);
}

static int start_call(struct cloudmap *s, const struct credentials_set *set)
{
	const struct cloudmap_call call = {
		.place = &s->place,
		.target = CLOUDMAP_WIRE_TARGET("DiscoverInstances"),
		.body = s->body,
		.answer_max = CLOUDMAP_WIRE_BODY_MAX,
		.done = on_answer,
		.user = s,
	};

	return cloudmap_call_start(&s->env, set, &call, &s->call);
}

static void ask(struct cloudmap *s)
{
	const struct credentials_set *set = credentials_get(s->env.credentials);
	struct cloudmap_wire_error error = { .code = "failed" };
	int r;

	(void)uv_timer_stop(&s->timer);
	if (!set) {
		wait_for_credentials(s);
		return;
	}
	s->no_credentials = false;
	s->idle = false;
	s->asked_ms = uv_now(s->env.loop);
	s->serial = set->serial;
	r = start_call(s, set);
	if (r == 0)
		return;
	(void)snprintf(error.message, sizeof(error.message), "the request cannot be made: %s",
		       strerror(-r));
	take_failure(s, &error);
}

/* --- the source ------------------------------------------------------------------------------- */

static void cloudmap_free(struct cloudmap *s)
{
	free(s->service);
	free(s->weight_attribute);
	cloudmap_place_done(&s->place);
	free(s->body);
	free(s);
}
DEFINE_CLEANUP(struct cloudmap *, cloudmap_free);

static int copy_where(struct cloudmap *s, const struct config *config,
		      const struct config_service *service)
{
	int r = cloudmap_place_init(&s->place, config->aws.region, config->aws.data_endpoint);

	if (r < 0)
		return r;
	s->service = strdup(service->cloudmap.service);
	if (service->weights.attribute) {
		s->weight_attribute = strdup(service->weights.attribute);
		if (!s->weight_attribute)
			return -ENOMEM;
	}
	s->body = cloudmap_wire_request(service->cloudmap.namespace, service->cloudmap.service);
	return s->service && s->body ? 0 : -ENOMEM;
}

static int cloudmap_start(const struct source_env *env, const struct config *config,
			  const struct config_service *service, const struct source_sink *sink,
			  struct source **ret)
{
	_cleanup_(cloudmap_free_p) struct cloudmap *s = calloc(1, sizeof(*s));
	uint64_t poll_ms = service->cloudmap.poll_ms;
	int r;

	if (!s)
		return -ENOMEM;
	s->source.ops = &source_cloudmap;
	s->env = *env;
	s->sink = *sink;
	s->port = service->port;
	s->poll_ms = service->cloudmap.poll_ms;
	if (service->watch == CONFIG_WATCH_DEMAND)
		s->idle_ms = (uint32_t)MAX(poll_ms,
					   MIN(IDLE_POLLS * poll_ms, (uint64_t)IDLE_MAX_MS));
	s->backoff.first_ms = (uint32_t)MIN(2 * poll_ms, (uint64_t)BACKOFF_MAX_MS);
	s->backoff.max_ms = BACKOFF_MAX_MS;
	s->waiter = (struct credentials_waiter){ .ready = on_credentials, .user = s };
	r = copy_where(s, config, service);
	if (r == 0)
		r = uv_timer_init(env->loop, &s->timer);
	if (r < 0)
		return r;
	s->timer.data = s;
	arm(s, 0);
	*ret = &TAKE_PTR(s)->source;
	return 0;
}

static void cloudmap_refresh(struct source *source)
{
	struct cloudmap *s = cloudmap_of(source);

	s->known = false; /* no rest */
	if (!s->call && !s->no_credentials)
		arm(s, 0);
}

static uint64_t cloudmap_next_ms(const struct source *source)
{
	const struct cloudmap *s = cloudmap_of(source);

	if (s->call || s->no_credentials)
		return 0;
	return s->idle ? MAX(s->due_ms, s->asked_ms + s->idle_ms) : s->due_ms;
}

static void on_closed(uv_handle_t *timer)
{
	cloudmap_free(timer->data);
}

static void cloudmap_stop(struct source *source)
{
	struct cloudmap *s = cloudmap_of(source);

	http_cancel(s->call);
	credentials_forget(&s->waiter);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

const struct source_ops source_cloudmap = {
	.start = cloudmap_start,
	.refresh = cloudmap_refresh,
	.next_ms = cloudmap_next_ms,
	.stop = cloudmap_stop,
};
