/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/cloudmap_call.h"

#include <errno.h>
#include <strings.h>

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

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

int cloudmap_call_start(const struct source_env *env, const struct credentials_set *set,
			const struct cloudmap_call *call, struct http_call **ret)
{
	_cleanup_(wipe_and_free_p) char *token = NULL;
	_cleanup_free_ char *target = NULL;
	const struct http_signature signature = {
		.region = call->place->region,
		.service = "servicediscovery",
		.access_key_id = set->access_key_id,
		.secret_access_key = set->secret_access_key,
	};
	const char *headers[] = {
		"Content-Type: application/x-amz-json-1.1",
		NULL, /* the target's */
		NULL, /* the token's */
		NULL,
	};
	const struct http_request request = {
		.method = "POST",
		.url = call->place->url,
		.headers = headers,
		.body = call->body,
		.body_max = call->answer_max,
		.no_proxy = call->place->no_proxy,
		.signature = &signature,
	};

	if (asprintf(&target, "X-Amz-Target: %s", call->target) < 0) {
		target = NULL;
		return -ENOMEM;
	}
	if (set->session_token &&
	    asprintf(&token, "X-Amz-Security-Token: %s", set->session_token) < 0) {
		token = NULL;
		return -ENOMEM;
	}
	headers[1] = target;
	headers[2] = token;
	return http_start(env->http, &request, call->done, call->user, ret);
}
