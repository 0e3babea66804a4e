/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches one service of Cloud Map: by DiscoverInstancesRevision, and by DiscoverInstances when
 * that has changed or core/pace says so. One question at a time.
 */
#include <errno.h>

#include "core/cloudmap_wire.h"
#include "sources/cloudmap_call.h"
#include "sources/instance_names.h"
#include "sources/turns.h"

/* A revision is a number, but an error may explain itself. */
#define REVISION_BODY_MAX (64u << 10)

struct cloudmap {
	struct source source;
	struct source_env env;
	struct source_sink sink;
	uv_timer_t timer; /* the next question */
	struct turn turn;
	struct http_call *call;
	enum pace_question question; /* of the call */
	struct credentials_waiter waiter;
	struct cloudmap_wire_question asked; /* its texts are owned */
	char *bodies[2];		     /* by enum pace_question */
	struct cloudmap_place place;
	struct instance_names *names; /* NULL: no instance had one yet */
	struct instance_names_owner names_owner;
	struct pace pace;
	uint64_t serial;		    /* of the credentials that signed the last question */
	int64_t offset_s;		    /* of the clock that it was dated by */
	bool no_credentials;		    /* the question waits for them */
	char lacks[CLOUDMAP_WIRE_CODE_MAX]; /* while revisions are not told: with that error */
};

static const struct {
	const char *operation, *target;
	size_t answer_max;
	enum budget_kind kind;
} questions[] = {
	[PACE_ASK_ALL] = { "DiscoverInstances", CLOUDMAP_WIRE_TARGET("DiscoverInstances"),
			   CLOUDMAP_WIRE_BODY_MAX, BUDGET_INSTANCES },
	[PACE_ASK_REVISION] = { "DiscoverInstancesRevision",
				CLOUDMAP_WIRE_TARGET("DiscoverInstancesRevision"),
				REVISION_BODY_MAX, BUDGET_REVISIONS },
};

static void ask(struct cloudmap *s);

static struct cloudmap *cloudmap_of(const struct source *source)
{
	return (struct cloudmap *)(uintptr_t)source; /* the first member */
}

/* --- when to ask ------------------------------------------------------------------------------ */

static enum pace_rank use_of(const struct cloudmap *s)
{
	return s->sink.use ? s->sink.use(s->sink.user) : PACE_IN_USE;
}

static void on_timer(uv_timer_t *timer)
{
	ask(timer->data);
}

