/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4 of a request that has neither path nor query ("POST /"), as AWS documents it
 * under "Create a signed AWS API request". libcurl has one, too, but sends a date that it is given
 * twice before 8.3. Pure; what it derives from the secret is wiped.
 */
#pragma once

#include "base/util.h"

#define SIGV4_HEADERS_MAX 16

struct sigv4_key {
	const char *access_key_id;
	const char *secret_access_key;
	const char *region;
	const char *service; /* "servicediscovery" */
};

struct sigv4_request {
	const char *method;
	/* "Name: value", NULL-terminated: all are signed, Host and X-Amz-Date among them. */
	const char *const *headers;
	const char *body;
	const char *stamp; /* the value of X-Amz-Date: "20240501T120000Z" */
};

/*
 * 0 and *ret, the header "Authorization: ...", the caller's. -EINVAL: more headers than
 * SIGV4_HEADERS_MAX, one that is not "Name: value", or a stamp of another form. -ENOMEM.
 */
int sigv4_sign(const struct sigv4_key *key, const struct sigv4_request *request, char **ret);
