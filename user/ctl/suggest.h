/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...": the known word that is nearest to a mistyped one. Pure. */
#pragma once

#include "base/util.h"

#define SUGGEST_WORD_MAX 256

/* The nearer of two candidates to keep while walking over many; zero-initialised is right. */
struct suggestion {
	const char *word; /* NULL: none is near enough */
	size_t distance;
};

/* Considers a known word, which must outlive *s. */
void suggest_consider(struct suggestion *s, const char *typed, const char *known);
