/* SPDX-License-Identifier: Apache-2.0 */
#include "core/listing_book.h"

#include <errno.h>

#include "core/book.h"

#define HEAD_WORDS 5 /* before the services */

char *listing_book_key(const struct config_namespace *config)
{
	const char *owner = config->owner_account;
	char *key = NULL;

	if (asprintf(&key, "%s%s%s", config->cloudmap, owner ? "/" : "", owner ? owner : "") < 0)
		return NULL;
	return key;
}

static bool is_row(const cJSON *json)
{
	const char *text = cJSON_GetStringValue(json);
	size_t words = 0;

	for (; text && *text; words++) {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return words >= HEAD_WORDS;
}

static const struct book book = {
	.member = "namespaces",
	.version = 1,
	.is_row = is_row,
	.row_wanted = "id, ARN, name, HTTP name, time and services",
};

/* --- writing ---------------------------------------------------------------------------------- */

static char *write_row(const struct listing_book_row *row)
{
	const struct cloudmap_namespace *of = row->of;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	(void)fprintf(to, "%s %s %s %s %lld", of->id, of->arn, of->name, of->http_name,
		      (long long)row->listing->answered_s);
	for (size_t i = 0; i < row->listing->n; i++)
		(void)fprintf(to, " %s", row->listing->names[i].text);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

int listing_book_write(const struct listing_book_row *rows, size_t n, char **ret_text,
		       size_t *ret_length)
{
	cJSON *object;
	_cleanup_(json_free_p) cJSON *json = book_new(&book, &object);

	if (!json)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = write_row(&rows[i]);

		if (!text || !cJSON_AddStringToObject(object, rows[i].key, text))
			return -ENOMEM;
	}
	return book_write(json, ret_text, ret_length);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_head(char **rest, struct cloudmap_namespace *of, int64_t *ret_answered_s)
{
	char **const fields[] = { &of->id, &of->arn, &of->name, &of->http_name };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = strdup(strsep(rest, " "));
		if (!*fields[i])
			return -ENOMEM;
	}
	*ret_answered_s = strtoll(strsep(rest, " "), NULL, 10);
	return 0;
}

static int read_services(char *rest, struct cloudmap_names *names)
{
	for (char *word; (word = strsep(&rest, " "));) {
		if (!*word || strlen(word) > CLOUDMAP_LISTS_TEXT_MAX)
			continue;
		if (util_grow(&names->list, &names->capacity, names->n + 1, sizeof(*names->list)) <
		    0)
			return -ENOMEM;
		names->list[names->n] = strdup(word);
		if (!names->list[names->n])
			return -ENOMEM;
		names->n++;
	}
	return 0;
}

static int read_row(const char *text, struct cloudmap_namespace *of, struct listing *listing)
{
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace found = { 0 };
	_cleanup_(cloudmap_names_done) struct cloudmap_names names = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;
	int64_t answered_s = 0;
	int r = copy ? read_head(&rest, &found, &answered_s) : -ENOMEM;

	if (r == 0)
		r = read_services(rest, &names);
	if (r == 0)
		r = listing_seed(listing, &names, answered_s);
	if (r < 0)
		return r;
	cloudmap_namespace_done(of);
	*of = found;
	found = (struct cloudmap_namespace){ 0 };
	return 0;
}

int listing_book_read(const char *text, size_t length, const char *key,
		      struct cloudmap_namespace *of, struct listing *listing, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows, *row;
	int r = book_read(&book, text, length, &json, &rows, problems);

	if (r < 0)
		return r;
	row = cJSON_GetObjectItemCaseSensitive(rows, key);
	return row ? read_row(row->valuestring, of, listing) : 0;
}
