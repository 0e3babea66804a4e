/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's credentials for the token of a web identity, which lies in a file and is rotated there.
 * It owns nothing; the token is wiped.
 */
#pragma once

#include "io/provider.h"

struct web_identity {
	const char *role_arn;
	const char *token_file;
	const char *session_name; /* or NULL */
	const char *file_from;	  /* what named the file: for messages */
};

/* As a provider's ask: -EINPROGRESS, or an error and q->why. */
int web_identity_ask(struct provider_question *q, const struct web_identity *identity);
