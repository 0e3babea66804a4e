/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of tasks that are left alone. */
#include <errno.h>

#include "agent/exclude.h"
#include "agent/status.h"

static const char *describe(int error)
{
	switch (error) {
	case 0:
		return NULL;
	case -EXDEV:
		return "not below the cgroup that is attached to";
	case -E2BIG:
		return "more cgroups than can be, or too deep; those before stay excluded";
	default:
		return strerror(-error);
	}
}

static cJSON *path_build(const struct agent *agent, const char *text)
{
	const struct exclude_path *path = exclude_find(agent, text);
	cJSON *to = cJSON_CreateObject();

	status_add_text(to, "path", text);
	(void)cJSON_AddNumberToObject(to, "cgroups", path ? (double)path->found.n : 0);
	status_add_text(to, "error", path ? describe(path->error) : NULL);
	return to;
}

void status_add_excluded(const struct agent *agent, const struct config_cgroups *cgroups, cJSON *to)
{
	cJSON *paths = cJSON_AddArrayToObject(to, "exclude_cgroups");

	for (size_t i = 0; i < cgroups->n; i++)
		(void)cJSON_AddItemToArray(paths, path_build(agent, cgroups->paths[i]));
}
