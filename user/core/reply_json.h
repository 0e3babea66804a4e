/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that a remote sent: core/json's strict reading, with the words for a person who wonders what
 * it was that answered, and members looked up so that a repeated one is noticed. Pure; the tree is
 * the caller's (json_free).
 */
#pragma once

#include "core/json.h"

#define REPLY_JSON_DEPTH_MAX 16
#define REPLY_JSON_ERROR_MAX 256

/* 0 and *ret, or -EBADMSG and what is wrong with it in `error`, where its beginning is quoted. */
int reply_json_parse(const char *text, size_t length, cJSON **ret,
		     char error[static REPLY_JSON_ERROR_MAX]);

/* The member of that name (exactly), or NULL; *ret_repeated tells whether there is more than one.
 */
const cJSON *reply_json_member(const cJSON *object, const char *name, bool *ret_repeated);

/* "a string", "a number" ...: for messages that must not show the value. */
const char *reply_json_kind(const cJSON *item);
