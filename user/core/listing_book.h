/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the book of namespaces: { "version": 1, "namespaces": { KEY: ROW } }. The key is how
 * the configuration tells the namespace, with the owner's account after a slash if there is one;
 * the row is its id, ARN, name and HTTP name, when its list last changed, and its services, with
 * blanks between them, which none of them has. Pure.
 */
#pragma once

#include "base/diag.h"
#include "core/listing.h"

/* NULL: out of memory. */
char *listing_book_key(const struct config_namespace *config);

struct listing_book_row {
	const char *key;
	const struct cloudmap_namespace *of;
	const struct listing *listing;
};

/* *ret_text is the caller's. 0 or -ENOMEM. */
int listing_book_write(const struct listing_book_row *rows, size_t n, char **ret_text,
		       size_t *ret_length);

/*
 * Seeds an empty listing with the row of that key, if there is one. 0; -EBADMSG for a text that is
 * no book (problems says where); -ENOMEM.
 */
int listing_book_read(const char *text, size_t length, const char *key,
		      struct cloudmap_namespace *of, struct listing *listing,
		      struct diag *problems);
