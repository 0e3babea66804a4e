/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that takes the place of another: written beside it, and put there by fsync and rename. A
 * reader, also the one after a power failure, has the old text or the new one. It owns the file
 * beside it until it is committed or done away with.
 */
#pragma once

#include "base/util.h"

struct replacement {
	int fd;
	char *path, *temporary; /* owned; NULL: not open */
};

/* 0 or a negative errno; *ret is touched on success only. */
int replacement_open(const char *path, unsigned mode, struct replacement *ret);
/* 0 or a negative errno, after which it is to be done away with. */
int replacement_write(struct replacement *r, const char *text, size_t length);
int replacement_commit(struct replacement *r);
/* Takes one that is zero, or committed. */
void replacement_done(struct replacement *r);

/* All of it at once. */
int replacement_file(const char *path, const char *text, size_t length, unsigned mode);
