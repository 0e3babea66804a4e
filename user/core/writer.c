/* SPDX-License-Identifier: Apache-2.0 */
#include "core/writer.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/log.h"

#define NUMBER_MAX 32
#define GAP 2 /* blanks between columns */

struct writer {
	enum writer_form form;
	FILE *out; /* on the two below */
	char *text;
	size_t length;
	int error;
	bool begun; /* something was written: a comma or an empty line comes next */

	/* the table that is being told */
	const struct writer_column *columns;
	size_t n_columns; /* 0: none */
	char **cells;	  /* owned, row by row: as people see them, or as JSON */
	size_t n_cells, capacity;
};

int writer_new(enum writer_form form, struct writer **ret)
{
	_cleanup_(writer_free_p) struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->form = form;
	w->out = open_memstream(&w->text, &w->length);
	if (!w->out)
		return -ENOMEM;
	*ret = TAKE_PTR(w);
	return 0;
}

static void forget_cells(struct writer *w)
{
	for (size_t i = 0; i < w->n_cells; i++)
		free(w->cells[i]);
	w->n_cells = 0;
	w->n_columns = 0;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	forget_cells(w);
	free(w->cells);
	if (w->out)
		(void)fclose(w->out);
	free(w->text);
	free(w);
}

/* Characters, not bytes: names may be UTF-8. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* `text` is UTF-8 without controls by now; what JSON wants escaped is left to cJSON. */
static char *quote(const char *text)
{
	cJSON *string = cJSON_CreateString(text);
	char *quoted = string ? cJSON_PrintUnformatted(string) : NULL;

	cJSON_Delete(string);
	return quoted;
}

static void put_cell(struct writer *w, const char *cell, size_t width, bool right, bool last)
{
	size_t pad = width - width_of(cell);

	if (right)
		(void)fprintf(w->out, "%*s", (int)pad, "");
	(void)fputs(cell, w->out);
	if (!last)
		(void)fprintf(w->out, "%*s", (int)(right ? 0 : pad) + GAP, "");
}

static void put_row(struct writer *w, char *const *cells, const size_t *widths)
{
	size_t last = 0;

	for (size_t i = 0; i < w->n_columns; i++)
		last = w->columns[i].title ? i : last;
	for (size_t i = 0; i <= last; i++) {
		const struct writer_column *column = &w->columns[i];

		if (column->title)
			put_cell(w, cells ? cells[i] : column->title, widths[i], column->right,
				 i == last);
	}
	(void)fputc('\n', w->out);
}

static void put_columns(struct writer *w)
{
	_cleanup_free_ size_t *widths = calloc(w->n_columns, sizeof(*widths));

	if (!widths) {
		w->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < w->n_columns; i++)
		widths[i] = w->columns[i].title ? width_of(w->columns[i].title) : 0;
	for (size_t i = 0; i < w->n_cells; i++)
		widths[i % w->n_columns] = MAX(widths[i % w->n_columns], width_of(w->cells[i]));
	put_row(w, NULL, widths);
	for (size_t i = 0; i + w->n_columns <= w->n_cells; i += w->n_columns)
		put_row(w, w->cells + i, widths);
}

static void put_objects(struct writer *w)
{
	for (size_t i = 0; i < w->n_cells; i++) {
		size_t at = i % w->n_columns;

		if (at == 0)
			(void)fputs(i == 0 ? "\n    {" : ",\n    {", w->out);
		(void)fprintf(w->out, "%s\"%s\": %s", at == 0 ? "" : ", ", w->columns[at].key,
			      w->cells[i]);
		if (at + 1 == w->n_columns)
			(void)fputc('}', w->out);
	}
	(void)fputs(w->n_cells ? "\n  ]" : "]", w->out);
}

static void end_table(struct writer *w)
{
	if (w->n_columns == 0)
		return;
	if (w->error == 0 && w->form == WRITER_JSON)
		put_objects(w);
	else if (w->error == 0)
		put_columns(w);
	forget_cells(w);
}

static void put_key(struct writer *w, const char *key)
{
	(void)fprintf(w->out, "%s\n  \"%s\": ", w->begun ? "," : "{", key);
}

void writer_say(struct writer *w, const char *key, const char *format, ...)
{
	_cleanup_free_ char *sentence = NULL;
	_cleanup_free_ char *escaped = NULL;
	_cleanup_free_ char *quoted = NULL;
	va_list arguments;

	end_table(w);
	va_start(arguments, format);
	if (vasprintf(&sentence, format, arguments) < 0)
		sentence = NULL;
	va_end(arguments);
	escaped = sentence ? log_escape(sentence) : NULL;
	quoted = escaped ? quote(escaped) : NULL;
	if (!quoted) {
		w->error = -ENOMEM;
		return;
	}
	if (w->form == WRITER_JSON) {
		put_key(w, key);
		(void)fputs(quoted, w->out);
	} else {
		(void)fprintf(w->out, "%s\n", escaped);
	}
	w->begun = true;
}

void writer_table(struct writer *w, const char *key, const struct writer_column *columns, size_t n)
{
	end_table(w);
	w->columns = columns;
	w->n_columns = n;
	if (w->form == WRITER_JSON) {
		put_key(w, key);
		(void)fputc('[', w->out);
	} else if (w->begun) {
		(void)fputc('\n', w->out);
	}
	w->begun = true;
}

/* Takes the cell; NULL: there was no memory for it. */
static void add_cell(struct writer *w, char *cell)
{
	_cleanup_free_ char *owned = cell;

	if (!owned || util_grow(&w->cells, &w->capacity, w->n_cells + 1, sizeof(*w->cells)) < 0) {
		w->error = -ENOMEM;
		return;
	}
	w->cells[w->n_cells++] = TAKE_PTR(owned);
}

void writer_text(struct writer *w, const char *value)
{
	char *escaped = log_escape(value);
	char *quoted;

	if (!escaped || w->form == WRITER_TEXT) {
		add_cell(w, escaped);
		return;
	}
	quoted = quote(escaped);
	free(escaped);
	add_cell(w, quoted);
}

void writer_count(struct writer *w, uint64_t value)
{
	char number[NUMBER_MAX];

	(void)snprintf(number, sizeof(number), "%" PRIu64, value);
	add_cell(w, strdup(number));
}

void writer_named(struct writer *w, uint64_t value, const char *name)
{
	if (w->form == WRITER_JSON)
		writer_count(w, value);
	else
		writer_text(w, name);
}

void writer_fixed(struct writer *w, double value)
{
	char number[NUMBER_MAX];

	(void)snprintf(number, sizeof(number), "%.1f", value);
	add_cell(w, strdup(number));
}

void writer_none(struct writer *w)
{
	add_cell(w, strdup(w->form == WRITER_JSON ? "null" : "-"));
}

int writer_take(struct writer *w, char **ret_text, size_t *ret_length)
{
	end_table(w);
	if (w->form == WRITER_JSON)
		(void)fputs(w->begun ? "\n}\n" : "{}\n", w->out);
	if (fclose(TAKE_PTR(w->out)) != 0 && w->error == 0)
		w->error = -ENOMEM;
	if (w->error < 0)
		return w->error;
	*ret_length = w->length;
	*ret_text = TAKE_PTR(w->text);
	return 0;
}
