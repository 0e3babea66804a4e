/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths by which a configuration names cgroups: relative to the cgroup that is attached to, or
 * absolute and below it. The last part may be a pattern of fnmatch(3), for the cgroups that come
 * and go under names of their own, such as ecstasks.slice/ecstasks-*.slice. Owns nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_PATH_MAX 4095

bool cgroup_path_is_good(const char *path);

/* The last part of a good path. */
const char *cgroup_path_last(const char *path);

/* Whether it is a pattern. Backslashes are not: systemd has them in names. */
bool cgroup_path_is_pattern(const char *last);
bool cgroup_path_matches(const char *pattern, const char *name);

/*
 * What is below `root` of a good path: the path itself if it is relative, or the rest of one that
 * begins with `root`. NULL: it leads elsewhere, or to `root` itself.
 */
const char *cgroup_path_below(const char *root, const char *path);

/* Its depth: the number of its parts. */
size_t cgroup_path_parts(const char *path);
