/* SPDX-License-Identifier: Apache-2.0 */
#include "io/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/util.h"

int notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	socklen_t length;

	if (!path || !*path)
		return 0;
	if ((path[0] != '/' && path[0] != '@') ||
	    !util_copy(to.sun_path, sizeof(to.sun_path), path))
		return -EINVAL;
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') /* an abstract socket: its name begins with NUL */
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, length) < 0)
		return -errno;
	return 0;
}
