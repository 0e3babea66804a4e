/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cgroup_path.h"

#include <fnmatch.h>

#include "base/util.h"

#define WILDCARDS "*?["

/* A part of the path: up to the next slash, or to the end. */
static bool part_is_good(const char *part, size_t length, bool is_last)
{
	if (length == 0 || strncmp(part, ".", length) == 0 ||
	    (length == 2 && strncmp(part, "..", 2) == 0))
		return false;
	return is_last || strcspn(part, WILDCARDS) >= length;
}

bool cgroup_path_is_good(const char *path)
{
	const char *part = path[0] == '/' ? path + 1 : path;

	if (strlen(path) > CGROUP_PATH_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(part, "/");
		bool is_last = part[length] == '\0';

		if (!part_is_good(part, length, is_last))
			return false;
		if (is_last)
			return true;
		part += length + 1;
	}
}

const char *cgroup_path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool cgroup_path_is_pattern(const char *last)
{
	return strpbrk(last, WILDCARDS) != NULL;
}

bool cgroup_path_matches(const char *pattern, const char *name)
{
	return fnmatch(pattern, name, FNM_NOESCAPE) == 0;
}

const char *cgroup_path_below(const char *root, const char *path)
{
	size_t length = strlen(root);

	if (path[0] != '/')
		return path;
	while (length > 0 && root[length - 1] == '/')
		length--;
	if (strncmp(path, root, length) != 0 || path[length] != '/')
		return NULL;
	return path + length + 1;
}

size_t cgroup_path_parts(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == '/';
	return n;
}
