/* SPDX-License-Identifier: Apache-2.0 */
#include "base/replacement.h"

#include <errno.h>
#include <fcntl.h>

void replacement_done(struct replacement *r)
{
	if (r->temporary) {
		if (r->fd >= 0)
			close(r->fd);
		(void)unlink(r->temporary);
	}
	free(r->temporary);
	free(r->path);
	*r = (struct replacement){ 0 };
}

int replacement_open(const char *path, unsigned mode, struct replacement *ret)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_free_ char *temporary = NULL;
	int fd;

	if (!copy || asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	*ret = (struct replacement){ fd, TAKE_PTR(copy), TAKE_PTR(temporary) };
	return 0;
}

int replacement_write(struct replacement *r, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(r->fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* So that the rename itself is on the disk; EINVAL is a file system that does not know of this. */
static int sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = slash ? strndup(path, (size_t)(slash - path) + 1)
					       : strdup(".");
	_cleanup_close_ int fd = -1;

	if (!directory)
		return -ENOMEM;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int replacement_commit(struct replacement *r)
{
	int e;

	if (fsync(r->fd) < 0 || rename(r->temporary, r->path) < 0)
		return -errno;
	e = sync_directory_of(r->path);
	close(r->fd);
	free(TAKE_PTR(r->temporary));
	replacement_done(r);
	return e;
}

int replacement_file(const char *path, const char *text, size_t length, unsigned mode)
{
	_cleanup_(replacement_done) struct replacement r = { 0 };
	int e = replacement_open(path, mode, &r);

	if (e == 0)
		e = replacement_write(&r, text, length);
	return e < 0 ? e : replacement_commit(&r);
}
