/* SPDX-License-Identifier: Apache-2.0 */
/* The drained backends of this host (agent->drains), kept in state_dir over restarts. */
#pragma once

#include <cjson/cJSON.h>

#include "core/drains.h"

struct agent;

/* Adds what the book in state_dir holds, if there is one. */
void drain_book_load(struct agent *agent);
/* 0, or why it is not on the disk. */
int drain_book_store(const struct agent *agent);

/* drain_verbs.c: what the control socket answers to `drain` and `undrain`. */
cJSON *drain_verb(void *user, const cJSON *request);
cJSON *undrain_verb(void *user, const cJSON *request);
