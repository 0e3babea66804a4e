/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question at a time: where the namespace is, then a page of its services after the other. A
 * page that fails is asked for again, so that a long list gets to its end through throttling; a
 * token that does not hold, and one page that fails again and again, begin the list anew. Beats
 * come one poll after the end of the last list, less a twentieth of jitter: the control plane has
 * low quotas, and nobody waits for a service that is new.
 */
#include "sources/namespace.h"

#include <errno.h>

#include "core/backoff.h"
#include "core/namespace_walk.h"
#include "sources/cloudmap_call.h"
#include "sources/turns.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 15000
#define PAGE_FAILURES_MAX 5 /* in a row, before the list is begun anew */

struct namespace_source {
	struct source_env env;
	const struct config_namespace *wanted;
	struct namespace_sink sink;
	struct cloudmap_place place;
	uv_timer_t timer; /* the next beat, or the next attempt after a failure */
	struct turn turn;
	struct http_call *call;
	struct credentials_waiter waiter;
	struct backoff backoff;
	uint64_t due_ms;  /* of the timer */
	uint64_t serial;  /* of the credentials that signed the question */
	int64_t offset_s; /* of the clock that dated it */
	bool no_credentials;
	bool listed; /* a whole list has been told */
	bool again;  /* somebody wants a list that is begun after now */
	struct namespace_walk walk;
	unsigned int failures; /* in a row, of one question */
};

static void ask(struct namespace_source *s);

/* --- when to ask ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
	ask(timer->data);
}

static void arm(struct namespace_source *s, uint32_t wait_ms)
{
	s->due_ms = uv_now(s->env.loop) + wait_ms;
	(void)uv_timer_start(&s->timer, on_timer, wait_ms, 0);
}

/* At first half a poll of jitter, since the hosts of a deployment start together. */
static void arm_beat(struct namespace_source *s)
{
	uint32_t poll_ms = s->wanted->poll_ms;
	uint32_t jitter_ms = source_random() % (poll_ms / (s->listed ? 20 : 2) + 1);

	arm(s, s->again ? 0 : poll_ms - jitter_ms);
	s->listed = true;
	s->again = false;
}

