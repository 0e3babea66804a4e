/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of VIPs (core/book.h): "vips": { NAME: ADDRESS }. Knows nothing of how they are chosen.
 */
#pragma once

#include "base/addr.h"
#include "base/diag.h"

struct vips_entry {
	const char *name;
	struct addr address;
};

/* 0 and whether the entry was taken, or a negative errno, which ends the reading. */
typedef int (*vips_book_fn)(void *user, const struct vips_entry *entry, bool *ret_taken);

/*
 * Gives each entry to `take`, but only if the whole text is a book. 0 and whether all were taken;
 * -EBADMSG and what is wrong with it; -ENOMEM.
 */
int vips_book_read(const char *text, size_t length, vips_book_fn take, void *user,
		   bool *ret_all_taken, struct diag *problems);
int vips_book_write(const struct vips_entry *const *entries, size_t n, char **ret_text,
		    size_t *ret_length);
