/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of a task's role: the endpoint that ECS, or who imitates it, names. */
#include "io/provider.h"

#include <errno.h>

#include "io/container_endpoint.h"

#define WHOSE "container endpoint"

static void on_answer(void *user, const struct http_response *response)
{
	struct provider_question *q = user;

	q->call = NULL;
	provider_finish(q, provider_take_json(q, WHOSE, response));
}

static int ask(struct provider_question *q)
{
	_cleanup_(container_endpoint_done) struct container_endpoint endpoint = { 0 };
	char wrong[CONTAINER_ENDPOINT_ERROR_MAX];
	int r = container_endpoint_find(q->env->environment, &endpoint, wrong);

	if (r == -ENOENT)
		return provider_fail(q, r,
				     "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
				     "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
	if (r < 0)
		return provider_fail(q, r, "%s", wrong);
	r = http_start(q->env->http,
		       &(struct http_request){
			       .method = "GET",
			       .url = endpoint.url,
			       .headers = (const char *const[]){ endpoint.header, NULL },
			       .body_max = PROVIDER_BODY_MAX,
			       .no_proxy = true,
		       },
		       on_answer, q, &q->call);
	if (r < 0)
		return provider_fail(q, r, WHOSE ": cannot be asked: %s", strerror(-r));
	return -EINPROGRESS;
}

const struct provider provider_container = { "container", ask };
