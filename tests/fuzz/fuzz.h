/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz targets: each feeds octets to one parser of what comes from outside, and demands of what it
 * returns what its header promises. Sanitizers watch the rest. `make fuzz` drives them by libFuzzer
 * (entry.c), the unit ring with the seeds alone (tests/unit/test_fuzz_seeds.c).
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

void fuzz_config(const uint8_t *data, size_t size);
/* The first character chooses the question, or the HTTP status and x-amzn-ErrorType. */
void fuzz_cloudmap(const uint8_t *data, size_t size);
/* The first character chooses who tells them, and how. */
void fuzz_credentials(const uint8_t *data, size_t size);
/* The first octet chooses the type that is asked for, of name.internal. */
void fuzz_dns(const uint8_t *data, size_t size);
/* The first character chooses the file. */
void fuzz_state(const uint8_t *data, size_t size);
/* The first octet chooses where the request is cut in two. */
void fuzz_control(const uint8_t *data, size_t size);

/* A promise that was broken is a crash. */
static inline void fuzz_demand(bool truth, const char *promise)
{
	if (truth)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

/* A copy that ends where its memory does, so that a sanitizer sees one octet too many. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	return copy;
}
