/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up keys by their names, also by those that they were probably meant to have. */
#include "core/config_keys.h"

#include <ctype.h>

#include "base/util.h"

const char *config_key_name(const struct config_key *key)
{
	const char *dot = strrchr(key->path, '.');

	return dot ? dot + 1 : key->path;
}

bool config_key_is_in(const struct config_key *key, const char *element)
{
	size_t length = strlen(element);

	return strncmp(key->path, element, length) == 0 && !strstr(key->path + length, "[].");
}

bool config_key_is_of(const struct config_key *key, const char *object)
{
	size_t length = strlen(object);
	const char *name = config_key_name(key);

	if (length == 0)
		return name == key->path;
	return strncmp(key->path, object, length) == 0 && key->path + length + 1 == name;
}

const struct config_key *config_keys_find(const char *object, const char *name)
{
	size_t n;
	const struct config_key *keys = config_keys(&n);

	for (size_t i = 0; i < n; i++) {
		if (streq(config_key_name(&keys[i]), name) && config_key_is_of(&keys[i], object))
			return &keys[i];
	}
	return NULL;
}

#define DISTANCE_TEXT_MAX 32

/* Levenshtein's distance of a, in either case, from b (of at most DISTANCE_TEXT_MAX octets). */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[DISTANCE_TEXT_MAX + 1];
	size_t n = strlen(b);

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned int replaced = diagonal +
						(tolower((unsigned char)a[i - 1]) != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}

const struct config_key *config_keys_nearest(const char *object, const char *name)
{
	const struct config_key *nearest = NULL;
	size_t length = strlen(name);
	unsigned int least = length < 6 ? 2 : 3; /* what is no nearer is another word */
	size_t n;
	const struct config_key *keys = config_keys(&n);

	if (length < 3 || length > DISTANCE_TEXT_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned int d;

		if (!config_key_is_of(&keys[i], object))
			continue;
		d = distance(name, config_key_name(&keys[i]));
		if (d < least) {
			least = d;
			nearest = &keys[i];
		}
	}
	return nearest;
}
