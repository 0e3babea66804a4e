/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/suggest.h"

/* Two letters swapped are two edits, so that much is near in a short word. */
#define NEAR_MIN 2
#define NEAR_SHARE 4 /* one edit in four letters, beyond that */

/* Levenshtein's: how many letters to insert, drop or change. One row of his table is enough. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[SUGGEST_WORD_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; *a; i++, a++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t changed = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}

void suggest_consider(struct suggestion *s, const char *typed, const char *known)
{
	size_t near = MAX(strlen(typed) / NEAR_SHARE, NEAR_MIN);
	size_t distance;

	if (strlen(typed) >= SUGGEST_WORD_MAX || strlen(known) >= SUGGEST_WORD_MAX)
		return;
	distance = edit_distance(typed, known);
	if (distance > near || distance >= strlen(typed))
		return;
	if (!s->word || distance < s->distance)
		*s = (struct suggestion){ .word = known, .distance = distance };
}