static void begin_anew(struct namespace_source *s)
{
	namespace_walk_begin(&s->walk, s->wanted);
	s->failures = 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The sink is called last: it may stop the source. */
static void tell_failure(struct namespace_source *s, const char *code, const char *message)
{
	s->sink.failure(s->sink.user, &(struct source_failure){ .code = code, .message = message });
}

static void tell_list(struct namespace_source *s)
{
	struct namespace_walk walk = s->walk;
	const struct namespace_list list = {
		.of = &walk.found,
		.names = &walk.names,
		.unwanted = walk.unwanted,
		.pages = walk.pages,
	};

	s->walk = (struct namespace_walk){ 0 };
	arm_beat(s);
	begin_anew(s);
	s->sink.listed(s->sink.user, &list);
	namespace_walk_done(&walk);
}

static void on_credentials(void *user)
{
	struct namespace_source *s = user;
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (s->no_credentials || (!s->call && set && set->serial != s->serial))
		ask(s); /* else the retry will come at its time */
}

/* The set may have been replaced while the question was under way: then the next will do. */
static void replace_credentials(struct namespace_source *s)
{
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (set && set->serial != s->serial) {
		arm(s, 0);
		return;
	}
	credentials_rejected(s->env.credentials);
	credentials_await(s->env.credentials, &s->waiter);
}

/* `date_s`: of the answer, by the remote's clock; 0: unknown. */
static void take_failure(struct namespace_source *s, const struct cloudmap_wire_error *error,
			 int64_t date_s)
{
	turn_end(&s->turn, cloudmap_call_outcome(error->code));
	requests_count(s->env.requests, "cloudmap", namespace_walk_operation(&s->walk),
		       error->code);
	arm(s, backoff_failed(&s->backoff, source_random()));
	if (cloudmap_call_was_misdated(&s->env, s->offset_s, error->code, date_s))
		arm(s, 0);
	else if (cloudmap_reply_blames_credentials(error->code))
		replace_credentials(s);
	else if (++s->failures >= PAGE_FAILURES_MAX || !s->walk.token ||
		 streq(error->code, "InvalidInput"))
		begin_anew(s);
	tell_failure(s, error->code, error->message);
}

static void take_answer(struct namespace_source *s, bool whole)
{
	turn_end(&s->turn, QUOTA_OK);
	credentials_forget(&s->waiter);
	backoff_recovered(&s->backoff);
	s->failures = 0;
	if (whole)
		tell_list(s);
	else
		ask(s);
}

static void on_answer(void *user, const struct http_response *response)
{
	const struct cloudmap_wire_reply reply = {
		.status = response->status,
		.body = response->body,
		.length = response->length,
		.error_type = response->error_type,
	};
	struct namespace_source *s = user;
	const char *operation = namespace_walk_operation(&s->walk);
	struct cloudmap_wire_error error;
	bool whole;

	s->call = NULL;
	if (response->failure) {
		(void)util_copy(error.code, sizeof(error.code), response->failure);
		(void)util_copy(error.message, sizeof(error.message), response->detail);
		take_failure(s, &error, 0);
	} else if (namespace_walk_take(&s->walk, &reply, &whole, &error) < 0) {
		take_failure(s, &error, response->date_s);
	} else {
		requests_count(s->env.requests, "cloudmap", operation, "ok");
		take_answer(s, whole);
	}
}

/* --- questions -------------------------------------------------------------------------------- */

/* They are tried for again and again; each time that fails it is said. */
static void wait_for_credentials(struct namespace_source *s)
{
	struct credentials_status status;

	s->no_credentials = true;
	credentials_await(s->env.credentials, &s->waiter);
	credentials_status(s->env.credentials, &status);
	if (status.error)
		tell_failure(s, "no_credentials", status.error);
}

static int start_call(struct namespace_source *s, const struct credentials_set *set)
{
	_cleanup_free_ char *body = namespace_walk_ask(&s->walk);
	const struct cloudmap_call call = {
		.place = &s->place,
		.target = namespace_walk_target(&s->walk),
		.body = body,
		.answer_max = CLOUDMAP_LISTS_BODY_MAX,
		.done = on_answer,
		.user = s,
	};

	return body ? cloudmap_call_start(&s->env, set, &call, &s->call) : -ENOMEM;
}

/* When its turn has come. */
static void on_turn(void *user)
{
	struct namespace_source *s = user;
	const struct credentials_set *set = credentials_get(s->env.credentials);
	struct cloudmap_wire_error error = { .code = "failed" };
	int r;

	if (!set) { /* any more */
		turn_end(&s->turn, QUOTA_OTHER);
		wait_for_credentials(s);
		return;
	}
	s->serial = set->serial;
	s->offset_s = credentials_clock(s->env.credentials)->offset_s;
	r = start_call(s, set);
	if (r == 0)
		return;
	(void)snprintf(error.message, sizeof(error.message), "the request cannot be made: %s",
		       strerror(-r));
	take_failure(s, &error, 0);
}

static void ask(struct namespace_source *s)
{
	(void)uv_timer_stop(&s->timer);
	if (!credentials_get(s->env.credentials)) {
		wait_for_credentials(s);
		return;
	}
	s->no_credentials = false;
	turn_wait(&s->turn, BUDGET_LISTS, s->listed ? PACE_IN_USE : PACE_NEWS, uv_now(s->env.loop));
}

/* --- its life --------------------------------------------------------------------------------- */

static void namespace_free(struct namespace_source *s)
{
	cloudmap_place_done(&s->place);
	namespace_walk_done(&s->walk);
	free(s);
}
DEFINE_CLEANUP(struct namespace_source *, namespace_free);

int namespace_start(const struct source_env *env, const struct config *config,
		    const struct config_namespace *wanted, const struct namespace_sink *sink,
		    struct namespace_source **ret)
{
	_cleanup_(namespace_free_p) struct namespace_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->env = *env;
	s->wanted = wanted;
	s->sink = *sink;
	s->turn = (struct turn){ .go = on_turn, .user = s };
	s->waiter = (struct credentials_waiter){ .ready = on_credentials, .user = s };
	s->backoff.first_ms = MIN(2 * wanted->poll_ms, (uint32_t)BACKOFF_FIRST_MS);
	s->backoff.max_ms = BACKOFF_MAX_MS;
	r = cloudmap_place_init(&s->place, config->aws.region, config->aws.endpoint);
	if (r == 0)
		r = turn_join(&s->turn, env->turns);
	if (r < 0)
		return r;
	(void)uv_timer_init(env->loop, &s->timer);
	s->timer.data = s;
	begin_anew(s);
	arm(s, 0);
	*ret = TAKE_PTR(s);
	return 0;
}

void namespace_configure(struct namespace_source *s, const struct config_namespace *wanted)
{
	s->wanted = wanted;
	s->walk.wanted = wanted;
}

void namespace_refresh(struct namespace_source *s)
{
	s->again = s->call || s->walk.pages > 0;
	if (!s->call && !s->no_credentials)
		arm(s, 0);
}

uint64_t namespace_next_ms(const struct namespace_source *s)
{
	return s->call || s->no_credentials ? 0 : s->due_ms;
}

static void on_closed(uv_handle_t *timer)
{
	namespace_free(timer->data);
}

void namespace_stop(struct namespace_source *s)
{
	if (!s)
		return;
	http_cancel(s->call);
	turn_leave(&s->turn);
	credentials_forget(&s->waiter);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}
