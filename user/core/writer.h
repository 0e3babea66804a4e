/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One description, two forms: what a tool shows is told once, as tables and sentences, and comes
 *out as aligned columns for people or as one JSON object for programs. It owns what it was told
 *until it is taken; it prints nothing itself.
 *
 *	writer_table(w, "services", columns, ARRAY_SIZE(columns));
 *	writer_text(w, service->name);		for each row, a cell for each column
 *	writer_count(w, service->port);
 *	writer_take(w, &text, &length);
 */
#pragma once

#include "base/util.h"

enum writer_form {
	WRITER_TEXT,
	WRITER_JSON,
};

struct writer_column {
	const char *key;   /* of the JSON */
	const char *title; /* of the column; NULL: in the JSON only */
	bool right;	   /* numbers stand at the right */
};

struct writer;

int writer_new(enum writer_form form, struct writer **ret);
void writer_free(struct writer *w);
DEFINE_CLEANUP(struct writer *, writer_free);

/* A sentence for people, a member of that key for programs. Ends the table before it. */
void writer_say(struct writer *w, const char *key, const char *format, ...) _printf_(3, 4);

/* Begins a table: a member of that key, an array of objects. The columns outlive it. */
void writer_table(struct writer *w, const char *key, const struct writer_column *columns, size_t n);

/* The next cell of the table; whoever fills one column fills the row. Text is untrusted. */
void writer_text(struct writer *w, const char *value);
void writer_count(struct writer *w, uint64_t value);
void writer_fixed(struct writer *w, double value); /* one decimal */
/* A number for programs, a word for people: port 0 is "any". */
void writer_named(struct writer *w, uint64_t value, const char *name);
void writer_none(struct writer *w); /* "-", null */

/* The whole, ended by a newline, the caller's; *w is spent. 0 or the first failure: -ENOMEM. */
int writer_take(struct writer *w, char **ret_text, size_t *ret_length);
