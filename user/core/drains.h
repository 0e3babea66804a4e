/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends that the operator drains, known or not at the moment, and the book that they are
 * kept in (core/book.h): "drained": { "10.0.1.54:3000": SINCE }, seconds since the epoch. It owns
 * its rows. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/diag.h"

#define DRAINS_MAX 16384

struct drain {
	struct addr_port at; /* first; port 0: of backends without a port of their own */
	int64_t since_s;
};

struct drains {
	struct drain *list; /* owned; sorted by address and port */
	size_t n, capacity;
};

void drains_done(struct drains *d);

/* NULL: it is not drained. */
const struct drain *drains_find(const struct drains *d, const struct addr_port *at);
/* 0; -EEXIST: it is already, since then; -ENOSPC beyond DRAINS_MAX; -ENOMEM. */
int drains_add(struct drains *d, const struct addr_port *at, int64_t since_s);
/* 0, or -ENOENT. */
int drains_remove(struct drains *d, const struct addr_port *at);

/*
 * Adds what is in the text of a book, but only if the whole of it is one. 0; -EBADMSG and what is
 * wrong with it; -ENOSPC; -ENOMEM.
 */
int drains_read(struct drains *d, const char *text, size_t length, struct diag *problems);
/* *ret_text is the caller's. 0 or -ENOMEM. */
int drains_write(const struct drains *d, char **ret_text, size_t *ret_length);
