/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS STS, asked for the credentials of a role on behalf of a provider: AWS_ENDPOINT_URL_STS, else
 * that of the region, else the one for all regions. It owns nothing.
 */
#pragma once

#include "core/sts_wire.h"
#include "io/provider.h"

/*
 * `signer` may be NULL: a web identity signs nothing. -EINPROGRESS: `done` is called, with q as its
 * user. Else q->why says why not.
 */
int sts_ask(struct provider_question *q, const struct sts_wire_role *role,
	    const struct credentials_set *signer, http_done_fn done);
/* Counts the answer and reads it into q->set. 0 or -EBADMSG and q->why. */
int sts_take(struct provider_question *q, const struct http_response *response);
