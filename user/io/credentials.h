/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS credentials: from the environment, else from the ECS container endpoint
 * (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI). Fetched in the background
 * and renewed before they expire; the last good ones are kept while renewal fails. It owns the set it
 * hands out.
 */
#pragma once

#include <uv.h>

#include "base/util.h"
#include "core/requests.h"
#include "io/http.h"

struct credentials;

struct credentials_set {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* or NULL */
	int64_t expires_s;   /* epoch; 0: never */
};

/* What credentials_status tells; pointers live until the next turn of the loop. */
struct credentials_status {
	const char *provider; /* "environment", "container", "none" */
	bool available;
	int64_t expires_s;
	const char *error; /* of the last attempt, or NULL */
};

typedef void (*credentials_ready_fn)(void *user);

/* `environment` reads a variable (getenv, or a test's own). `requests` may be NULL. */
int credentials_new(uv_loop_t *loop, struct http *http, const char *(*environment)(const char *name),
		    struct requests *requests, struct credentials **ret);
void credentials_free(struct credentials *c);
DEFINE_CLEANUP(struct credentials *, credentials_free);

/*
 * The set in force, or NULL when there is none yet. Then `ready` is called back once there is one or a
 * fetch has failed; credentials_forget(user) takes that back.
 */
const struct credentials_set *credentials_get(struct credentials *c, credentials_ready_fn ready,
					      void *user);
void credentials_forget(struct credentials *c, const void *user);

/*
 * A service said that the set is expired or unknown (ExpiredToken*, UnrecognizedClient*,
 * InvalidClientTokenId): fetch anew at once, at most every 10 s.
 */
void credentials_rejected(struct credentials *c);

void credentials_status(const struct credentials *c, struct credentials_status *ret);
