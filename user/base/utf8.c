/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/util.h"

/* Table 3-7 of the Unicode standard: what the second octet may be after the first. */
static const struct {
	uint8_t first, last; /* first octets */
	uint8_t low, high;   /* second octets */
	uint8_t length;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_length(const char *s, size_t available)
{
	const uint8_t *octets = (const uint8_t *)s;

	if (available == 0)
		return 0;
	if (octets[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (octets[0] < forms[i].first || octets[0] > forms[i].last)
			continue;
		if (available < forms[i].length || octets[1] < forms[i].low ||
		    octets[1] > forms[i].high)
			return 0;
		for (size_t at = 2; at < forms[i].length; at++) {
			if ((octets[at] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

size_t utf8_clip(const char *s, size_t max)
{
	size_t length = strnlen(s, max + 1);

	if (length <= max)
		return length;
	for (length = max; length > 0 && ((uint8_t)s[length] & 0xc0) == 0x80;)
		length--;
	return length;
}

void utf8_scrub(char *s)
{
	size_t left = strlen(s);

	while (left > 0) {
		size_t length = utf8_length(s, left);

		if (length == 0) {
			*s = '?';
			length = 1;
		}
		s += length;
		left -= length;
	}
}
