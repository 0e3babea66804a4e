/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/util.h"

#define BUFFER_SIZE 32768 /* what the kernel sends at once at most: NLMSG_GOODSIZE is smaller */

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21
#endif

#define STATE(state) (1U << (state))
#define TCP_STATES                                                             \
	(STATE(TCP_ESTABLISHED) | STATE(TCP_SYN_SENT) | STATE(TCP_FIN_WAIT1) | \
	 STATE(TCP_FIN_WAIT2) | STATE(TCP_CLOSE_WAIT) | STATE(TCP_LAST_ACK) | STATE(TCP_CLOSING))

static const struct kind {
	uint8_t family, protocol;
	uint32_t states;
} kinds[] = {
	{ AF_INET, IPPROTO_TCP, TCP_STATES },
	{ AF_INET6, IPPROTO_TCP, TCP_STATES },
	{ AF_INET, IPPROTO_UDP, STATE(TCP_ESTABLISHED) },
	{ AF_INET6, IPPROTO_UDP, STATE(TCP_ESTABLISHED) },
};

struct found {
	struct inet_diag_msg *list; /* owned */
	size_t n, capacity;
};

static void found_done(struct found *f)
{
	free(f->list);
}

uint64_t sock_diag_cookie(const struct inet_diag_msg *socket)
{
	return socket->id.idiag_cookie[0] | (uint64_t)socket->id.idiag_cookie[1] << 32;
}

struct addr_port sock_diag_peer(const struct inet_diag_msg *socket)
{
	const void *octets = socket->id.idiag_dst;

	return (struct addr_port){
		.addr = socket->idiag_family == AF_INET ? addr_from_ipv4(octets)
							: addr_from_ipv6(octets),
		.port = ntohs(socket->id.idiag_dport),
	};
}

/* --- netlink ---------------------------------------------------------------------------------- */

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/*
 * Nobody but the kernel answers. In its own network namespace a task with CAP_NET_ADMIN may send to
 * any netlink socket; to one that is connected to the kernel it may not.
 */
static int hear_kernel_only(int fd)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ? -errno : 0;
}

static int request_send(int fd, uint16_t type, uint16_t flags, const struct inet_diag_req_v2 *body)
{
	const struct request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | flags },
		.body = *body,
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* The errno in a message that ends an answer (an acknowledgement has 0); 1: it does not end it. */
static int message_end(const struct nlmsghdr *header)
{
	if (header->nlmsg_type == NLMSG_DONE)
		return 0;
	if (header->nlmsg_type != NLMSG_ERROR)
		return 1;
	return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

static int take_socket(const struct nlmsghdr *header, const struct sock_diag_order *order,
		       struct found *found)
{
	const struct inet_diag_msg *socket = NLMSG_DATA(header);

	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*socket)) ||
	    !order->wanted(order->user, socket))
		return 1;
	if (util_grow(&found->list, &found->capacity, found->n + 1, sizeof(*socket)) < 0)
		return -ENOMEM;
	found->list[found->n++] = *socket;
	return 1;
}

/* Reads an answer to its end; sockets in it go to *found, which may be NULL. */
static int answer_read(int fd, const struct sock_diag_order *order, struct found *found)
{
	_cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
	int r = 1;

	if (!buffer)
		return -ENOMEM;
	while (r == 1) {
		ssize_t got = recv(fd, buffer, BUFFER_SIZE, 0);
		const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		/* signed: NLMSG_NEXT takes the padding off as well, there or not */
		for (ssize_t left = got; r == 1 && NLMSG_OK(header, left);
		     header = NLMSG_NEXT(header, left)) {
			r = message_end(header);
			if (r == 1 && found)
				r = take_socket(header, order, found);
		}
	}
	return r;
}

/* --- orders ----------------------------------------------------------------------------------- */

static int find(int fd, const struct kind *kind, const struct sock_diag_order *order,
		struct found *found)
{
	const struct inet_diag_req_v2 body = {
		.sdiag_family = kind->family,
		.sdiag_protocol = kind->protocol,
		.idiag_states = kind->states,
	};
	int r = request_send(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body);

	return r < 0 ? r : answer_read(fd, order, found);
}

static int destroy(int fd, const struct kind *kind, const struct inet_diag_msg *socket)
{
	const struct inet_diag_req_v2 body = {
		.sdiag_family = kind->family,
		.sdiag_protocol = kind->protocol,
		.idiag_states = kind->states,
		.id = socket->id,
	};
	int r = request_send(fd, SOCK_DESTROY, NLM_F_ACK, &body);

	return r < 0 ? r : answer_read(fd, NULL, NULL);
}

static int destroy_kind(int fd, const struct kind *kind, const struct sock_diag_order *order)
{
	_cleanup_(found_done) struct found found = { 0 };
	int r = find(fd, kind, order, &found);

	for (size_t i = 0; i < found.n; i++) {
		int error = destroy(fd, kind, &found.list[i]);

		if (error == 0)
			order->destroyed(order->user, &found.list[i]);
		else if (error != -ENOENT && r == 0) /* that one has ended by itself */
			r = error;
	}
	return r;
}

int sock_diag_destroy(int fd, const struct sock_diag_order *order)
{
	int r = hear_kernel_only(fd);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int error = destroy_kind(fd, &kinds[i], order);

		if (r == 0)
			r = error;
	}
	return r;
}

int sock_diag_is_able(int fd)
{
	const struct kind none = { AF_INET, IPPROTO_TCP, .states = 0 };
	const struct inet_diag_msg nobody = { 0 };
	int r = hear_kernel_only(fd);

	if (r == 0)
		r = find(fd, &none, NULL, NULL); /* -ENOENT: it has no such thing at all */
	if (r < 0)
		return r;
	r = destroy(fd, &none, &nobody);
	return r == -ENOENT ? 0 : r;
}
