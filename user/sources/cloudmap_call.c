/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/cloudmap_call.h"

#include <errno.h>
#include <strings.h>
#include <time.h>

#include "core/cloudmap_reply.h"
#include "io/aws_request.h"
#include "core/cloudmap_reply.h"
#include "io/http_url.h"

int cloudmap_place_init(struct cloudmap_place *place, const char *region, const char *endpoint)
{
	char host[HTTP_URL_HOST_MAX];
	struct addr address;
	bool https;
	int r = region && endpoint ? http_url_host(endpoint, &https, host) : -EINVAL;

	if (r < 0)
		return r;
	/* A Cloud Map on this host is reached from this host. */
	place->no_proxy = strcasecmp(host, "localhost") == 0 ||
			  (addr_parse(host, &address) == 0 && addr_is_loopback(&address));
	place->region = strdup(region);
	if (asprintf(&place->url, "%s/", endpoint) < 0)
		place->url = NULL;
	return place->region && place->url ? 0 : -ENOMEM;
}

void cloudmap_place_done(struct cloudmap_place *place)
{
	free(TAKE_PTR(place->region));
	free(TAKE_PTR(place->url));
}

int cloudmap_call_start(const struct source_env *env, const struct credentials_set *set,
			const struct cloudmap_call *call, struct http_call **ret)
{
	const struct aws_request request = {
		.url = call->place->url,
		.region = call->place->region,
		.service = "servicediscovery",
		.content_type = "application/x-amz-json-1.1",
		.target = call->target,
		.body = call->body,
		.body_max = call->answer_max,
		.no_proxy = call->place->no_proxy,
	};

	return aws_request_start(env->http, set, credentials_clock(env->credentials), &request,
				 call->done, call->user, ret);
}

enum quota_outcome cloudmap_call_outcome(const char *code)
{
	if (cloudmap_reply_throttles(code))
		return QUOTA_REFUSED;
	return cloudmap_reply_blames_server(code) ? QUOTA_BROKEN : QUOTA_OTHER;
}

bool cloudmap_call_was_misdated(const struct source_env *env, int64_t offset_s, const char *code,
				int64_t date_s)
{
	return clock_skew_learn(credentials_clock(env->credentials), code, offset_s, date_s,
				time(NULL), uv_now(env->loop));
}
