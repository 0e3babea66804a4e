/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_reply.h"

#include <errno.h>
#include <stdarg.h>

#include "core/reply_json.h"

int cloudmap_reply_fail(struct cloudmap_wire_error *error, const char *code, const char *format,
			...)
{
	va_list arguments;

	(void)util_copy(error->code, sizeof(error->code), code);
	va_start(arguments, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

/* "Code", "namespace#Code" and "Code:http://..." all name Code. */
static bool code_from(const char *type, char code[static CLOUDMAP_WIRE_CODE_MAX])
{
	const char *hash = strchr(type, '#');
	const char *start = hash ? hash + 1 : type;
	size_t length = strcspn(start, ":");

	if (length == 0)
		return false;
	(void)util_copy(code, MIN(length + 1, (size_t)CLOUDMAP_WIRE_CODE_MAX), start);
	return true;
}

/* Services of AWS do not agree on the case: Message, message. */
static const char *text_member(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(object, name);

	return cJSON_IsString(item) ? item->valuestring : NULL;
}

static int fail_by_reply(const struct cloudmap_wire_reply *reply, const cJSON *json,
			 struct cloudmap_wire_error *error)
{
	const char *type = text_member(json, "__type");
	const char *message = text_member(json, "message");
	char code[CLOUDMAP_WIRE_CODE_MAX];

	if (!(type && code_from(type, code)) &&
	    !(reply->error_type && code_from(reply->error_type, code)))
		(void)snprintf(code, sizeof(code), "http_%ld", reply->status);
	if (message)
		return cloudmap_reply_fail(error, code, "%s", message);
	return cloudmap_reply_fail(error, code, "HTTP status %ld without a message", reply->status);
}

bool cloudmap_reply_blames_credentials(const char *code)
{
	static const char *const prefixes[] = { "ExpiredToken", "UnrecognizedClient",
						"InvalidClientTokenId" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(code, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

int cloudmap_reply_open(const struct cloudmap_wire_reply *reply, const char *list, cJSON **ret,
			const cJSON **ret_list, struct cloudmap_wire_error *ret_error)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	char wrong[REPLY_JSON_ERROR_MAX];
	const cJSON *found;
	bool repeated;
	int r = reply_json_parse(reply->body, reply->length, &json, wrong);

	if (reply->status != 200)
		return fail_by_reply(reply, json, ret_error);
	if (r < 0)
		return cloudmap_reply_fail(ret_error, "garbled", "%s", wrong);
	if (!cJSON_IsObject(json))
		return cloudmap_reply_fail(ret_error, "garbled", "got %s, wanted an object",
					   reply_json_kind(json));
	found = reply_json_member(json, list, &repeated);
	if (!found && (text_member(json, "__type") || reply->error_type))
		return fail_by_reply(reply, json, ret_error);
	if (repeated)
		return cloudmap_reply_fail(ret_error, "garbled", "%s is there twice", list);
	if (!cJSON_IsArray(found))
		return cloudmap_reply_fail(ret_error, "garbled", "%s: got %s, wanted an array",
					   list, reply_json_kind(found));
	*ret_list = found;
	*ret = TAKE_PTR(json);
	return 0;
}
