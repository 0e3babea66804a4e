/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the running agent one thing over its control socket (see agent/control.h) and waits for the
 * answer, for CLIENT_TIMEOUT_S at most.
 */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/ctl.h"

#define CLIENT_TIMEOUT_S 10
#define CLIENT_REPLY_MAX (64u << 20)

/*
 * `name` may be NULL. EX_OK and *ret_reply, the caller's; or the failure has been told on stderr:
 * an agent that is not running, does not answer, or answers with an error, which is shown verbatim.
 */
int client_ask(const struct ctl *ctl, const char *verb, const char *name, cJSON **ret_reply);

/* Asks, and says so when it was done. */
int client_tell(const struct ctl *ctl, const char *verb, const char *name, const char *done);
