/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 (RFC 3629) in untrusted octets. Owns nothing.
 */
#pragma once

#include <stddef.h>

/*
 * Octets of the character at `s`, of which `available` may be read: 1 to 4, or 0 when what is there
 * is not UTF-8 (over-long forms, surrogates, beyond U+10FFFF, cut short).
 */
size_t utf8_length(const char *s, size_t available);

/* The longest start of `s` of at most `max` octets that cuts no character in two. */
size_t utf8_clip(const char *s, size_t max);

/* Puts '?' in place of each octet that belongs to no character. */
void utf8_scrub(char *s);
