/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of configuration values: what each is called, the JSON it is written as, and how its
 * text gets into its field.
 */
#pragma once

#include <cjson/cJSON.h>

#include "core/config_keys.h"

struct config_type_row {
	const char *wanted; /* "a duration" */
	int json;	    /* cJSON_String, cJSON_Number ...; cJSON_True | cJSON_False */
	/*
	 * Reads a text (for a list: one item of it) into the field at the key's offset from `base`.
	 * 0; -EINVAL: not what is wanted; -ENOMEM. NULL: not read from text.
	 */
	int (*parse)(const char *text, const struct config_key *key, void *base);
};

const struct config_type_row *config_type(enum config_type type);

/* <n>ms|s|m|h. 0 or -EINVAL (also beyond 32 bits). */
int config_parse_duration(const char *text, uint32_t *ret_ms);
/* The shortest such text. Returns `text`. */
#define CONFIG_DURATION_TEXT_MAX 16
const char *config_format_duration(uint32_t ms, char text[static CONFIG_DURATION_TEXT_MAX]);
