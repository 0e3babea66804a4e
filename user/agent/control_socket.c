/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/util.h"

#define BACKLOG 16

static int make_directory(const char *path)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash;

	if (!directory)
		return -ENOMEM;
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	return util_make_directories(directory, CONTROL_DIRECTORY_MODE);
}

/* 0: there is nothing in the way any more. Never waits: a full backlog is somebody, too. */
static int remove_stale(const struct sockaddr_un *at)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (lstat(at->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(at->sun_path) < 0 ? -errno : 0;
}

int control_socket_open(const char *path, int *ret_fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int r;

	if (!util_copy(at.sun_path, sizeof(at.sun_path), path))
		return -ENAMETOOLONG;
	r = make_directory(path);
	if (r == 0)
		r = remove_stale(&at);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* the mode of the descriptor bounds that of the file, so it is never wider than this */
	if (fd < 0 || fchmod(fd, CONTROL_SOCKET_MODE) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	/* the umask may have taken the group's part away */
	if (chmod(path, CONTROL_SOCKET_MODE) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		(void)unlink(path);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
