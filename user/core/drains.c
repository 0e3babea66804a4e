/* SPDX-License-Identifier: Apache-2.0 */
#include "core/drains.h"

#include <errno.h>

#include "core/book.h"
#include "core/endpoints.h"

#define SINCE_MAX 253402300799.0 /* the end of the year 9999 */

void drains_done(struct drains *d)
{
	free(d->list);
	*d = (struct drains){ 0 };
}

/* Where it is, or would be. */
static size_t find_index(const struct drains *d, const struct addr_port *at)
{
	return addr_port_place(at, d->list, d->n, sizeof(*d->list));
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

static bool read_row(const cJSON *json, struct drain *ret)
{
	double since_s = cJSON_IsNumber(json) ? json->valuedouble : -1;

	if (since_s < 0 || since_s > SINCE_MAX)
		return false;
	ret->since_s = (int64_t)since_s;
	return endpoint_parse_place(json->string, &ret->at) == 0;
}

static bool is_row(const cJSON *json)
{
	struct drain row;

	return read_row(json, &row);
}

static const struct book book = {
	.member = "drained",
	.version = 1,
	.is_row = is_row,
	.row_wanted = "ip:port and seconds since the epoch",
};

int drains_read(struct drains *d, const char *text, size_t length, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *rows, *child;
	int r = book_read(&book, text, length, &json, &rows, problems);

	if (r < 0)
		return r;
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
	cJSON *rows;
	_cleanup_(json_free_p) cJSON *json = book_new(&book, &rows);
	char place[ADDR_PORT_TEXT_MAX];

	if (!json)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		if (!cJSON_AddNumberToObject(rows, endpoint_format_place(&d->list[i].at, place),
					     (double)d->list[i].since_s))
			return -ENOMEM;
	}
	return book_write(json, ret_text, ret_length);
}
