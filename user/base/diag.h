/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of "where: what" for people: all the faults of one input, collected in one run. Whoever
 * has the list decides how it is shown. Keeps the first DIAG_LINES_MAX lines and counts the rest.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/util.h"

#define DIAG_LINES_MAX 100

struct diag {
	char *lines[DIAG_LINES_MAX]; /* owned */
	size_t n;		     /* lines kept */
	size_t total;		     /* lines added */
};

void diag_done(struct diag *d);

/*
 * Adds "where: what". Control characters (an untrusted value may hold any) are shown as \xNN.
 * Out of memory the line is counted and lost.
 */
void diag_add(struct diag *d, const char *where, const char *format, ...) _printf_(3, 4);

/* One line each, `prefix` before it, and at the end how many were left out. */
void diag_print(const struct diag *d, const char *prefix, FILE *to);
