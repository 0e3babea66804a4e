/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the role that the environment names, for the web identity it has a token of. */
#include "io/provider.h"

#include <errno.h>

#include "io/web_identity.h"

static int ask(struct provider_question *q)
{
	const struct web_identity identity = {
		.role_arn = provider_variable(q, "AWS_ROLE_ARN"),
		.token_file = provider_variable(q, "AWS_WEB_IDENTITY_TOKEN_FILE"),
		.session_name = provider_variable(q, "AWS_ROLE_SESSION_NAME"),
		.file_from = "AWS_WEB_IDENTITY_TOKEN_FILE",
	};

	if (!identity.token_file)
		return provider_fail(q, -ENOENT, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (!identity.role_arn)
		return provider_fail(q, -EINVAL,
				     "AWS_ROLE_ARN is not set, but AWS_WEB_IDENTITY_TOKEN_FILE is");
	return web_identity_ask(q, &identity);
}

const struct provider provider_web_identity = { "web identity", ask };
