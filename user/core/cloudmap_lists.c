/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_lists.h"

#include <errno.h>

#include "core/reply_json.h"

#define ROWS_ASKED 100 /* the most there can be */

void cloudmap_namespace_done(struct cloudmap_namespace *n)
{
	free(n->id);
	free(n->arn);
	free(n->name);
	free(n->http_name);
	free(n->owner);
	*n = (struct cloudmap_namespace){ 0 };
}

void cloudmap_names_done(struct cloudmap_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct cloudmap_names){ 0 };
}

/* --- questions -------------------------------------------------------------------------------- */

static bool add_filter(cJSON *filters, const char *name, const char *value)
{
	cJSON *filter = cJSON_CreateObject();
	cJSON *values;

	if (!cJSON_AddItemToArray(filters, filter)) {
		cJSON_Delete(filter);
		return false;
	}
	values = cJSON_AddStringToObject(filter, "Name", name)
			 ? cJSON_AddArrayToObject(filter, "Values")
			 : NULL;
	return cJSON_AddItemToArray(values, cJSON_CreateString(value)) &&
	       cJSON_AddStringToObject(filter, "Condition", "EQ");
}

static char *ask_page(cJSON *body, const char *token)
{
	if (token && !cJSON_AddStringToObject(body, "NextToken", token))
		return NULL;
	if (!cJSON_AddNumberToObject(body, "MaxResults", ROWS_ASKED))
		return NULL;
	return cJSON_PrintUnformatted(body);
}

char *cloudmap_lists_ask_namespaces(const struct config_namespace *wanted, const char *token)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();
	cJSON *filters = cJSON_AddArrayToObject(body, "Filters");

	if (!add_filter(filters, "HTTP_NAME", wanted->cloudmap) ||
	    !add_filter(filters, "RESOURCE_OWNER",
			wanted->owner_account ? "OTHER_ACCOUNTS" : "SELF"))
		return NULL;
	return ask_page(body, token);
}

char *cloudmap_lists_ask_namespace(const struct config_namespace *wanted)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();

	return cJSON_AddStringToObject(body, "Id", wanted->cloudmap) ? cJSON_PrintUnformatted(body)
								     : NULL;
}

char *cloudmap_lists_ask_services(const struct cloudmap_namespace *of, bool shared,
				  const char *token)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();
	cJSON *filters = cJSON_AddArrayToObject(body, "Filters");

	if (!add_filter(filters, "NAMESPACE_ID", shared ? of->arn : of->id))
		return NULL;
	return ask_page(body, token);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* A text that is there once, of printable ASCII, and not too long; NULL: none. */
static const char *text_of(const cJSON *row, const char *name, size_t max)
{
	bool repeated;
	const cJSON *item = reply_json_member(row, name, &repeated);
	const char *text = cJSON_IsString(item) && !repeated ? item->valuestring : "";

	if (!*text || strlen(text) > max)
		return NULL;
	for (const char *c = text; *c; c++) {
		if (*c < '!' || *c > '~')
			return NULL;
	}
	return text;
}

static int read_token(const cJSON *json, char **ret_token, struct cloudmap_wire_error *error)
{
	bool repeated;
	const cJSON *item = reply_json_member(json, "NextToken", &repeated);

	*ret_token = NULL;
	if (!item || cJSON_IsNull(item))
		return 0;
	if (repeated || !cJSON_IsString(item) ||
	    strlen(item->valuestring) > CLOUDMAP_LISTS_TOKEN_MAX)
		return cloudmap_reply_fail(error, "garbled",
					   "NextToken: got %s, wanted a string of at most %d",
					   repeated ? "it twice" : reply_json_kind(item),
					   CLOUDMAP_LISTS_TOKEN_MAX);
	if (!*item->valuestring)
		return 0;
	*ret_token = strdup(item->valuestring);
	return *ret_token ? 0 : cloudmap_reply_fail(error, "memory", "no memory for NextToken");
}

static int check_rows(const cJSON *rows, const char *what, struct cloudmap_wire_error *error)
{
	const cJSON *row;
	unsigned int index = 0;

	cJSON_ArrayForEach(row, rows)
	{
		if (++index > CLOUDMAP_LISTS_ROWS_MAX)
			return cloudmap_reply_fail(error, "garbled", "%s: more than %d", what,
						   CLOUDMAP_LISTS_ROWS_MAX);
		if (!cJSON_IsObject(row))
			return cloudmap_reply_fail(error, "garbled",
						   "%s: #%u is %s, wanted an object", what, index,
						   reply_json_kind(row));
	}
	return 0;
}

