/* SPDX-License-Identifier: Apache-2.0 */
#include "io/credentials.h"

#include <errno.h>
#include <time.h>

#include "core/backoff.h"
#include "core/renewal.h"

#define CHAIN_MAX 8
#define REJECTED_APART_MS 10000 /* attempts because of credentials_rejected */
#define RECHECK_MS 60000	/* the wall clock may have been set */

struct credentials {
	uv_loop_t *loop;
	uv_timer_t timer;
	struct provider_env env; /* owns imds */
	char *region;
	struct provider_question question;
	bool asking;  /* the question is under way */
	bool asked;   /* there was an attempt */
	bool settled; /* chain[at] has given a set, and is asked for the next */
	size_t at;    /* in the chain; its length: nobody is configured */
	struct credentials_passed passed[CHAIN_MAX];
	struct credentials_set set;
	struct clock_skew clock;
	char error[PROVIDER_WHY_MAX]; /* "" after a good attempt */
	struct backoff backoff;
	bool wanted; /* an attempt, at due_ms */
	uint64_t due_ms;
	bool rejected;		   /* the next attempt is because of that */
	uint64_t rejected_next_ms; /* and the one after that not before */
	int64_t renew_s;	   /* by AWS's clock; 0: never */
	struct credentials_waiter *waiters;
};

static void attempt(struct credentials *c);

/* --- when to ask ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

/* By AWS's clock, as far as we know it. */
static int64_t now_s(const struct credentials *c)
{
	return time(NULL) + c->clock.offset_s;
}

static void arm(struct credentials *c)
{
	uint64_t now_ms = uv_now(c->loop), delay_ms = RECHECK_MS;
	int64_t left_s = c->renew_s - now_s(c);

	if (c->renew_s)
		delay_ms = left_s > 0 ? MIN(delay_ms, (uint64_t)left_s * 1000) : 0;
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

	if ((c->wanted && uv_now(c->loop) >= c->due_ms) || (c->renew_s && now_s(c) >= c->renew_s))
		attempt(c);
	else
		arm(c);
}

void credentials_rejected(struct credentials *c)
{
	uint64_t due_ms = MAX(uv_now(c->loop), c->rejected_next_ms);

	if (c->asking)
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

static void retry_later(struct credentials *c)
{
	uint32_t random = 0;

	(void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	c->renew_s = 0;
	c->wanted = true;
	c->due_ms = uv_now(c->loop) + backoff_failed(&c->backoff, random);
	arm(c);
}

static void take_set(struct credentials *c)
{
	struct credentials_set *set = &c->question.set;
	uint32_t random = 0;

	(void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	set->serial = c->set.serial + !credentials_set_same(&c->set, set);
	credentials_set_done(&c->set);
	c->set = *set;
	*set = (struct credentials_set){ 0 };
	c->error[0] = '\0';
	c->settled = true;
	backoff_recovered(&c->backoff);
	c->renew_s = renewal_due(now_s(c), c->set.expires_s, random);
	arm(c);
}

/* The end of an attempt; who waits is told last. */
static void end(struct credentials *c, int result)
{
	c->asking = false;
	if (result == 0) {
		take_set(c);
	} else {
		(void)util_copy(c->error, sizeof(c->error), c->question.why);
		retry_later(c);
	}
	provider_forget(&c->question);
	tell_waiters(c);
}

static void on_done(struct provider_question *q, int result)
{
	end(q->user, result);
}

/* --- the chain -------------------------------------------------------------------------------- */

/* In the order of the AWS SDKs. */
static const struct provider *const chain[] = {
	&provider_environment, &provider_web_identity, &provider_profile,
	&provider_container,   &provider_instance,
};
_Static_assert(ARRAY_SIZE(chain) <= CHAIN_MAX, "a longer chain than CHAIN_MAX");

/* Nobody in the chain is configured: what each of them lacks. */
static void describe_nobody(struct credentials *c)
{
	struct provider_question *q = &c->question;
	size_t length = 0;

	for (size_t i = 0; i < c->at && length < sizeof(q->why); i++) {
		int n = snprintf(q->why + length, sizeof(q->why) - length, "%s%s",
				 i > 0 ? "; " : "no credentials: ", c->passed[i].why);

		length += n > 0 ? (size_t)n : 0;
	}
}

/* What has given credentials once is not passed over because its file is being written. */
static bool may_pass(const struct credentials *c, int result)
{
	return result == -ENOENT && !c->settled;
}

static int ask_chain(struct credentials *c)
{
	int r = -ENOENT;

	for (c->at = c->settled ? c->at : 0; c->at < ARRAY_SIZE(chain); c->at++) {
		r = chain[c->at]->ask(&c->question);
		if (!may_pass(c, r))
			return r;
		provider_forget(&c->question);
		c->passed[c->at].provider = chain[c->at]->name;
		(void)util_copy(c->passed[c->at].why, sizeof(c->passed[c->at].why),
				c->question.why);
	}
	describe_nobody(c);
	return r;
}

static void attempt(struct credentials *c)
{
	int r;

	if (c->asking)
		return;
	(void)uv_timer_stop(&c->timer);
	c->asked = true;
	c->wanted = false;
	if (c->rejected)
		c->rejected_next_ms = uv_now(c->loop) + REJECTED_APART_MS;
	c->rejected = false;
	c->asking = true;
	r = ask_chain(c);
	if (r != -EINPROGRESS)
		end(c, r);
}

/* --- life ------------------------------------------------------------------------------------- */

int credentials_new(uv_loop_t *loop, struct http *http,
		    const char *(*environment)(const char *name), struct requests *requests,
		    struct credentials **ret)
{
	_cleanup_free_ struct credentials *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = imds_new(loop, http, environment, requests, &c->env.imds);
	if (r < 0)
		return r;
	r = uv_timer_init(loop, &c->timer);
	if (r < 0) {
		imds_free(c->env.imds);
		return r;
	}
	c->timer.data = c;
	c->loop = loop;
	c->env.loop = loop;
	c->env.http = http;
	c->env.environment = environment;
	c->env.requests = requests;
	c->env.clock = &c->clock;
	c->question = (struct provider_question){ .env = &c->env, .done = on_done, .user = c };
	c->backoff = (struct backoff){ .first_ms = 1000, .max_ms = 15000 };
	*ret = TAKE_PTR(c);
	return 0;
}

int credentials_set_region(struct credentials *c, const char *region, bool fips, bool dual_stack)
{
	char *copy = region ? strdup(region) : NULL;

	if (region && !copy)
		return -ENOMEM;
	free(c->region);
	c->region = copy;
	c->env.region = copy;
	c->env.fips = fips;
	c->env.dual_stack = dual_stack;
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
	provider_forget(&c->question);
	imds_free(c->env.imds);
	free(c->region);
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
	if (c->asked || c->wanted)
		return;
	c->wanted = true;
	c->due_ms = uv_now(c->loop);
	arm(c);
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
		.provider = !c->asked			? NULL
			    : c->at < ARRAY_SIZE(chain) ? chain[c->at]->name
							: "none",
		.available = credentials_get(c) != NULL,
		.expires_s = c->set.expires_s,
		.error = c->error[0] ? c->error : NULL,
		.passed = c->passed,
		.n_passed = c->asked ? c->at : 0,
	};
}
