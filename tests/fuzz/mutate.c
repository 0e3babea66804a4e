/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/mutate.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* One value of a tree, and where it hangs. */
struct place {
	cJSON *parent; /* NULL: the root, which stays what it is */
	cJSON *value;
};

static size_t count(const cJSON *tree)
{
	size_t n = 0;
	const cJSON *child;

	cJSON_ArrayForEach(child, tree) n += 1 + count(child);
	return n;
}

/* Counts *left down to the value that is meant. */
static struct place find(cJSON *tree, size_t *left)
{
	cJSON *child;

	cJSON_ArrayForEach(child, tree)
	{
		struct place found;

		if ((*left)-- == 0)
			return (struct place){ tree, child };
		found = find(child, left);
		if (found.value)
			return found;
	}
	return (struct place){ 0 };
}

static struct place pick(cJSON *tree, unsigned int *seed)
{
	size_t n = count(tree);
	size_t left = n ? (size_t)rand_r(seed) % n : 0;

	return n ? find(tree, &left) : (struct place){ 0 };
}

static cJSON *value_of_any_kind(unsigned int *seed)
{
	static const double numbers[] = { 0, 1, -1, 0.5, 65535, 65536, 1e9, 1e300 };
	static const char *const texts[] = { "",	"1",	       "x", "10.0.0.1",
					     "fd00::1", "10.0.0.1:80", "1s" };

	switch (rand_r(seed) % 6) {
	case 0:
		return cJSON_CreateNumber(numbers[(size_t)rand_r(seed) % ARRAY_SIZE(numbers)]);
	case 1:
		return cJSON_CreateString(texts[(size_t)rand_r(seed) % ARRAY_SIZE(texts)]);
	case 2:
		return cJSON_CreateArray();
	case 3:
		return cJSON_CreateObject();
	case 4:
		return cJSON_CreateBool(rand_r(seed) % 2);
	default:
		return cJSON_CreateNull();
	}
}

static void hang(cJSON *at, const char *name, cJSON *value)
{
	if (cJSON_IsObject(at))
		(void)cJSON_AddItemToObject(at, name ? name : "", value);
	else
		(void)cJSON_AddItemToArray(at, value);
}

static void replace(const struct place *p, cJSON *value)
{
	char *name = p->value->string ? strdup(p->value->string) : NULL;

	cJSON_Delete(cJSON_DetachItemViaPointer(p->parent, p->value));
	hang(p->parent, name, value);
	free(name);
}

/* An array becomes an object and the other way round, with all that is in it. */
static void turn(const struct place *p)
{
	cJSON *turned = cJSON_IsObject(p->value) ? cJSON_CreateArray() : cJSON_CreateObject();
	const cJSON *child;

	cJSON_ArrayForEach(child, p->value) hang(turned, "name", cJSON_Duplicate(child, true));
	replace(p, turned);
}

static void change(cJSON *tree, unsigned int *seed)
{
	struct place p = pick(tree, seed), other = pick(tree, seed);

	if (!p.value)
		return;
	switch (rand_r(seed) % 6) {
	case 0:
		replace(&p, value_of_any_kind(seed));
		break;
	case 1:
		cJSON_Delete(cJSON_DetachItemViaPointer(p.parent, p.value));
		break;
	case 2: /* there twice, perhaps elsewhere */
		hang(other.parent, p.value->string, cJSON_Duplicate(p.value, true));
		break;
	case 3:
		if (cJSON_IsArray(p.value) || cJSON_IsObject(p.value))
			hang(p.value, other.value->string, value_of_any_kind(seed));
		break;
	case 4:
		replace(&p, cJSON_Duplicate(other.value, true));
		break;
	default:
		if (cJSON_IsArray(p.value) || cJSON_IsObject(p.value))
			turn(&p);
		break;
	}
}

size_t mutate_json(char *text, size_t length, size_t most, unsigned int seed)
{
	cJSON *tree = cJSON_ParseWithLength(text, length);
	char *changed;
	size_t n;

	if (!tree)
		return 0;
	for (unsigned int changes = 1 + seed % 4; changes > 0; changes--)
		change(tree, &seed);
	changed = cJSON_PrintUnformatted(tree);
	cJSON_Delete(tree);
	n = changed ? strlen(changed) : 0;
	if (n > most)
		n = 0;
	if (n)
		memcpy(text, changed, n);
	free(changed);
	return n;
}
