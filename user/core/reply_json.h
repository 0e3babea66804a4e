/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that a remote sent, read strictly: bounded in depth and in number of values before any
 * memory is spent on it, one value and nothing after it, no control characters or NUL in its
 * strings. Pure; the tree is the caller's (cJSON_Delete).
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/util.h"

#define REPLY_JSON_DEPTH_MAX 16
#define REPLY_JSON_VALUES_MAX 200000 /* 1,000 instances have some 40,000 */
#define REPLY_JSON_ERROR_MAX 128

static inline void cjson_delete_p(cJSON **json)
{
	cJSON_Delete(*json);
}
#define _cleanup_json_ _cleanup_(cjson_delete_p)

/* 0 and *ret, or -EBADMSG and what is wrong with it in `error`; untrusted text may be quoted there.
 */
int reply_json_parse(const char *text, size_t length, cJSON **ret,
		     char error[static REPLY_JSON_ERROR_MAX]);

/* The member of that name (exactly), or NULL; *ret_repeated tells whether there is more than one.
 */
const cJSON *reply_json_member(const cJSON *object, const char *name, bool *ret_repeated);

/* "a string", "a number" ...: for messages. */
const char *reply_json_kind(const cJSON *item);
