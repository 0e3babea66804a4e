/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_reply.h"

#include <errno.h>
#include <stdarg.h>

#include "core/reply_json.h"

#define REVISION_MAX 9007199254740992.0 /* 2^53: beyond it a double is not exact */

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
	if (message && *message)
		return cloudmap_reply_fail(error, code, "%s", message);
	return cloudmap_reply_fail(error, code, "HTTP status %ld without a message", reply->status);
}

static bool begins_with_any(const char *code, const char *const prefixes[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(code, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

bool cloudmap_reply_blames_credentials(const char *code)
{
	static const char *const prefixes[] = { "ExpiredToken", "UnrecognizedClient",
						"InvalidClientTokenId" };

	return begins_with_any(code, prefixes, ARRAY_SIZE(prefixes));
}

bool cloudmap_reply_throttles(const char *code)
{
	static const char *const prefixes[] = {
		"RequestLimitExceeded", "Throttl",  "TooManyRequests",
		"RequestThrottled",	"SlowDown", "http_429"
	};

	return begins_with_any(code, prefixes, ARRAY_SIZE(prefixes));
}

bool cloudmap_reply_blames_server(const char *code)
{
	static const char *const prefixes[] = { "Internal", "ServiceUnavailable", "http_5" };

	return begins_with_any(code, prefixes, ARRAY_SIZE(prefixes));
}

bool cloudmap_reply_lacks_operation(const char *code)
{
	static const char *const prefixes[] = { "UnknownOperation", "InvalidAction",
						"NotImplemented",   "UnsupportedOperation",
						"AccessDenied",	    "http_403",
						"http_404",	    "http_405",
						"http_501" };

	return begins_with_any(code, prefixes, ARRAY_SIZE(prefixes));
}

int cloudmap_reply_open_member(const struct cloudmap_wire_reply *reply, const char *name,
			       cJSON **ret, const cJSON **ret_member,
			       struct cloudmap_wire_error *ret_error)
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
	found = reply_json_member(json, name, &repeated);
	if (!found && (text_member(json, "__type") || reply->error_type))
		return fail_by_reply(reply, json, ret_error);
	if (repeated)
		return cloudmap_reply_fail(ret_error, "garbled", "%s is there twice", name);
	*ret_member = found;
	*ret = TAKE_PTR(json);
	return 0;
}

int cloudmap_reply_open(const struct cloudmap_wire_reply *reply, const char *list, cJSON **ret,
			const cJSON **ret_list, struct cloudmap_wire_error *ret_error)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *found;
	int r = cloudmap_reply_open_member(reply, list, &json, &found, ret_error);

	if (r < 0)
		return r;
	if (!cJSON_IsArray(found))
		return cloudmap_reply_fail(ret_error, "garbled", "%s: got %s, wanted an array",
					   list, reply_json_kind(found));
	*ret_list = found;
	*ret = TAKE_PTR(json);
	return 0;
}

bool cloudmap_reply_revision(const cJSON *object, uint64_t *ret)
{
	bool repeated;
	const cJSON *item = reply_json_member(object, "InstancesRevision", &repeated);
	double number = cJSON_IsNumber(item) ? item->valuedouble : -1;

	if (repeated || !(number >= 0 && number <= REVISION_MAX) ||
	    (double)(uint64_t)number != number)
		return false;
	*ret = (uint64_t)number;
	return true;
}

int cloudmap_reply_read_revision(const struct cloudmap_wire_reply *reply, uint64_t *ret,
				 struct cloudmap_wire_error *ret_error)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *found;
	int r = cloudmap_reply_open_member(reply, "InstancesRevision", &json, &found, ret_error);

	if (r < 0)
		return r;
	if (!cloudmap_reply_revision(json, ret))
		return cloudmap_reply_fail(ret_error, "garbled",
					   "InstancesRevision: got %s, wanted a count",
					   reply_json_kind(found));
	return 0;
}