static void arm(struct cloudmap *s)
{
	uint64_t now_ms = uv_now(s->env.loop);

	(void)uv_timer_start(&s->timer, on_timer, s->pace.due_ms - MIN(now_ms, s->pace.due_ms), 0);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The sink is called last: it may stop the source. */
static void tell_failure(struct cloudmap *s, const char *code, const char *message)
{
	s->sink.failure(s->sink.user, &(struct source_failure){ .code = code, .message = message });
}

static void on_credentials(void *user)
{
	struct cloudmap *s = user;
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (!s->no_credentials && (s->call || !set || set->serial == s->serial))
		return; /* no news: the retry will come at its time */
	s->pace.due_ms = uv_now(s->env.loop);
	ask(s);
}

/* The set may have been replaced while the question was under way: then the next will do. */
static void replace_credentials(struct cloudmap *s)
{
	const struct credentials_set *set = credentials_get(s->env.credentials);

	if (set && set->serial != s->serial) {
		s->pace.due_ms = uv_now(s->env.loop);
		arm(s);
		return;
	}
	credentials_rejected(s->env.credentials);
	credentials_await(s->env.credentials, &s->waiter);
}

static enum pace_failure kind_of(const struct cloudmap *s, const char *code)
{
	if (s->question == PACE_ASK_REVISION && cloudmap_reply_lacks_operation(code))
		return PACE_LACKS;
	return cloudmap_reply_throttles(code) ? PACE_THROTTLED : PACE_FAILED;
}

/* `date_s`: of the answer, by the remote's clock; 0: unknown. */
static void take_failure(struct cloudmap *s, const struct cloudmap_wire_error *error,
			 int64_t date_s)
{
	turn_end(&s->turn, cloudmap_call_outcome(error->code));
	requests_count(s->env.requests, "cloudmap", questions[s->question].operation, error->code);
	pace_take_failure(&s->pace, s->question, kind_of(s, error->code), uv_now(s->env.loop),
			  source_random());
	if (cloudmap_call_was_misdated(&s->env, s->offset_s, error->code, date_s))
		s->pace.due_ms = uv_now(s->env.loop);
	arm(s);
	if (cloudmap_reply_blames_credentials(error->code))
		replace_credentials(s);
	if (kind_of(s, error->code) == PACE_LACKS) /* then it is all that is asked for */
		(void)util_copy(s->lacks, sizeof(s->lacks), error->code);
	else
		tell_failure(s, error->code, error->message);
}

static void note_success(struct cloudmap *s)
{
	turn_end(&s->turn, QUOTA_OK);
	requests_count(s->env.requests, "cloudmap", questions[s->question].operation, "ok");
	credentials_forget(&s->waiter);
}

/* The sink may stop the source; it is freed in a later turn of the loop. */
static void take_answer(struct cloudmap *s, const struct cloudmap_wire_answer *answer)
{
	const struct pace_answer pace = {
		.has_revision = answer->has_revision,
		.has_health = answer->has_health,
		.revision = answer->revision,
	};

	note_success(s);
	pace_take_answer(&s->pace, &pace, use_of(s), uv_now(s->env.loop), source_random());
	arm(s);
	instance_names_tell(&s->names, &s->names_owner, answer);
	if (!uv_is_closing((uv_handle_t *)&s->timer) && s->sink.doubted)
		pace_doubt(&s->pace, s->sink.doubted(s->sink.user));
}

static void take_revision(struct cloudmap *s, uint64_t revision)
{
	bool same = pace_take_revision(&s->pace, revision, use_of(s), uv_now(s->env.loop),
				       source_random());

	note_success(s);
	arm(s);
	if (same && s->sink.unchanged)
		s->sink.unchanged(s->sink.user);
}

static int read_reply(struct cloudmap *s, const struct cloudmap_wire_reply *reply,
		      struct cloudmap_wire_error *ret_error)
{
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	uint64_t revision;
	int r;

	if (s->question == PACE_ASK_ALL)
		r = cloudmap_wire_parse(reply, &s->asked, &answer, ret_error);
	else
		r = cloudmap_reply_read_revision(reply, &revision, ret_error);
	if (r == 0 && s->question == PACE_ASK_ALL)
		take_answer(s, &answer);
	else if (r == 0)
		take_revision(s, revision);
	return r;
}

static void on_answer(void *user, const struct http_response *response)
{
	const struct cloudmap_wire_reply reply = {
		.status = response->status,
		.body = response->body,
		.length = response->length,
		.error_type = response->error_type,
	};
	struct cloudmap_wire_error error;
	struct cloudmap *s = user;

	s->call = NULL;
	if (response->failure) {
		(void)util_copy(error.code, sizeof(error.code), response->failure);
		(void)util_copy(error.message, sizeof(error.message), response->detail);
		take_failure(s, &error, 0);
	} else if (read_reply(s, &reply, &error) < 0) {
		take_failure(s, &error, response->date_s);
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
		.target = questions[s->question].target,
		.body = s->bodies[s->question],
		.answer_max = questions[s->question].answer_max,
		.done = on_answer,
		.user = s,
	};

	return cloudmap_call_start(&s->env, set, &call, &s->call);
}

/* When its turn has come. */
static void on_turn(void *user)
{
	struct cloudmap *s = user;
	const struct credentials_set *set = credentials_get(s->env.credentials);
	struct cloudmap_wire_error error = { .code = "failed" };
	int r;

	if (!set) { /* any more */
		turn_end(&s->turn, QUOTA_OTHER);
		wait_for_credentials(s);
		return;
	}
	s->question = s->turn.call.kind == BUDGET_INSTANCES ? PACE_ASK_ALL : PACE_ASK_REVISION;
	s->serial = set->serial;
	s->offset_s = credentials_clock(s->env.credentials)->offset_s;
	r = start_call(s, set);
	if (r == 0)
		return;
	(void)snprintf(error.message, sizeof(error.message), "cannot be made: %s", strerror(-r));
	take_failure(s, &error, 0);
}

static void ask(struct cloudmap *s)
{
	const struct budget *budget = turns_budget(s->env.turns);
	bool scarce = quota_holds_back(&budget->quotas[BUDGET_INSTANCES]);
	enum pace_question next = pace_question(&s->pace, scarce, uv_now(s->env.loop));

	(void)uv_timer_stop(&s->timer);
	if (!credentials_get(s->env.credentials)) {
		wait_for_credentials(s);
		return;
	}
	s->no_credentials = false;
	turn_wait(&s->turn, questions[next].kind, pace_rank(&s->pace), s->pace.due_ms);
}

/* --- the source ------------------------------------------------------------------------------- */

static void cloudmap_free(struct cloudmap *s)
{
	free(s->asked.service);
	free(s->asked.weight_attribute);
	cloudmap_place_done(&s->place);
	for (size_t i = 0; i < ARRAY_SIZE(s->bodies); i++)
		free(s->bodies[i]);
	free(s);
}
DEFINE_CLEANUP(struct cloudmap *, cloudmap_free);

static int copy_where(struct cloudmap *s, const struct config *config,
		      const struct config_service *service)
{
	const struct config_cloudmap *c = &service->cloudmap;
	const char *attribute = service->weights.attribute;
	bool ipv6_first = config_is_ipv6(config, service);
	int r = cloudmap_place_init(&s->place, config->aws.region, config->aws.data_endpoint);

	if (r < 0)
		return r;
	s->asked.service = strdup(c->service);
	s->asked.weight_attribute = attribute ? strdup(attribute) : NULL;
	s->asked.port = service->port;
	s->asked.ipv6_first = ipv6_first;
	s->names_owner = (struct instance_names_owner){ &s->env, &s->sink, config->dns_ttl,
							ipv6_first };
	s->bodies[PACE_ASK_ALL] = cloudmap_wire_request(c);
	s->bodies[PACE_ASK_REVISION] = cloudmap_wire_revision_request(c);
	if (!s->asked.service || !s->asked.weight_attribute != !attribute)
		return -ENOMEM;
	return s->bodies[PACE_ASK_ALL] && s->bodies[PACE_ASK_REVISION] ? 0 : -ENOMEM;
}

static int cloudmap_start(const struct source_env *env, const struct config *config,
			  const struct config_service *service, const struct source_sink *sink,
			  struct source **ret)
{
	_cleanup_(cloudmap_free_p) struct cloudmap *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->source.ops = &source_cloudmap;
	s->env = *env;
	s->sink = *sink;
	pace_init(&s->pace, service->cloudmap.poll_ms, service->watch == CONFIG_WATCH_ALWAYS,
		  uv_now(env->loop));
	s->turn = (struct turn){ .go = on_turn, .user = s };
	s->waiter = (struct credentials_waiter){ .ready = on_credentials, .user = s };
	r = copy_where(s, config, service);
	if (r == 0)
		r = turn_join(&s->turn, env->turns);
	if (r < 0)
		return r;
	(void)uv_timer_init(env->loop, &s->timer);
	s->timer.data = s;
	arm(s);
	*ret = &TAKE_PTR(s)->source;
	return 0;
}

static void cloudmap_refresh(struct source *source)
{
	struct cloudmap *s = cloudmap_of(source);

	instance_names_each(s->names, source_refresh);
	if (s->call || s->no_credentials)
		return;
	pace_refresh(&s->pace, uv_now(s->env.loop));
	arm(s);
}

static void cloudmap_wake(struct source *source)
{
	struct cloudmap *s = cloudmap_of(source);

	instance_names_each(s->names, source_wake);
	if (pace_wake(&s->pace, uv_now(s->env.loop)) && !s->call && !s->no_credentials)
		arm(s);
}

static uint64_t cloudmap_next_ms(const struct source *source)
{
	const struct cloudmap *s = cloudmap_of(source);

	return s->call || s->no_credentials ? 0 : s->pace.due_ms;
}

static const char *cloudmap_lacks(const struct source *source)
{
	return cloudmap_of(source)->pace.lacks_until_ms ? cloudmap_of(source)->lacks : NULL;
}

static void on_closed(uv_handle_t *timer)
{
	cloudmap_free(timer->data);
}

static void cloudmap_stop(struct source *source)
{
	struct cloudmap *s = cloudmap_of(source);

	http_cancel(s->call);
	instance_names_free(s->names);
	s->names = NULL;
	turn_leave(&s->turn);
	credentials_forget(&s->waiter);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

const struct source_ops source_cloudmap = {
	.start = cloudmap_start,
	.refresh = cloudmap_refresh,
	.wake = cloudmap_wake,
	.lacks = cloudmap_lacks,
	.next_ms = cloudmap_next_ms,
	.stop = cloudmap_stop,
};
