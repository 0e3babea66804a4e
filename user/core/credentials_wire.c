/* SPDX-License-Identifier: Apache-2.0 */
#include "core/credentials_wire.h"

#include <errno.h>
#include <time.h>

#include "core/reply_json.h"

#define CODE_MAX 64

static void wipe_and_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void credentials_set_done(struct credentials_set *s)
{
	wipe_and_free(s->access_key_id);
	wipe_and_free(s->secret_access_key);
	wipe_and_free(s->session_token);
	*s = (struct credentials_set){ 0 };
}

static bool same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

bool credentials_set_same(const struct credentials_set *a, const struct credentials_set *b)
{
	return same(a->access_key_id, b->access_key_id) &&
	       same(a->secret_access_key, b->secret_access_key) &&
	       same(a->session_token, b->session_token);
}

bool credentials_wire_is_word(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p < 0x7f)
		p++;
	return p > text && *p == '\0';
}

/* The secrets are among the object's strings. */
static void wipe_json(cJSON **json)
{
	cJSON *item;

	cJSON_ArrayForEach(item, *json)
	{
		if (cJSON_IsString(item))
			explicit_bzero(item->valuestring, strlen(item->valuestring));
	}
	cJSON_Delete(*json);
}

static const char *member(const cJSON *json, const char *name,
			  char error[static CREDENTIALS_WIRE_ERROR_MAX])
{
	bool repeated;
	const cJSON *item = reply_json_member(json, name, &repeated);

	if (repeated)
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "%s is there twice", name);
	else if (!item)
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "%s is missing", name);
	else if (!cJSON_IsString(item))
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "%s: got %s, wanted a string",
			       name, reply_json_kind(item));
	else if (!credentials_wire_is_word(item->valuestring))
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX,
			       "%s: wanted visible characters only", name);
	else
		return item->valuestring;
	return NULL;
}

bool credentials_wire_parse_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t seconds;

	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || (!streq(rest, "Z") && !streq(rest, "+00:00")))
		return false;
	seconds = timegm(&tm);
	if (seconds <= 0)
		return false;
	*ret = seconds;
	return true;
}

/* An instance's metadata answers 200 when there is no set, too, and says so here. The code, if it
 * has the form of one, is no secret. */
static int check_code(const cJSON *json, char error[static CREDENTIALS_WIRE_ERROR_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool repeated;
	const cJSON *item = reply_json_member(json, "Code", &repeated);
	const char *code = cJSON_IsString(item) ? item->valuestring : "";

	if (!item || (streq(code, "Success") && !repeated))
		return 0;
	if (strspn(code, letters) == strlen(code) && *code && strlen(code) <= CODE_MAX)
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "there is none: %s", code);
	else
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "Code: wanted \"Success\"");
	return -EBADMSG;
}

static int read_members(const cJSON *json, struct credentials_set *set,
			char error[static CREDENTIALS_WIRE_ERROR_MAX])
{
	const struct {
		const char *name;
		char **to;
	} rows[] = {
		{ "AccessKeyId", &set->access_key_id },
		{ "SecretAccessKey", &set->secret_access_key },
		{ "Token", &set->session_token },
	};
	const char *expiration;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = member(json, rows[i].name, error);

		if (!text)
			return -EBADMSG;
		*rows[i].to = strdup(text);
		if (!*rows[i].to) {
			(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX, "no memory");
			return -ENOMEM;
		}
	}
	expiration = member(json, "Expiration", error);
	if (!expiration)
		return -EBADMSG;
	if (!credentials_wire_parse_time(expiration, &set->expires_s)) {
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX,
			       "Expiration: wanted a time like 2026-11-20T22:16:37Z");
		return -EBADMSG;
	}
	return 0;
}

int credentials_wire_parse(const char *body, size_t length, struct credentials_set *ret,
			   char error[static CREDENTIALS_WIRE_ERROR_MAX])
{
	_cleanup_(credentials_set_done) struct credentials_set set = { 0 };
	_cleanup_(wipe_json) cJSON *json = NULL;
	char quoted[REPLY_JSON_ERROR_MAX]; /* may hold a piece of a secret */
	int r = reply_json_parse(body, length, &json, quoted);

	explicit_bzero(quoted, sizeof(quoted));
	if (r < 0 || !cJSON_IsObject(json)) {
		(void)snprintf(error, CREDENTIALS_WIRE_ERROR_MAX,
			       "the answer is not a JSON object");
		return -EBADMSG;
	}
	r = check_code(json, error);
	if (r == 0)
		r = read_members(json, &set, error);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct credentials_set){ 0 };
	return 0;
}
