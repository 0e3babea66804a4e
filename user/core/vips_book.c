/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vips_book.h"

#include <errno.h>

#include "core/book.h"
#include "shunt/layout.h"

static bool read_entry(const cJSON *json, struct vips_entry *ret)
{
	ret->name = json->string;
	return cJSON_IsString(json) && *json->string && strlen(json->string) < SHUNT_NAME_MAX &&
	       addr_parse(json->valuestring, &ret->address) == 0;
}

static bool is_entry(const cJSON *json)
{
	struct vips_entry entry;

	return read_entry(json, &entry);
}

static const struct book book = {
	.member = "vips",
	.version = 1,
	.is_row = is_entry,
	.row_wanted = "a name and its IP address",
};

int vips_book_read(const char *text, size_t length, vips_book_fn take, void *user,
		   bool *ret_all_taken, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *vips, *child;
	bool all_taken = true;
	int r = book_read(&book, text, length, &json, &vips, problems);

	if (r < 0)
		return r;
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
	cJSON *vips;
	_cleanup_(json_free_p) cJSON *json = book_new(&book, &vips);
	char address[ADDR_TEXT_MAX];

	if (!json)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!cJSON_AddStringToObject(vips, entries[i]->name,
					     addr_format(&entries[i]->address, address)))
			return -ENOMEM;
	}
	return book_write(json, ret_text, ret_length);
}
