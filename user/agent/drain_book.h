/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drained backends of this host, kept in state_dir over restarts. A book that cannot be read is
 * set aside under another name, never written over.
 */
#pragma once

#include <cjson/cJSON.h>

#include "core/drains.h"

struct agent;

struct drain_book {
	struct drains drains;
	char *fault; /* of a book that was set aside, for status; or NULL */
};

void drain_book_done(struct drain_book *b);

/* Adds what the book in state_dir holds, if there is one. */
void drain_book_load(struct agent *agent);
/* 0, or why it is not on the disk. */
int drain_book_store(const struct agent *agent);

/* drain_verbs.c: what the control socket answers to `drain` and `undrain`. */
cJSON *drain_verb(void *user, const cJSON *request);
cJSON *undrain_verb(void *user, const cJSON *request);
