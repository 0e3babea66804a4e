/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which VIP a name without one gets: by a hash of the name, so that every host comes to the same,
 * and kept once given (the agent stores the book in state_dir). Two names that hash alike: the one
 * that has the address keeps it, the other takes the next free one and is said to have moved. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/diag.h"

#define VIPS_MAX 65536 /* names in the book, those of services long gone included */

struct vips;

int vips_new(const struct addr_prefix *range, struct vips **ret);
void vips_free(struct vips *v);
DEFINE_CLEANUP(struct vips *, vips_free);

/*
 * Reads a stored book (text of vips_store) into an empty one. Entries outside the range or given
 * twice are left out. 0; -EBADMSG for a text that is no book (problems says where; the book stays
 * empty); -ENOMEM (the book may hold some of it).
 */
int vips_load(struct vips *v, const char *text, size_t length, struct diag *problems);
/* *ret_text is the caller's: a JSON text with a version. What it holds counts as stored. */
int vips_store(struct vips *v, char **ret_text, size_t *ret_length);

/* An address that the configuration names itself is never given out; before any vips_assign. */
int vips_reserve(struct vips *v, const struct addr *a);

/* Where the book has been lost: the names keep what they had, if nobody else has it now. */
int vips_adopt(struct vips *v, const char *name, const struct addr *a);
bool vips_is_empty(const struct vips *v);

/*
 * The VIP of a name (in lower case). Same name, same answer, as long as the address is not
 * reserved. *ret_moved: not the address its hash asks for. -ENOSPC: the range or the book is full;
 * -ENOMEM.
 */
int vips_assign(struct vips *v, const char *name, struct addr *ret, bool *ret_moved);
/* Whether the book differs from what was loaded or stored. */
bool vips_changed(const struct vips *v);
