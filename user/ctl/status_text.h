/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's answer to `status` as people read it: a line for each service, and indented under it
 * what is wrong, remote codes and messages verbatim. Pure; whatever the answer lacks is left out.
 */
#pragma once

#include <cjson/cJSON.h>

/* The text is the caller's; NULL: out of memory. */
char *status_text(const cJSON *status);
