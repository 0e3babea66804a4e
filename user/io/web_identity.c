/* SPDX-License-Identifier: Apache-2.0 */
#include "io/web_identity.h"

#include <errno.h>

#include "io/sts.h"

#define TOKEN_FILE_MAX (64u << 10)

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static void on_answer(void *user, const struct http_response *response)
{
	struct provider_question *q = user;

	q->call = NULL;
	provider_finish(q, sts_take(q, response));
}

int web_identity_ask(struct provider_question *q, const struct web_identity *identity)
{
	_cleanup_(wipe_and_free_p) char *token = NULL;
	size_t length = 0;
	int r = util_read_file(identity->token_file, TOKEN_FILE_MAX, &token, &length);

	if (r < 0)
		return provider_fail(q, -EINVAL, "%s: %.200s: %s", identity->file_from,
				     identity->token_file, strerror(-r));
	if (length > 0 && token[length - 1] == '\n')
		token[--length] = '\0'; /* an editor's or echo's */
	if (strlen(token) != length || !credentials_wire_is_word(token))
		return provider_fail(q, -EINVAL, "%s: %.200s: wanted visible characters only",
				     identity->file_from, identity->token_file);
	return sts_ask(q,
		       &(struct sts_wire_role){
			       .arn = identity->role_arn,
			       .session_name = identity->session_name ? identity->session_name
								      : "shunt",
			       .token = token,
		       },
		       NULL, on_answer);
}
