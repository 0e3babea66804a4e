/* SPDX-License-Identifier: Apache-2.0 */
#include "io/credentials.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "core/backoff.h"
#include "io/container_endpoint.h"

#define BODY_MAX (64u << 10)
#define RENEW_BEFORE_S 900  /* as the AWS SDKs do */
#define RENEW_AFTER_MIN_S 2 /* of a set that lives for seconds */
#define RENEW_EXPIRED_S \
	15 /* fetched, and expired by our clock: which may be the one that is wrong */
#define REJECTED_APART_MS 10000 /* attempts because of credentials_rejected */
#define RECHECK_MS 60000	/* the wall clock may have been set */

struct credentials {
	struct http *http;
	const char *(*environment)(const char *name);
	struct requests *requests;
	uv_loop_t *loop;
	uv_timer_t timer;
	struct http_call *call; /* a fetch under way */
	struct credentials_set set;
	struct clock_skew clock;
	const char *provider;
	char error[CONTAINER_ENDPOINT_ERROR_MAX]; /* "" after a good attempt */
	struct backoff backoff;
	bool wanted; /* an attempt, at due_ms */
	uint64_t due_ms;
	bool rejected;		   /* the next attempt is because of that */
	uint64_t rejected_next_ms; /* and the one after that not before */
	int64_t renew_s;	   /* by the wall clock; 0: never */
	struct credentials_waiter *waiters;
};

/* A place that credentials may come from. -ENOENT: nothing is configured there. */
struct provider {
	const char *name;
	int (*ask)(struct credentials *c);
};

static void attempt(struct credentials *c);

/* --- when to ask ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

static void arm(struct credentials *c)
{
	uint64_t now_ms = uv_now(c->loop), delay_ms = RECHECK_MS;
	int64_t now_s = time(NULL);

	if (c->renew_s)
		delay_ms = c->renew_s > now_s ? MIN(delay_ms, (uint64_t)(c->renew_s - now_s) * 1000)
					      : 0;
	if (c->wanted)
		delay_ms = c->due_ms > now_ms ? MIN(delay_ms, c->due_ms - now_ms) : 0;
	if (c->renew_s || c->wanted)
		(void)uv_timer_start(&c->timer, on_timer, delay_ms, 0);
	else
		(void)uv_timer_stop(&c->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct credentials *c = timer->data;

	if ((c->wanted && uv_now(c->loop) >= c->due_ms) || (c->renew_s && time(NULL) >= c->renew_s))
		attempt(c);
	else
		arm(c);
}

static int64_t renew_at(int64_t expires_s)
{
	int64_t now_s = time(NULL);

	if (expires_s == 0)
		return 0;
	if (expires_s <= now_s)
		return now_s + RENEW_EXPIRED_S;
	return MAX(expires_s - RENEW_BEFORE_S,
		   now_s + MAX((expires_s - now_s) / 2, RENEW_AFTER_MIN_S));
}

void credentials_rejected(struct credentials *c)
{
	uint64_t due_ms = MAX(uv_now(c->loop), c->rejected_next_ms);

	if (c->call)
		return;
	c->rejected = true;
	c->due_ms = c->wanted ? MIN(c->due_ms, due_ms) : due_ms;
	c->wanted = true;
	arm(c);
}

/* --- the end of an attempt -------------------------------------------------------------------- */

/* One by one from the front: any of them may go, or come back, while another is called. */
static void tell_waiters(struct credentials *c)
{
	struct credentials_waiter *told = c->waiters;

	c->waiters = NULL;
	if (told)
		told->link = &told;
	while (told) {
		struct credentials_waiter *waiter = told;

		credentials_forget(waiter);
		waiter->ready(waiter->user);
	}
}

static void count(struct credentials *c, const char *code)
{
	if (c->requests)
		requests_count(c->requests, "credentials", "GetCredentials", code);
}

static void retry_later(struct credentials *c)
{
	uint32_t random = 0;

	(void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	c->renew_s = 0;
	c->wanted = true;
	c->due_ms = uv_now(c->loop) + backoff_failed(&c->backoff, random);
	arm(c);
}

static int _printf_(2, 3) fail(struct credentials *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(c->error, sizeof(c->error), format, arguments);
	va_end(arguments);
	retry_later(c);
	return -EINVAL;
}

/* Takes the set over. */
static void succeed(struct credentials *c, struct credentials_set *set)
{
	set->serial = c->set.serial + !credentials_set_same(&c->set, set);
	credentials_set_done(&c->set);
	c->set = *set;
	*set = (struct credentials_set){ 0 };
	c->error[0] = '\0';
	backoff_recovered(&c->backoff);
	c->renew_s = renew_at(c->set.expires_s);
	arm(c);
}

/* --- the environment -------------------------------------------------------------------------- */

/* NULL for what is not set or empty. */
static const char *variable(const struct credentials *c, const char *name)
{
	const char *value = c->environment(name);

	return value && *value ? value : NULL;
}

static int ask_environment(struct credentials *c)
{
	_cleanup_(credentials_set_done) struct credentials_set set = { 0 };
	const struct {
		const char *name;
		bool wanted;
		char **to;
	} rows[] = {
		{ "AWS_ACCESS_KEY_ID", true, &set.access_key_id },
		{ "AWS_SECRET_ACCESS_KEY", true, &set.secret_access_key },
		{ "AWS_SESSION_TOKEN", false, &set.session_token },
	};

	if (!variable(c, "AWS_ACCESS_KEY_ID") && !variable(c, "AWS_SECRET_ACCESS_KEY"))
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = variable(c, rows[i].name);

		if (!value && rows[i].wanted)
			return fail(c, "%s is not set, but %s is", rows[i].name, rows[!i].name);
		if (value && !credentials_wire_is_word(value))
			return fail(c, "%s: wanted visible characters only", rows[i].name);
		*rows[i].to = value ? strdup(value) : NULL;
		if (value && !*rows[i].to)
			return fail(c, "no memory");
	}
	succeed(c, &set);
	return 0;
}

