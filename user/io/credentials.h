/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS credentials, from a chain of providers in the order of the AWS SDKs: the first that is
 * configured is asked, and it alone from then on. Nobody is asked before somebody waits for
 * credentials. They are fetched in the background and renewed before they expire (core/renewal);
 * the last good ones are kept while renewal fails, expired ones too, for whether they still hold is
 * AWS's to say; it is tried again after 1 s, doubling up to 15 s. It owns the set it hands out, and
 * never shows a word of it.
 */
#pragma once

#include <uv.h>

#include "base/util.h"
#include "core/clock_skew.h"
#include "core/credentials_wire.h"
#include "core/requests.h"
#include "io/http.h"
#include "io/provider.h"

struct credentials;

/* What credentials_status tells; pointers live until the next turn of the loop. */
struct credentials_status {
	/* Who is asked: "environment", "container" ...; "none": nobody has any; NULL: nobody was
	 * asked. */
	const char *provider;
	bool available;
	int64_t expires_s;
	const char *error; /* of the last attempt, or NULL */
	/* Those before it in the chain, and why none of them was asked. */
	const struct credentials_passed *passed;
	size_t n_passed;
};

struct credentials_passed {
	const char *provider;
	char why[PROVIDER_WHY_MAX];
};

/* `environment` reads a variable (getenv, or a test's own). `requests` may be NULL. */
int credentials_new(uv_loop_t *loop, struct http *http,
		    const char *(*environment)(const char *name), struct requests *requests,
		    struct credentials **ret);
/* Whose STS hands out roles, and at which of its endpoints; NULL, and before: the one for all
 * regions. 0 or -ENOMEM. */
int credentials_set_region(struct credentials *c, const char *region, bool fips, bool dual_stack);
/* Closes its timer on the loop, which frees the last memory a turn later; not from a call back. */
void credentials_free(struct credentials *c);
DEFINE_CLEANUP(struct credentials *, credentials_free);

/* The set in force, or NULL when there is none yet. Valid until the next turn of the loop. */
const struct credentials_set *credentials_get(const struct credentials *c);

/* Somebody who waits: the memory is his, for as long as he waits.
 * Zero-initialised but for the first two. */
struct credentials_waiter {
	void (*ready)(void *user);
	void *user;
	struct credentials_waiter *next, **link; /* link NULL: does not wait */
};

/*
 * `ready` is called back once, from the loop, when the next attempt has ended, well or not. There
 * is a next attempt while credentials_get is NULL, the first because somebody waits, and after
 * credentials_rejected. Who waits already goes on waiting.
 */
void credentials_await(struct credentials *c, struct credentials_waiter *waiter);
void credentials_forget(struct credentials_waiter *waiter);

/*
 * A service said that the set is expired or unknown (ExpiredToken*, UnrecognizedClient*,
 * InvalidClientTokenId): fetch anew at once; for such a reason
 * at most every 10 s.
 */
void credentials_rejected(struct credentials *c);

/* By what clock requests are signed: it belongs to the credentials, who signs learns and reads. */
struct clock_skew *credentials_clock(struct credentials *c);

void credentials_status(const struct credentials *c, struct credentials_status *ret);
