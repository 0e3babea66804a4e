/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
#include "io/provider.h"

#include <errno.h>

static int ask(struct provider_question *q)
{
	const struct {
		const char *name;
		bool wanted;
		char **to;
	} rows[] = {
		{ "AWS_ACCESS_KEY_ID", true, &q->set.access_key_id },
		{ "AWS_SECRET_ACCESS_KEY", true, &q->set.secret_access_key },
		{ "AWS_SESSION_TOKEN", false, &q->set.session_token },
	};

	if (!provider_variable(q, rows[0].name) && !provider_variable(q, rows[1].name))
		return provider_fail(q, -ENOENT, "AWS_ACCESS_KEY_ID is not set");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = provider_variable(q, rows[i].name);

		if (!value && rows[i].wanted)
			return provider_fail(q, -EINVAL, "%s is not set, but %s is", rows[i].name,
					     rows[!i].name);
		if (value && !credentials_wire_is_word(value))
			return provider_fail(q, -EINVAL, "%s: wanted visible characters only",
					     rows[i].name);
		*rows[i].to = value ? strdup(value) : NULL;
		if (value && !*rows[i].to)
			return provider_fail(q, -ENOMEM, "no memory");
	}
	return 0;
}

const struct provider provider_environment = { "environment", ask };
