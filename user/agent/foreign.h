/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells of other people's programs on our hooks, and touches none of them. The agent owns what was
 * found at the start.
 */
#pragma once

#include <cjson/cJSON.h>

struct agent;

/* At the start: a line for each. */
void foreign_log(struct agent *agent);
/* For status: those of now; the name of one that came after the start is not known. */
void foreign_add(const struct agent *agent, cJSON *to);
