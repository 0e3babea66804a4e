/* SPDX-License-Identifier: Apache-2.0 */
#include "io/provider.h"

#include <errno.h>
#include <stdarg.h>

const char *provider_variable(const struct provider_question *q, const char *name)
{
	const char *value = q->env->environment(name);

	return value && *value ? value : NULL;
}

int provider_fail(struct provider_question *q, int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(q->why, sizeof(q->why), format, arguments);
	va_end(arguments);
	return result;
}

void provider_count(const struct provider_question *q, const char *operation, const char *code)
{
	if (q->env->requests)
		requests_count(q->env->requests, "credentials", operation, code);
}

int provider_take_json(struct provider_question *q, const char *whose,
		       const struct http_response *response)
{
	char wrong[CREDENTIALS_WIRE_ERROR_MAX], code[32];

	if (response->failure) {
		provider_count(q, "GetCredentials", response->failure);
		return provider_fail(q, -EBADMSG, "%s: %s: %s", whose, response->failure,
				     response->detail);
	}
	if (response->status != 200) {
		(void)snprintf(code, sizeof(code), "http_%ld", response->status);
		provider_count(q, "GetCredentials", code);
		return provider_fail(q, -EBADMSG, "%s: HTTP status %ld", whose, response->status);
	}
	if (credentials_wire_parse(response->body, response->length, &q->set, wrong) < 0) {
		provider_count(q, "GetCredentials", "garbled");
		return provider_fail(q, -EBADMSG, "%s: %s", whose, wrong);
	}
	provider_count(q, "GetCredentials", "ok");
	return 0;
}

static void drop_state(struct provider_question *q)
{
	if (q->state_free)
		q->state_free(q->state);
	q->state = NULL;
	q->state_free = NULL;
}

void provider_finish(struct provider_question *q, int result)
{
	drop_state(q);
	q->done(q, result);
}

void provider_forget(struct provider_question *q)
{
	http_cancel(TAKE_PTR(q->call));
	drop_state(q);
	credentials_set_done(&q->set);
}
