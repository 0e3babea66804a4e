/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vips_book.h"

#include <errno.h>

#include "core/json.h"
#include "shunt/layout.h"

#define DEPTH_MAX 2

static int parse(const char *text, size_t length, cJSON **ret, struct diag *problems)
{
	struct json_fault fault;
	char where[48];
	int r = json_parse(text, length, DEPTH_MAX, ret, &fault);

	if (r != -EINVAL)
		return r;
	(void)snprintf(where, sizeof(where), "%zu:%zu", fault.line, fault.column);
	diag_add(problems, where, "got %s, wanted %s", fault.got, fault.wanted);
	return -EBADMSG;
}

static bool read_entry(const cJSON *json, struct vips_entry *ret)
{
	ret->name = json->string;
	return cJSON_IsString(json) && *json->string && strlen(json->string) < SHUNT_NAME_MAX &&
	       addr_parse(json->valuestring, &ret->address) == 0;
}

/* The object of entries in a whole book; NULL: it is none. */
static const cJSON *find_entries(const cJSON *book, struct diag *problems)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(book, "version");
	const cJSON *vips = cJSON_GetObjectItemCaseSensitive(book, "vips"), *child;
	char got[JSON_DESCRIPTION_MAX];
	struct vips_entry entry;

	if (!cJSON_IsNumber(version) || version->valueint != VIPS_BOOK_VERSION) {
		diag_add(problems, "version", "got %s, wanted %d",
			 version ? json_describe(version, got) : "nothing", VIPS_BOOK_VERSION);
		return NULL;
	}
	if (!cJSON_IsObject(vips)) {
		diag_add(problems, "vips", "got %s, wanted an object",
			 vips ? json_describe(vips, got) : "nothing");
		return NULL;
	}
	cJSON_ArrayForEach(child, vips)
	{
		if (read_entry(child, &entry))
			continue;
		diag_add(problems, "vips", "got \"%.64s\": %s, wanted a name and its IP address",
			 child->string, json_describe(child, got));
		return NULL;
	}
	return vips;
}

int vips_book_read(const char *text, size_t length, vips_book_fn take, void *user,
		   bool *ret_all_taken, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *vips, *child;
	bool all_taken = true;
	int r = parse(text, length, &json, problems);

	if (r < 0)
		return r;
	vips = find_entries(json, problems);
	if (!vips)
		return -EBADMSG;
	cJSON_ArrayForEach(child, vips)
	{
		struct vips_entry entry;
		bool taken = false;

		if (read_entry(child, &entry))
			r = take(user, &entry, &taken);
		if (r < 0)
			return r;
		all_taken &= taken;
	}
	*ret_all_taken = all_taken;
	return 0;
}

int vips_book_write(const struct vips_entry *const *entries, size_t n, char **ret_text,
		    size_t *ret_length)
{
	_cleanup_(json_free_p) cJSON *json = cJSON_CreateObject();
	cJSON *vips;
	char address[ADDR_TEXT_MAX], *text;

	if (!cJSON_AddNumberToObject(json, "version", VIPS_BOOK_VERSION))
		return -ENOMEM;
	vips = cJSON_AddObjectToObject(json, "vips");
	for (size_t i = 0; i < n; i++) {
		if (!cJSON_AddStringToObject(vips, entries[i]->name,
					     addr_format(&entries[i]->address, address)))
			return -ENOMEM;
	}
	text = vips ? cJSON_Print(json) : NULL;
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_length = strlen(text);
	return 0;
}
