/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to an API of AWS, signed with a set of credentials and dated by a clock that is known
 * to be right. It owns nothing and keeps nothing; what is secret in it, io/http wipes.
 */
#pragma once

#include "core/clock_skew.h"
#include "core/credentials_wire.h"
#include "io/http.h"

struct aws_request {
	const char *url; /* scheme://host[:port]/ */
	const char *region;
	const char *service;	  /* "servicediscovery" */
	const char *content_type; /* "application/x-amz-json-1.1" */
	const char *target;	  /* X-Amz-Target, or NULL */
	const char *body;
	size_t body_max; /* of the answer */
	bool no_proxy;
};

/* As http_start. */
int aws_request_start(struct http *http, const struct credentials_set *set,
		      const struct clock_skew *clock, const struct aws_request *request,
		      http_done_fn done, void *user, struct http_call **ret);
