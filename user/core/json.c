/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <errno.h>

#include "base/utf8.h"
#include "core/json_scan.h"

int json_parse(const char *text, size_t length, unsigned int depth_max, cJSON **ret,
	       struct json_fault *ret_fault)
{
	cJSON *json;
	int r = json_scan(text, length, depth_max, ret_fault);

	if (r < 0)
		return r;
	json = cJSON_ParseWithLength(text, length);
	if (!json) /* the text is good */
		return -ENOMEM;
	*ret = json;
	return 0;
}

const char *json_describe(const cJSON *value, char text[static JSON_DESCRIPTION_MAX])
{
	const char *const word = cJSON_IsObject(value)	? "an object"
				 : cJSON_IsArray(value) ? "a list"
				 : cJSON_IsTrue(value)	? "true"
				 : cJSON_IsFalse(value) ? "false"
							: "null";
	size_t shown;

	if (cJSON_IsNumber(value)) {
		(void)snprintf(text, JSON_DESCRIPTION_MAX, "%.15g", value->valuedouble);
	} else if (cJSON_IsString(value)) {
		shown = utf8_clip(value->valuestring, 64);
		(void)snprintf(text, JSON_DESCRIPTION_MAX, "\"%.*s%s\"", (int)shown,
			       value->valuestring, value->valuestring[shown] ? "..." : "");
	} else {
		(void)util_copy(text, JSON_DESCRIPTION_MAX, word);
	}
	return text;
}
