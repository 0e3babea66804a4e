/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests on the libuv loop, by libcurl. It owns its connections; a call belongs to whoever
 * started it until it is done. Redirects are never followed; certificates are always checked (the
 * system's authorities, or the file that AWS_CA_BUNDLE names). Proxies are those of the environment
 * (https_proxy, no_proxy ...). What it was given and what it received is wiped before it is freed,
 * for it may be secret. Nothing blocks. It leaves signals alone: the program ignores SIGPIPE, which
 * OpenSSL raises on a connection that was reset.
 */
#pragma once

#include <uv.h>

#include "base/util.h"

#define HTTP_BODY_MAX (16u << 20)
#define HTTP_HEADERS_MAX (64u << 10) /* of one answer, all together */
#define HTTP_TIMEOUT_MS 5000
#define HTTP_CONNECTIONS_MAX 16 /* at a time, to one host */

struct http;
struct http_call;

struct http_request {
	const char *method; /* "GET", "POST", "PUT" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const char *body;	    /* or NULL */
	uint32_t timeout_ms;	    /* 0: HTTP_TIMEOUT_MS; for the whole exchange */
	size_t body_max;	    /* 0: HTTP_BODY_MAX */
	bool no_proxy; /* link-local and loopback addresses must not go through a proxy */
};

struct http_response {
	/*
	 * NULL, or why there is no answer: "timeout", "resolve", "connect", "tls", "reset",
	 * "truncated", "garbled" (not HTTP), "too_large", "memory", "failed" (anything else).
	 */
	const char *failure;
	char detail[256]; /* libcurl's words for the failure */
	long status;
	const char *body; /* NUL-terminated beyond its length */
	size_t length;
	const char *error_type; /* header x-amzn-ErrorType, or NULL */
	int64_t date_s;		/* header Date, by the remote's clock; 0: none that can be read */
};

/* Called once, from the loop, never from within http_start.
 * The response lives as long as the call back. */
typedef void (*http_done_fn)(void *user, const struct http_response *response);

int http_new(uv_loop_t *loop, struct http **ret);
/*
 * Cancels what is under way (no call backs) and closes its handles on the loop; not from within a
 * call back. libuv needs a turn to close them: the last memory is freed then, so the loop has to
 * run once more (uv_run until it returns 0) before uv_loop_close().
 */
void http_free(struct http *h);
DEFINE_CLEANUP(struct http *, http_free);

/*
 * 0 and *ret_call, valid until `done` is called or http_cancel; or -ENOMEM, or -EINVAL: a URL that
 * is not http(s)://host..., or a header that is not "Name: value" on one line. Beyond
 * HTTP_CONNECTIONS_MAX a call waits for its turn, within its timeout.
 */
int http_start(struct http *h, const struct http_request *request, http_done_fn done, void *user,
	       struct http_call **ret_call);
/* Ends a call without a call back. Takes NULL. */
void http_cancel(struct http_call *call);