/* --- the container endpoint ------------------------------------------------------------------- */

static void on_answer(void *user, const struct http_response *response)
{
	_cleanup_(credentials_set_done) struct credentials_set set = { 0 };
	char wrong[CREDENTIALS_WIRE_ERROR_MAX], code[32];
	struct credentials *c = user;

	c->call = NULL;
	if (response->failure) {
		count(c, response->failure);
		(void)fail(c, "container endpoint: %s: %s", response->failure, response->detail);
	} else if (response->status != 200) {
		(void)snprintf(code, sizeof(code), "http_%ld", response->status);
		count(c, code);
		(void)fail(c, "container endpoint: HTTP status %ld", response->status);
	} else if (credentials_wire_parse(response->body, response->length, &set, wrong) < 0) {
		count(c, "garbled");
		(void)fail(c, "container endpoint: %s", wrong);
	} else {
		count(c, "ok");
		succeed(c, &set);
	}
	tell_waiters(c);
}

static int ask_container(struct credentials *c)
{
	_cleanup_(container_endpoint_done) struct container_endpoint endpoint = { 0 };
	const char *headers[] = { NULL, NULL };
	int r = container_endpoint_find(c->environment, &endpoint, c->error);

	if (r == -ENOENT)
		return r;
	if (r == 0) {
		headers[0] = endpoint.header;
		r = http_start(c->http,
			       &(struct http_request){
				       .method = "GET",
				       .url = endpoint.url,
				       .headers = headers,
				       .body_max = BODY_MAX,
				       .no_proxy = true,
			       },
			       on_answer, c, &c->call);
		if (r == 0)
			return -EINPROGRESS;
		(void)snprintf(c->error, sizeof(c->error),
			       "container endpoint: cannot be asked: %s", strerror(-r));
	}
	retry_later(c);
	return r;
}

/* --- life ------------------------------------------------------------------------------------- */

static int ask_nobody(struct credentials *c)
{
	return fail(c, "none of AWS_ACCESS_KEY_ID, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "
		       "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
}

/* In the order of the AWS SDKs; the first that is configured is asked, and no other if it fails. */
static const struct provider providers[] = {
	{ "environment", ask_environment },
	{ "container", ask_container },
	{ "none", ask_nobody },
};

static void attempt(struct credentials *c)
{
	int r = -ENOENT;

	if (c->call)
		return;
	(void)uv_timer_stop(&c->timer);
	c->wanted = false;
	if (c->rejected)
		c->rejected_next_ms = uv_now(c->loop) + REJECTED_APART_MS;
	c->rejected = false;
	for (size_t i = 0; i < ARRAY_SIZE(providers) && r == -ENOENT; i++) {
		c->provider = providers[i].name;
		r = providers[i].ask(c);
	}
	if (r != -EINPROGRESS)
		tell_waiters(c);
}

int credentials_new(uv_loop_t *loop, struct http *http,
		    const char *(*environment)(const char *name), struct requests *requests,
		    struct credentials **ret)
{
	_cleanup_free_ struct credentials *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = uv_timer_init(loop, &c->timer);
	if (r < 0)
		return r;
	c->timer.data = c;
	c->loop = loop;
	c->http = http;
	c->environment = environment;
	c->requests = requests;
	c->backoff = (struct backoff){ .first_ms = 1000, .max_ms = 15000 };
	attempt(c);
	*ret = TAKE_PTR(c);
	return 0;
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	http_cancel(c->call);
	credentials_set_done(&c->set);
	while (c->waiters)
		credentials_forget(c->waiters);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

const struct credentials_set *credentials_get(const struct credentials *c)
{
	return c->set.access_key_id ? &c->set : NULL;
}

void credentials_await(struct credentials *c, struct credentials_waiter *waiter)
{
	if (waiter->link)
		return;
	waiter->next = c->waiters;
	waiter->link = &c->waiters;
	if (waiter->next)
		waiter->next->link = &waiter->next;
	c->waiters = waiter;
}

void credentials_forget(struct credentials_waiter *waiter)
{
	if (!waiter->link)
		return;
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

struct clock_skew *credentials_clock(struct credentials *c)
{
	return &c->clock;
}

void credentials_status(const struct credentials *c, struct credentials_status *ret)
{
	*ret = (struct credentials_status){
		.provider = c->provider,
		.available = credentials_get(c) != NULL,
		.expires_s = c->set.expires_s,
		.error = c->error[0] ? c->error : NULL,
	};
}
