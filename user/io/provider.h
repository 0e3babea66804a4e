/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link of the chain that credentials come from: the environment, a container's endpoint, an
 * instance's metadata ... Each is a file, provider_NAME.c, and asks only for what the environment
 * tells it to. When it is asked, and what is kept, io/credentials decides.
 */
#pragma once

#include <uv.h>

#include "core/clock_skew.h"
#include "core/credentials_wire.h"
#include "core/requests.h"
#include "io/http.h"
#include "io/imds.h"

#define PROVIDER_WHY_MAX 512
#define PROVIDER_BODY_MAX (64u << 10)

/* What all of them share; outlives their questions. */
struct provider_env {
	uv_loop_t *loop;
	struct http *http;
	struct imds *imds;
	const char *(*environment)(const char *name);
	struct requests *requests; /* or NULL */
	const struct clock_skew *clock;
	const char *region;    /* or NULL: not known */
	bool fips, dual_stack; /* kind of AWS's own endpoints there */
};

/* One question; the memory is the asker's, who sets the first three. */
struct provider_question {
	const struct provider_env *env;
	void (*done)(struct provider_question *q, int result);
	void *user;
	struct credentials_set set; /* the answer, for the asker to take */
	char why[PROVIDER_WHY_MAX]; /* there is none; without a secret */
	struct http_call *call;
	void *state; /* the provider's own, between its requests */
	void (*state_free)(void *state);
};

/*
 * 0: q->set is there. -ENOENT: nothing is configured here, and q->why says what is not; the next
 * link is to be asked. -EINPROGRESS: q->done is called once from the loop, with 0 or an error. Any
 * other error: q->why says it, and nobody else is to be asked.
 */
struct provider {
	const char *name;
	int (*ask)(struct provider_question *q);
};

extern const struct provider provider_environment;
extern const struct provider provider_web_identity;
extern const struct provider provider_profile;
extern const struct provider provider_container;
extern const struct provider provider_instance;

/* Ends a question, whether it was answered or not, and wipes what it holds; no call back. */
void provider_forget(struct provider_question *q);

/* --- for providers ---------------------------------------------------------------------------- */

/* NULL for what is not set or empty. */
const char *provider_variable(const struct provider_question *q, const char *name);
/* Puts it into q->why and returns `result`. */
int _printf_(3, 4) provider_fail(struct provider_question *q, int result, const char *format, ...);
/* Counts a request of an operation (a literal). */
void provider_count(const struct provider_question *q, const char *operation, const char *code);
/* The HTTP answer with a set in JSON that `whose` endpoint gave: counts it; 0, or -EBADMSG. */
int provider_take_json(struct provider_question *q, const char *whose,
		       const struct http_response *response);
/* Ends the question: the last that a provider does with it. */
void provider_finish(struct provider_question *q, int result);
