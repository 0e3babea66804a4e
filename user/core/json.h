/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON (RFC 8259) from untrusted text: cJSON builds the tree, but only of a text
 * that was found to be JSON first. cJSON by itself takes control characters and bad UTF-8 in
 * strings, a byte order mark, leading zeros, any octet up to a blank as white space, and text after
 * the end. Repeated keys are JSON; the reader finds them.
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/util.h"

#define JSON_VALUES_MAX (1 << 20) /* of one text: bounds what the tree takes */
#define JSON_NUMBER_TEXT_MAX 63	  /* cJSON cuts longer ones in two */
#define JSON_DESCRIPTION_MAX 96

struct json_fault {
	size_t line, column; /* from 1; columns are characters */
	char got[32];
	char wanted[64];
};

static inline void json_free(cJSON *json)
{
	cJSON_Delete(json);
}
DEFINE_CLEANUP(cJSON *, json_free);

/*
 * The tree of a text nested at most depth_max deep; the caller's, for json_free. -EINVAL and
 * *ret_fault: no JSON, or over a limit. -ENOMEM.
 */
int json_parse(const char *text, size_t length, unsigned int depth_max, cJSON **ret,
	       struct json_fault *ret_fault);

/* A value as a message shows it: 80, "text" (cut if long), an object. Returns `text`. */
const char *json_describe(const cJSON *value, char text[static JSON_DESCRIPTION_MAX]);
