/* SPDX-License-Identifier: Apache-2.0 */
#include "io/aws_request.h"

#include <errno.h>
#include <time.h>

#include "core/sigv4.h"
#include "io/http_url.h"

/* Of one request; the values are copied. */
struct headers {
	char *list[8]; /* NULL-terminated */
	size_t n;
	bool out_of_memory;
};

static void headers_done(struct headers *h)
{
	for (size_t i = 0; i < h->n; i++) {
		explicit_bzero(h->list[i], strlen(h->list[i]));
		free(h->list[i]);
	}
}

/* Takes the text over; NULL is for want of memory. */
static void headers_take(struct headers *h, char *text)
{
	if (text)
		h->list[h->n++] = text;
	h->out_of_memory |= !text;
}

/* What has no value is left out. */
static void headers_add(struct headers *h, const char *name, const char *value)
{
	char *text;

	if (value)
		headers_take(h, asprintf(&text, "%s: %s", name, value) < 0 ? NULL : text);
}

static int sign(struct headers *h, const struct credentials_set *set,
		const struct clock_skew *clock, const struct aws_request *request)
{
	const struct sigv4_key key = {
		.access_key_id = set->access_key_id,
		.secret_access_key = set->secret_access_key,
		.region = request->region,
		.service = request->service,
	};
	char authority[HTTP_URL_HOST_MAX], stamp[CLOCK_SKEW_STAMP_MAX];
	const struct sigv4_request to_sign = {
		.method = "POST",
		.headers = (const char *const *)h->list,
		.body = request->body,
		.stamp = stamp,
	};
	char *authorization = NULL;
	int r = http_url_authority(request->url, authority);

	if (r < 0)
		return r;
	clock_skew_stamp(clock, time(NULL), stamp);
	headers_add(h, "Host", authority);
	headers_add(h, "Content-Type", request->content_type);
	headers_add(h, "X-Amz-Date", stamp);
	headers_add(h, "X-Amz-Security-Token", set->session_token);
	headers_add(h, "X-Amz-Target", request->target);
	if (h->out_of_memory)
		return -ENOMEM;
	r = sigv4_sign(&key, &to_sign, &authorization);
	if (r == 0)
		headers_take(h, authorization);
	return r;
}

int aws_request_start(struct http *http, const struct credentials_set *set,
		      const struct clock_skew *clock, const struct aws_request *request,
		      http_done_fn done, void *user, struct http_call **ret)
{
	_cleanup_(headers_done) struct headers headers = { 0 };
	int r = sign(&headers, set, clock, request);

	if (r < 0)
		return r;
	return http_start(http,
			  &(struct http_request){
				  .method = "POST",
				  .url = request->url,
				  .headers = (const char *const *)headers.list,
				  .body = request->body,
				  .body_max = request->body_max,
				  .no_proxy = request->no_proxy,
			  },
			  done, user, ret);
}