static const char *http_name_of(const cJSON *row)
{
	bool repeated;
	const cJSON *properties = reply_json_member(row, "Properties", &repeated);
	const cJSON *http = reply_json_member(properties, "HttpProperties", &repeated);

	return text_of(http, "HttpName", CLOUDMAP_LISTS_TEXT_MAX);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* The account that owns it: as it was told, else by the ARN. */
static char *copy_owner(const cJSON *row, const char *arn)
{
	const char *told = text_of(row, "ResourceOwner", CLOUDMAP_LISTS_TEXT_MAX);
	const char *account = config_namespace_account(arn);

	if (told)
		return strdup(told);
	return account ? strndup(account, CONFIG_ACCOUNT_LENGTH) : NULL;
}

static int read_namespace(const cJSON *row, struct cloudmap_namespace *ret,
			  struct cloudmap_wire_error *error)
{
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace n = { 0 };
	const char *id = text_of(row, "Id", CLOUDMAP_LISTS_TEXT_MAX);
	const char *arn = text_of(row, "Arn", CLOUDMAP_LISTS_TEXT_MAX);
	const char *name = text_of(row, "Name", CLOUDMAP_LISTS_TEXT_MAX);
	const char *http_name = http_name_of(row);

	if (!id || !arn || !name || !http_name)
		return cloudmap_reply_fail(error, "garbled", "a namespace without a good %s",
					   !id	   ? "Id"
					   : !arn  ? "Arn"
					   : !name ? "Name"
						   : "HttpName");
	n.id = copy(id);
	n.arn = copy(arn);
	n.name = copy(name);
	n.http_name = copy(http_name);
	n.owner = copy_owner(row, arn);
	if (!n.id || !n.arn || !n.name || !n.http_name)
		return cloudmap_reply_fail(error, "memory", "no memory for a namespace");
	cloudmap_namespace_done(ret);
	*ret = n;
	n = (struct cloudmap_namespace){ 0 };
	return 0;
}

/* Not every filter need be honoured: what is not asked for is passed over. */
static bool is_wanted(const cJSON *row, const struct config_namespace *wanted)
{
	const char *name = http_name_of(row);
	const char *arn = text_of(row, "Arn", CLOUDMAP_LISTS_TEXT_MAX);
	_cleanup_free_ char *owner = arn ? copy_owner(row, arn) : NULL;

	if (!name || !streq(name, wanted->cloudmap))
		return false;
	return !wanted->owner_account || (owner && streq(owner, wanted->owner_account));
}

int cloudmap_lists_read_namespaces(const struct cloudmap_wire_reply *reply,
				   const struct config_namespace *wanted,
				   struct cloudmap_namespace *ret, char **ret_token,
				   struct cloudmap_wire_error *ret_error)
{
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace found = { 0 };
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows, *row;
	int r = cloudmap_reply_open(reply, "Namespaces", &json, &rows, ret_error);

	if (r == 0)
		r = check_rows(rows, "Namespaces", ret_error);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, rows)
	{
		if (is_wanted(row, wanted))
			r = read_namespace(row, &found, ret_error);
		if (r < 0)
			return r;
	}
	r = read_token(json, ret_token, ret_error);
	if (r == 0 && found.id) {
		cloudmap_namespace_done(ret);
		*ret = found;
		found = (struct cloudmap_namespace){ 0 };
	}
	return r;
}

int cloudmap_lists_read_namespace(const struct cloudmap_wire_reply *reply,
				  struct cloudmap_namespace *ret,
				  struct cloudmap_wire_error *ret_error)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *row;
	int r = cloudmap_reply_open_member(reply, "Namespace", &json, &row, ret_error);

	if (r < 0)
		return r;
	if (!cJSON_IsObject(row))
		return cloudmap_reply_fail(ret_error, "garbled",
					   "Namespace: got %s, wanted an object",
					   reply_json_kind(row));
	return read_namespace(row, ret, ret_error);
}

int cloudmap_lists_read_services(const struct cloudmap_wire_reply *reply,
				 struct cloudmap_names *names, char **ret_token,
				 struct cloudmap_wire_error *ret_error)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows, *row;
	int r = cloudmap_reply_open(reply, "Services", &json, &rows, ret_error);

	if (r == 0)
		r = check_rows(rows, "Services", ret_error);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(row, rows)
	{
		const char *name = text_of(row, "Name", CLOUDMAP_LISTS_TEXT_MAX);
		_cleanup_free_ char *own = copy(name);

		if (!name)
			return cloudmap_reply_fail(ret_error, "garbled",
						   "Services: one without a good Name");
		if (!own || util_grow(&names->list, &names->capacity, names->n + 1,
				      sizeof(*names->list)) < 0)
			return cloudmap_reply_fail(ret_error, "memory", "no memory for names");
		names->list[names->n++] = TAKE_PTR(own);
	}
	return read_token(json, ret_token, ret_error);
}
