/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata service of an EC2 instance: by sessions (IMDSv2), and without one only where AWS's
 * SDKs do without, too. It owns the session's token and keeps it until it ends. It says in words
 * what a failure is likely to mean, for the usual one, a hop limit, looks like silence.
 *
 * Environment: AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, AWS_EC2_METADATA_V1_DISABLED,
 * AWS_METADATA_SERVICE_TIMEOUT.
 */
#pragma once

#include <uv.h>

#include "base/util.h"
#include "core/requests.h"
#include "io/http.h"

#define IMDS_WHY_MAX 448
#define IMDS_PATH_MAX 256
#define IMDS_URL_MAX 512

struct imds;

/* `requests` may be NULL. */
int imds_new(uv_loop_t *loop, struct http *http, const char *(*environment)(const char *name),
	     struct requests *requests, struct imds **ret);
/* No query may be under way. */
void imds_free(struct imds *m);
DEFINE_CLEANUP(struct imds *, imds_free);

/* A query; the memory is the asker's, zero-initialised but for the first two. */
struct imds_query {
	/* 0 and the answer; -ENOENT: there is nothing at this path; or why not: q->why. */
	void (*done)(struct imds_query *q, int result, const struct http_response *response);
	void *user;
	struct imds *imds;
	struct http_call *call;
	char path[IMDS_PATH_MAX];
	bool renewed;	      /* a session that was refused has been replaced */
	const char *no_token; /* why it goes without a session, or NULL */
	char why[IMDS_WHY_MAX];
};

/*
 * Asks for a path below /latest/. 0: q->done is called once, from the loop. Else q->why says it:
 * -ENOENT, the environment forbids it; -EINVAL, the environment is at fault; -ENOMEM.
 */
int imds_get(struct imds *m, const char *path, struct imds_query *q);
/* No call back any more. Takes one that is not under way. */
void imds_forget(struct imds_query *q);
