/* SPDX-License-Identifier: Apache-2.0 */
#include "core/drains.h"

#include <errno.h>

#include "core/endpoints.h"
#include "core/json.h"

#define DEPTH_MAX 2
#define SINCE_MAX 253402300799.0 /* the end of the year 9999 */

void drains_done(struct drains *d)
{
	free(d->list);
	*d = (struct drains){ 0 };
}

/* Where it is, or would be. */
static size_t find_index(const struct drains *d, const struct addr_port *at)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (addr_port_compare(&d->list[middle].at, at) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct drain *drains_find(const struct drains *d, const struct addr_port *at)
{
	size_t i = find_index(d, at);

	return i < d->n && addr_port_compare(&d->list[i].at, at) == 0 ? &d->list[i] : NULL;
}

int drains_add(struct drains *d, const struct addr_port *at, int64_t since_s)
{
	size_t i = find_index(d, at);

	if (drains_find(d, at))
		return -EEXIST;
	if (d->n >= DRAINS_MAX)
		return -ENOSPC;
	if (util_grow(&d->list, &d->capacity, d->n + 1, sizeof(*d->list)) < 0)
		return -ENOMEM;
	memmove(&d->list[i + 1], &d->list[i], (d->n - i) * sizeof(*d->list));
	d->list[i] = (struct drain){ *at, since_s };
	d->n++;
	return 0;
}

int drains_remove(struct drains *d, const struct addr_port *at)
{
	size_t i = find_index(d, at);

	if (!drains_find(d, at))
		return -ENOENT;
	d->n--;
	memmove(&d->list[i], &d->list[i + 1], (d->n - i) * sizeof(*d->list));
	return 0;
}

/* --- the book --------------------------------------------------------------------------------- */

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

static bool read_row(const cJSON *json, struct drain *ret)
{
	double since_s = cJSON_IsNumber(json) ? json->valuedouble : -1;

	if (since_s < 0 || since_s > SINCE_MAX)
		return false;
	ret->since_s = (int64_t)since_s;
	return endpoint_parse_place(json->string, &ret->at) == 0;
}

/* The object of rows in a whole book; NULL: it is none. */
static const cJSON *find_rows(const cJSON *book, struct diag *problems)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(book, "version");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(book, "drained"), *child;
	char got[JSON_DESCRIPTION_MAX];
	struct drain row;

	if (!cJSON_IsNumber(version) || version->valuedouble != DRAINS_BOOK_VERSION) {
		diag_add(problems, "version", "got %s, wanted %d",
			 version ? json_describe(version, got) : "nothing", DRAINS_BOOK_VERSION);
		return NULL;
	}
	if (!cJSON_IsObject(rows)) {
		diag_add(problems, "drained", "got %s, wanted an object",
			 rows ? json_describe(rows, got) : "nothing");
		return NULL;
	}
	cJSON_ArrayForEach(child, rows)
	{
		if (read_row(child, &row))
			continue;
		diag_add(problems, "drained",
			 "got \"%.64s\": %s, wanted ip:port and seconds since the epoch",
			 child->string, json_describe(child, got));
		return NULL;
	}
	return rows;
}

int drains_read(struct drains *d, const char *text, size_t length, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows, *child;
	int r = parse(text, length, &json, problems);

	if (r < 0)
		return r;
	rows = find_rows(json, problems);
	if (!rows)
		return -EBADMSG;
	cJSON_ArrayForEach(child, rows)
	{
		struct drain row;

		r = read_row(child, &row) ? drains_add(d, &row.at, row.since_s) : -EBADMSG;
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

int drains_write(const struct drains *d, char **ret_text, size_t *ret_length)
{
	_cleanup_(json_free_p) cJSON *json = cJSON_CreateObject();
	char place[ADDR_PORT_TEXT_MAX], *text;
	cJSON *rows;

	if (!cJSON_AddNumberToObject(json, "version", DRAINS_BOOK_VERSION))
		return -ENOMEM;
	rows = cJSON_AddObjectToObject(json, "drained");
	for (size_t i = 0; i < d->n; i++) {
		if (!cJSON_AddNumberToObject(rows, endpoint_format_place(&d->list[i].at, place),
					     (double)d->list[i].since_s))
			return -ENOMEM;
	}
	text = rows ? cJSON_Print(json) : NULL;
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_length = strlen(text);
	return 0;
}
