/* SPDX-License-Identifier: Apache-2.0 */
#include "core/book.h"

#include <ctype.h>
#include <errno.h>
#include <zlib.h>

#define DEPTH_MAX 2

/* As cJSON_Print would write it, so that the seal does not stand out. */
#define SEAL ",\n\t\"checksum\":\t\"%08x\"\n}"
#define SEAL_LENGTH (sizeof(SEAL) - 1 - 4 + 8) /* %08x is eight digits */
#define OPEN_END "\n}"

uint32_t book_checksum(uint32_t so_far, const char *text, size_t length)
{
	return (uint32_t)crc32_z(so_far, (const unsigned char *)text, length);
}

/* --- reading ---------------------------------------------------------------------------------- */

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

static void seal(uint32_t checksum, char ret[static SEAL_LENGTH + 1])
{
	(void)snprintf(ret, SEAL_LENGTH + 1, SEAL, checksum);
}

/* Is the end of the text the seal of what is before it? An editor may have left blanks behind. */
static bool is_sealed(const char *text, size_t length)
{
	char wanted[SEAL_LENGTH + 1];

	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	if (length < SEAL_LENGTH)
		return false;
	length -= SEAL_LENGTH;
	seal(book_checksum(0, text, length), wanted);
	return memcmp(text + length, wanted, SEAL_LENGTH) == 0;
}

/* The object of rows; NULL: this is no such book. */
static const cJSON *find_rows(const struct book *book, const cJSON *json, struct diag *problems)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "version");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, book->member), *row;
	char got[JSON_DESCRIPTION_MAX];

	if (!cJSON_IsNumber(version) || version->valuedouble != book->version) {
		diag_add(problems, "version", "got %s, wanted %d",
			 version ? json_describe(version, got) : "nothing", book->version);
		return NULL;
	}
	if (!cJSON_IsObject(rows)) {
		diag_add(problems, book->member, "got %s, wanted an object",
			 rows ? json_describe(rows, got) : "nothing");
		return NULL;
	}
	cJSON_ArrayForEach(row, rows)
	{
		if (book->is_row(row))
			continue;
		diag_add(problems, book->member, "got \"%.64s\": %s, wanted %s", row->string,
			 json_describe(row, got), book->row_wanted);
		return NULL;
	}
	return rows;
}

/* With its name damaged, a checksum would be one that is not there. */
static bool has_strangers(const struct book *book, const cJSON *json, struct diag *problems)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, json)
	{
		if (streq(member->string, "version") || streq(member->string, book->member) ||
		    streq(member->string, "checksum"))
			continue;
		diag_add(problems, "members", "got \"%.64s\", wanted version, %s and checksum",
			 member->string, book->member);
		return true;
	}
	return false;
}

int book_read(const struct book *book, const char *text, size_t length, cJSON **ret,
	      const cJSON **ret_rows, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *checksum, *rows;
	char got[JSON_DESCRIPTION_MAX];
	int r = parse(text, length, &json, problems);

	if (r < 0)
		return r;
	rows = find_rows(book, json, problems);
	if (!rows || has_strangers(book, json, problems))
		return -EBADMSG;
	checksum = cJSON_GetObjectItemCaseSensitive(json, "checksum");
	if (checksum && !is_sealed(text, length)) {
		diag_add(problems, "checksum", "got %s, wanted that of the text before it",
			 json_describe(checksum, got));
		return -EBADMSG;
	}
	*ret = TAKE_PTR(json);
	*ret_rows = rows;
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

cJSON *book_new(const struct book *book, cJSON **ret_rows)
{
	_cleanup_(json_free_p) cJSON *json = cJSON_CreateObject();

	if (!cJSON_AddNumberToObject(json, "version", book->version))
		return NULL;
	*ret_rows = cJSON_AddObjectToObject(json, book->member);
	return *ret_rows ? TAKE_PTR(json) : NULL;
}

int book_write(const cJSON *json, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = cJSON_Print(json);
	size_t length = text ? strlen(text) - strlen(OPEN_END) : 0;
	char *sealed = text ? realloc(text, length + SEAL_LENGTH + 1) : NULL;

	if (!sealed)
		return -ENOMEM;
	(void)TAKE_PTR(text); /* realloc has it */
	seal(book_checksum(0, sealed, length), sealed + length);
	*ret_text = sealed;
	*ret_length = length + SEAL_LENGTH;
	return 0;
}
