/* SPDX-License-Identifier: Apache-2.0 */
#include "core/requests.h"

/* Rows kept free for the "other" of each source and operation. */
#define OTHERS_MAX 24

static struct requests_row *requests_find(struct requests *r, const struct requests_row *wanted)
{
	for (size_t i = 0; i < r->n; i++) {
		struct requests_row *row = &r->rows[i];

		if (streq(row->source, wanted->source) &&
		    streq(row->operation, wanted->operation) && streq(row->code, wanted->code))
			return row;
	}
	return NULL;
}

static struct requests_row *requests_add(struct requests *r, const struct requests_row *added,
					 size_t max)
{
	if (r->n >= max)
		return NULL;
	r->rows[r->n] = *added;
	return &r->rows[r->n++];
}

/* What a remote calls its error becomes a label: printable ASCII, cut to size. */
static void copy_code(struct requests_row *row, const char *code)
{
	(void)util_copy(row->code, sizeof(row->code), *code ? code : "unknown");
	for (char *c = row->code; *c; c++) {
		if (*c <= ' ' || *c > '~')
			*c = '_';
	}
}

void requests_count(struct requests *r, const char *source, const char *operation, const char *code)
{
	struct requests_row wanted = { .source = source, .operation = operation };
	struct requests_row *row;

	copy_code(&wanted, code);
	row = requests_find(r, &wanted);
	if (!row)
		row = requests_add(r, &wanted, REQUESTS_MAX - OTHERS_MAX);
	if (!row) {
		copy_code(&wanted, "other");
		row = requests_find(r, &wanted);
	}
	if (!row)
		row = requests_add(r, &wanted, REQUESTS_MAX);
	if (row)
		row->count++;
}
