/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups that a path or a pattern of the configuration names at the moment. */
#include "kernel/exclude.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/cgroup_path.h"
#include "kernel/internal.h"

struct search {
	const struct dataplane *d;
	struct cgroup_matches found; /* owned */
};

void cgroup_matches_done(struct cgroup_matches *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].path);
	free(m->list);
	*m = (struct cgroup_matches){ 0 };
}

static void search_done(struct search *s)
{
	cgroup_matches_done(&s->found);
}

/* 0: it is not known; else below the root of all, or -E2BIG. */
static int level_of(const struct dataplane *d, const char *below)
{
	size_t parts = cgroup_path_parts(below);

	if (d->cgroup_level < 0)
		return 0;
	parts += (size_t)d->cgroup_level;
	return parts < SHUNT_EXCLUDED_LEVELS ? (int)parts : -E2BIG;
}

/* Takes the path over if it is that of a cgroup. */
static int take_match(struct search *s, char **path)
{
	struct cgroup_match match = { 0 };
	_cleanup_close_ int fd = openat(s->d->cgroup_fd, *path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int level;

	if (fd < 0) /* ENODEV: it went while we looked */
		return errno == ENOENT || errno == ENOTDIR || errno == ENODEV ? 0 : -errno;
	if (!cgroup_is_v2(fd) || fstat(fd, &st) < 0)
		return 0;
	level = level_of(s->d, *path);
	if (level < 0 || s->found.n == CGROUP_MATCHES_MAX)
		return -E2BIG;
	if (util_grow(&s->found.list, &s->found.capacity, s->found.n + 1, sizeof(match)) < 0)
		return -ENOMEM;
	match = (struct cgroup_match){ st.st_ino, (uint32_t)level, TAKE_PTR(*path) };
	s->found.list[s->found.n++] = match;
	return 0;
}

static int add_match(struct search *s, const char *directory, size_t length, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%.*s%s", (int)length, directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return take_match(s, &path);
}

/* Those of a directory, whose path (with its slash, or empty) is the first `length` of `path`. */
static int match_entries(struct search *s, const char *path, size_t length, const char *pattern)
{
	_cleanup_free_ char *directory = length ? strndup(path, length) : strdup(".");
	struct dirent *entry;
	DIR *entries;
	int fd, r = 0;

	if (!directory)
		return -ENOMEM;
	fd = openat(s->d->cgroup_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENODEV ? 0 : -errno;
	entries = fdopendir(fd);
	if (!entries) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(entries))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    cgroup_path_matches(pattern, entry->d_name))
			r = add_match(s, path, length, entry->d_name);
	}
	(void)closedir(entries);
	return r;
}

int dataplane_find_cgroups(const struct dataplane *d, const char *path, struct cgroup_matches *ret)
{
	_cleanup_(search_done) struct search s = { .d = d };
	const char *below = cgroup_path_below(d->cgroup, path);
	const char *last;
	int r;

	if (!below)
		return -EXDEV;
	last = cgroup_path_last(below);
	if (cgroup_path_is_pattern(last))
		r = match_entries(&s, below, (size_t)(last - below), last);
	else
		r = add_match(&s, below, 0, below);
	if (r < 0)
		return r;
	*ret = s.found;
	s.found = (struct cgroup_matches){ 0 };
	return 0;
}
