/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/wire.h"

#include <errno.h>
#include <sys/socket.h>

union control {
	char room[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)];
	struct cmsghdr align;
};

int wire_send(int channel, const void *message, size_t size, const int *fds, size_t n)
{
	struct iovec part = { (void *)message, size };
	union control control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (n > HELPER_FDS_MAX)
		return -E2BIG;
	if (n > 0) {
		struct cmsghdr *rights;

		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * n);
	}
	do
		sent = sendmsg(channel, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static size_t take_fds(struct msghdr *header, int *fds)
{
	const struct cmsghdr *rights = CMSG_FIRSTHDR(header);
	size_t n;

	if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(rights), n * sizeof(int));
	return n;
}

int wire_receive(int channel, void *message, size_t size, int fds[static HELPER_FDS_MAX],
		 size_t *ret_n)
{
	struct iovec part = { message, size };
	union control control;
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t got;
	size_t n;

	do
		got = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	n = take_fds(&header, fds);
	if ((size_t)got == size && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		*ret_n = n;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	return got == 0 ? -EPIPE : -EPROTO;
}
