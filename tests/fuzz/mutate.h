/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes a JSON text as a tree: a value becomes one of another kind, a member goes, comes twice or
 * takes another's name. A fuzzer that changes octets alone hardly ever gets from one good text to
 * another.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Rewrites `text` in place, of at most `most` octets; the same seed gives the same change. Its new
 * length, or 0: it was no JSON, or has no room.
 */
size_t mutate_json(char *text, size_t length, size_t most, unsigned int seed);
