/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of one network namespace by sock_diag(7): finding them, and destroying what was found. A
 * socket is destroyed by its cookie: should another have its addresses by then, that one lives.
 * The descriptor, of NETLINK_SOCK_DIAG in that namespace, is the caller's.
 */
#pragma once

#include <linux/inet_diag.h>
#include <stdbool.h>

#include "base/addr.h"

struct sock_diag_order {
	/* Is it to be destroyed? Asked of every TCP and UDP socket that is connected. */
	bool (*wanted)(void *user, const struct inet_diag_msg *socket);
	void (*destroyed)(void *user, const struct inet_diag_msg *socket);
	void *user;
};

/* 0, or the first error; what can be destroyed is, all the same. */
int sock_diag_destroy(int fd, const struct sock_diag_order *order);
/*
 * Can this kernel destroy sockets? 0, -EOPNOTSUPP (CONFIG_INET_DIAG_DESTROY), -ENOENT (tcp_diag, a
 * module), or another error.
 */
int sock_diag_is_able(int fd);

uint64_t sock_diag_cookie(const struct inet_diag_msg *socket);
struct addr_port sock_diag_peer(const struct inet_diag_msg *socket);
