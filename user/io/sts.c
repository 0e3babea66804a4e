/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sts.h"

#include <errno.h>
#include <strings.h>

#include "base/addr.h"
#include "core/config_names.h"
#include "io/aws_request.h"
#include "io/http_url.h"

#define FORM "application/x-www-form-urlencoded"
#define OPERATION "AssumeRole"
#define GLOBAL_URL "https://sts.amazonaws.com/"
#define GLOBAL_REGION "us-east-1"

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static int find_url(struct provider_question *q, char **ret)
{
	const char *given = provider_variable(q, "AWS_ENDPOINT_URL_STS");
	const char *region = q->env->region;
	_cleanup_free_ char *endpoint = NULL;
	int n;

	if (given) {
		if (config_url_make(given, &endpoint) < 0)
			return provider_fail(q, -EINVAL,
					     "AWS_ENDPOINT_URL_STS: wanted https://HOST[:PORT], or "
					     "http:// to this host");
		n = asprintf(ret, "%s/", endpoint);
	} else if (region) {
		n = config_region_url("sts", region, q->env->fips, q->env->dual_stack, &endpoint) <
				    0
			    ? -1
			    : asprintf(ret, "%s/", endpoint);
	} else {
		n = asprintf(ret, GLOBAL_URL);
	}
	if (n >= 0)
		return 0;
	*ret = NULL;
	return provider_fail(q, -ENOMEM, "no memory");
}

static bool is_local(const char *url)
{
	char host[HTTP_URL_HOST_MAX];
	struct addr address;
	bool https;

	return http_url_host(url, &https, host) == 0 &&
	       (strcasecmp(host, "localhost") == 0 ||
		(addr_parse(host, &address) == 0 && addr_is_loopback(&address)));
}

static int start(struct provider_question *q, const struct aws_request *request,
		 const struct credentials_set *signer, http_done_fn done)
{
	const struct provider_env *env = q->env;

	if (signer)
		return aws_request_start(env->http, signer, env->clock, request, done, q, &q->call);
	return http_start(env->http,
			  &(struct http_request){
				  .method = "POST",
				  .url = request->url,
				  .headers = (const char *const[]){ "Content-Type: " FORM, NULL },
				  .body = request->body,
				  .body_max = request->body_max,
				  .no_proxy = request->no_proxy,
			  },
			  done, q, &q->call);
}

int sts_ask(struct provider_question *q, const struct sts_wire_role *role,
	    const struct credentials_set *signer, http_done_fn done)
{
	_cleanup_(wipe_and_free_p) char *body = sts_wire_request(role);
	_cleanup_free_ char *url = NULL;
	int r = body ? find_url(q, &url) : provider_fail(q, -ENOMEM, "no memory");

	if (r < 0)
		return r;
	r = start(q,
		  &(struct aws_request){
			  .url = url,
			  .region = q->env->region ? q->env->region : GLOBAL_REGION,
			  .service = "sts",
			  .content_type = FORM,
			  .body = body,
			  .body_max = PROVIDER_BODY_MAX,
			  .no_proxy = is_local(url),
		  },
		  signer, done);
	return r < 0 ? provider_fail(q, r, "STS cannot be asked: %s", strerror(-r)) : -EINPROGRESS;
}

int sts_take(struct provider_question *q, const struct http_response *response)
{
	char wrong[STS_WIRE_ERROR_MAX], code[32];

	if (response->failure) {
		provider_count(q, OPERATION, response->failure);
		return provider_fail(q, -EBADMSG, "STS: %s: %s", response->failure,
				     response->detail);
	}
	if (sts_wire_parse(response->status, response->body, response->length, &q->set, wrong) <
	    0) {
		(void)snprintf(code, sizeof(code), "http_%ld", response->status);
		provider_count(q, OPERATION, response->status == 200 ? "garbled" : code);
		return provider_fail(q, -EBADMSG, "STS: %s", wrong);
	}
	provider_count(q, OPERATION, "ok");
	return 0;
}
