/* SPDX-License-Identifier: Apache-2.0 */
/* Where the programs are attached: the root of the cgroup2 hierarchy,
 * or the cgroup that was configured. */
#include "kernel/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* kernfs gives the root of a hierarchy the id 1; the root of a cgroup namespace shows a higher one.
 */
#define CGROUP_ROOT_ID 1

bool cgroup_is_v2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* The id of a cgroup is the inode number of its directory. */
static int cgroup_open(const char *path, int *ret_fd, uint64_t *ret_id)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!cgroup_is_v2(fd))
		return -ENOTDIR;
	*ret_id = st.st_ino;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int cgroup_level(int fd)
{
	_cleanup_close_ int at = dup(fd);
	struct stat st;

	for (int level = 0; level < SHUNT_EXCLUDED_LEVELS; level++) {
		int above;

		if (at < 0 || !cgroup_is_v2(at) || fstat(at, &st) < 0)
			return -1;
		if (st.st_ino == CGROUP_ROOT_ID)
			return level;
		above = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = above;
	}
	return -1;
}

static int cgroup_configured(const char *configured, int *ret_fd, uint64_t *ret_id,
			     struct diag *problems)
{
	int r = cgroup_open(configured, ret_fd, ret_id);

	if (r == -ENOTDIR)
		diag_add(problems, configured,
			 "not a cgroup2 directory: set \"cgroup\" to one, "
			 "or leave it out to use the root found on the machine");
	else if (r < 0)
		diag_add(problems, configured,
			 "cannot open the configured cgroup: %s: set \"cgroup\" to a cgroup2 "
			 "directory, or leave it out to use the root found on the machine",
			 strerror(-r));
	return r == -ENOENT ? -ENOTDIR : r; /* either is a fault of the configuration */
}

/* The first cgroup2 mount whose root is the root of the hierarchy; else the first at all. */
static int cgroup_mounted(char **ret_path, int *ret_fd, uint64_t *ret_id)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t id = 0;
	struct mntent *entry;

	if (!mounts)
		return -errno;
	while ((entry = getmntent(mounts)) && id != CGROUP_ROOT_ID) {
		_cleanup_close_ int found = -1;
		uint64_t found_id;

		if (!streq(entry->mnt_type, "cgroup2") ||
		    cgroup_open(entry->mnt_dir, &found, &found_id) < 0)
			continue;
		if (path && found_id != CGROUP_ROOT_ID)
			continue;
		free(path);
		path = strdup(entry->mnt_dir);
		util_close_p(&fd);
		fd = TAKE_FD(found);
		id = found_id;
	}
	(void)endmntent(mounts);
	if (!path)
		return -ENOENT;
	*ret_path = TAKE_PTR(path);
	*ret_fd = TAKE_FD(fd);
	*ret_id = id;
	return 0;
}

static int cgroup_root(char **ret_path, int *ret_fd, uint64_t *ret_id, struct diag *problems)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t id = 0;
	int r = cgroup_mounted(&path, &fd, &id);

	if (r < 0) {
		diag_add(problems, "cgroup",
			 "no cgroup2 is mounted: mount one (mount -t cgroup2 none /sys/fs/cgroup), "
			 "or set "
			 "\"cgroup\" to where it is");
		return -ENOTDIR;
	}
	if (id != CGROUP_ROOT_ID) {
		diag_add(
			problems, path,
			"this cgroup2 root has id %llu, not %d: it is the root of a private cgroup "
			"namespace, and tasks outside it would not be redirected. Mount the host's "
			"/sys/fs/cgroup into the container and set \"cgroup\" to that path",
			(unsigned long long)id, CGROUP_ROOT_ID);
		return -ENOTDIR;
	}
	*ret_path = TAKE_PTR(path);
	*ret_fd = TAKE_FD(fd);
	*ret_id = id;
	return 0;
}

int cgroup_find(const char *configured, char **ret_path, int *ret_fd, uint64_t *ret_id,
		struct diag *problems)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (!configured)
		return cgroup_root(ret_path, ret_fd, ret_id, problems);
	path = strdup(configured);
	if (!path)
		return -ENOMEM;
	r = cgroup_configured(configured, ret_fd, ret_id, problems);
	if (r == 0)
		*ret_path = TAKE_PTR(path);
	return r;
}
