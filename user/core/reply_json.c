/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reply_json.h"

#include <errno.h>

/* Where the walk through the text is. */
struct scan {
	const char *at, *end;
	size_t depth, values;
};

/* Steps over a string; the quote before it has been read. */
static const char *scan_string(struct scan *s)
{
	for (; s->at < s->end && *s->at != '"'; s->at++) {
		if ((unsigned char)*s->at < ' ')
			return "a control character in a string";
		if (*s->at != '\\')
			continue;
		if (s->end - s->at >= 6 && memcmp(s->at, "\\u0000", 6) == 0)
			return "a NUL in a string";
		s->at++; /* whatever is escaped: it may be a quote */
	}
	if (s->at >= s->end)
		return "a string without end";
	s->at++;
	return NULL;
}

/* What would make the parser work or allocate without measure; all else is left to it. */
static const char *scan_text(struct scan *s)
{
	const char *error = NULL;

	while (s->at < s->end && !error) {
		char c = *s->at++;

		if (c == '"')
			error = scan_string(s);
		else if (c == '\0')
			error = "a NUL";
		else if ((c == '}' || c == ']') && s->depth > 0)
			s->depth--;
		else if ((c == '{' || c == '[') && ++s->depth > REPLY_JSON_DEPTH_MAX)
			error = "nesting too deep";
		if ((c == '{' || c == '[' || c == ',') && ++s->values > REPLY_JSON_VALUES_MAX)
			error = "too many values";
	}
	return error;
}

int reply_json_parse(const char *text, size_t length, cJSON **ret,
		     char error[static REPLY_JSON_ERROR_MAX])
{
	struct scan scan = { .at = text, .end = text + length };
	const char *wrong = scan_text(&scan);
	cJSON *json = NULL;

	/* Spaces may follow the value, nothing else: the NUL beyond the text is part of what is
	 * parsed. */
	if (!wrong)
		json = cJSON_ParseWithLengthOpts(text, length + 1, NULL, true);
	if (json) {
		*ret = json;
		return 0;
	}
	if (wrong)
		(void)snprintf(error, REPLY_JSON_ERROR_MAX, "not usable as JSON: %s", wrong);
	else if (length == 0)
		(void)snprintf(error, REPLY_JSON_ERROR_MAX, "empty, wanted JSON");
	else
		(void)snprintf(error, REPLY_JSON_ERROR_MAX, "not JSON: '%.*s'%s",
			       (int)MIN(length, (size_t)40), text, length > 40 ? "..." : "");
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
