/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reply_json.h"

#include <errno.h>

#define QUOTED_MAX 40

int reply_json_parse(const char *text, size_t length, cJSON **ret,
		     char error[static REPLY_JSON_ERROR_MAX])
{
	struct json_fault fault = { 0 };
	int r;

	if (length == 0) {
		(void)snprintf(error, REPLY_JSON_ERROR_MAX, "empty, wanted JSON");
		return -EBADMSG;
	}
	r = json_parse(text, length, REPLY_JSON_DEPTH_MAX, ret, &fault);
	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		(void)snprintf(error, REPLY_JSON_ERROR_MAX, "no memory to read it");
	else
		(void)snprintf(
			error, REPLY_JSON_ERROR_MAX,
			"not JSON: line %zu, column %zu: got %s, wanted %s; it begins with '%.*s'",
			fault.line, fault.column, fault.got, fault.wanted,
			(int)MIN(length, (size_t)QUOTED_MAX), text);
	return -EBADMSG;
}

const cJSON *reply_json_member(const cJSON *object, const char *name, bool *ret_repeated)
{
	const cJSON *item, *found = NULL;

	*ret_repeated = false;
	cJSON_ArrayForEach(item, object)
	{
		if (!item->string || !streq(item->string, name))
			continue;
		if (found)
			*ret_repeated = true;
		else
			found = item;
	}
	return found;
}

const char *reply_json_kind(const cJSON *item)
{
	if (!item)
		return "nothing";
	if (cJSON_IsString(item))
		return "a string";
	if (cJSON_IsNumber(item))
		return "a number";
	if (cJSON_IsArray(item))
		return "an array";
	if (cJSON_IsObject(item))
		return "an object";
	return cJSON_IsNull(item) ? "null" : "a boolean";
}
