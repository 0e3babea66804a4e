/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of the requests that sources made, by source, operation and code: what
 * shunt_source_requests_total shows. Bounded: codes come from outside, and beyond REQUESTS_MAX rows
 * they are counted as "other".
 */
#pragma once

#include <stdint.h>

#include "base/util.h"

#define REQUESTS_MAX 128
#define REQUESTS_CODE_MAX 64

struct requests_row {
	const char *source;    /* "cloudmap", "dns", "static", "credentials": literals */
	const char *operation; /* "DiscoverInstances", "A", "read" ...: literals */
	char code[REQUESTS_CODE_MAX];
	uint64_t count;
};

struct requests {
	struct requests_row rows[REQUESTS_MAX];
	size_t n;
};

/* `code`: "ok", the remote's error code, or a word for what went wrong ("timeout" ...). */
void requests_count(struct requests *r, const char *source, const char *operation,
		    const char *code);
