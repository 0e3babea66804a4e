/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of what state_dir holds. A book is a JSON text:
 *
 *	{ "version": 1, "drained": { NAME: VALUE }, "checksum": "1a2b3c4d" }
 *
 * The checksum is the CRC-32 of the text before its own comma, and its member the last; a book
 * without one is of an earlier agent. It knows nothing of files, and what a row means only from who
 * reads it. Pure.
 */
#pragma once

#include "base/diag.h"
#include "core/json.h"

struct book {
	const char *member; /* that has the rows */
	int version;
	bool (*is_row)(const cJSON *row); /* its name is row->string */
	const char *row_wanted;		  /* "a name and its IP address" */
};

/*
 * 0: the whole text is a book; *ret_rows is the object of its rows, of *ret, which is the caller's
 * for json_free. -EBADMSG and what is wrong with it; -ENOMEM.
 */
int book_read(const struct book *book, const char *text, size_t length, cJSON **ret,
	      const cJSON **ret_rows, struct diag *problems);

/* An empty one, for json_free, and the object for its rows; NULL: out of memory. */
cJSON *book_new(const struct book *book, cJSON **ret_rows);
/* The text of it, sealed; the caller's. 0 or -ENOMEM. */
int book_write(const cJSON *json, char **ret_text, size_t *ret_length);

/* Of a text that follows one with the checksum `so_far`; 0: of none. */
uint32_t book_checksum(uint32_t so_far, const char *text, size_t length);
