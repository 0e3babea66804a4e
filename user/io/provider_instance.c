/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of an EC2 instance's role: its name from the metadata, then the set. */
#include "io/provider.h"

#include <errno.h>

#define WHOSE "instance metadata"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define ROLE_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-" /* IAM's */

struct instance {
	struct imds_query query;
};

static void instance_free(void *state)
{
	struct instance *i = state;

	imds_forget(&i->query);
	free(i);
}

static void on_set(struct imds_query *query, int result, const struct http_response *response)
{
	struct provider_question *q = query->user;

	if (result < 0)
		result = provider_fail(q, -EBADMSG, WHOSE ": %s", query->why);
	else
		result = provider_take_json(q, WHOSE, response);
	provider_finish(q, result);
}

/* The first line names the role. */
static int ask_set(struct provider_question *q, const char *body)
{
	struct instance *i = q->state;
	char path[IMDS_PATH_MAX];
	size_t length = strcspn(body, "\r\n");
	int n = snprintf(path, sizeof(path), "%s%.*s", ROLES, (int)length, body);
	int r;

	if (length == 0 || strspn(body, ROLE_CHARACTERS) != length || n < 0 ||
	    (size_t)n >= sizeof(path))
		return provider_fail(q, -EBADMSG, WHOSE ": the name of the role is none of IAM's");
	i->query.done = on_set;
	r = imds_get(q->env->imds, path, &i->query);
	return r < 0 ? provider_fail(q, r, WHOSE ": %s", i->query.why) : 0;
}

static void on_role(struct imds_query *query, int result, const struct http_response *response)
{
	struct provider_question *q = query->user;

	if (result == -ENOENT)
		result = provider_fail(q, -EACCES,
				       WHOSE ": the instance has no role: give it an instance "
					     "profile, or the task a role");
	else if (result < 0)
		result = provider_fail(q, -EBADMSG, WHOSE ": %s", query->why);
	else
		result = ask_set(q, response->body);
	if (result < 0)
		provider_finish(q, result);
}

static int ask(struct provider_question *q)
{
	struct instance *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return provider_fail(q, -ENOMEM, "no memory");
	q->state = i;
	q->state_free = instance_free;
	i->query.done = on_role;
	i->query.user = q;
	r = imds_get(q->env->imds, ROLES, &i->query);
	if (r == 0)
		return -EINPROGRESS;
	return provider_fail(q, r, r == -ENOENT ? "%s" : WHOSE ": %s", i->query.why);
}

const struct provider provider_instance = { "instance", ask };
