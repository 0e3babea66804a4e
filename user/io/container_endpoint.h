/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the ECS agent (or whoever the environment names) hands out a task's credentials: the URL,
 * and the header that authorises asking it. What it found is its own, and wiped. It shows neither:
 * the URL says which credentials these are, and may be all it takes to have them.
 */
#pragma once

#include "base/util.h"

#define CONTAINER_ENDPOINT_ERROR_MAX 256

struct container_endpoint {
	char *url;
	char *header; /* "Authorization: ...", or NULL */
};

void container_endpoint_done(struct container_endpoint *e);

/*
 * Reads AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, else _FULL_URI, and
 * AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (each time anew: it is rotated), else _TOKEN. -ENOENT: no
 * URI is set. Another error: what is wrong, in `error`.
 */
int container_endpoint_find(const char *(*environment)(const char *name),
			    struct container_endpoint *ret,
			    char error[static CONTAINER_ENDPOINT_ERROR_MAX]);
