/* SPDX-License-Identifier: Apache-2.0 */
/* What other tasks may do to the netlink socket by which sockets are found and destroyed. */
#include <errno.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/util.h"
#include "kernel/sock_diag.h"

static int netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	assert_true(fd >= 0);
	return fd;
}

static bool wants_none(void *user, const struct inet_diag_msg *socket)
{
	(void)socket;
	++*(size_t *)user;
	return false;
}

static void destroyed_none(void *user, const struct inet_diag_msg *socket)
{
	(void)user;
	(void)socket;
	fail_msg("a socket was destroyed");
}

/* An answer that nobody asked for. */
static int forge(int fd, int victim)
{
	struct nlmsghdr message = { .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_NOOP };
	struct sockaddr_nl to = { 0 };
	socklen_t length = sizeof(to);

	assert_int_equal(getsockname(victim, (struct sockaddr *)&to, &length), 0);
	assert_int_not_equal(to.nl_pid, 0);
	return sendto(fd, &message, sizeof(message), 0, (struct sockaddr *)&to, sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static void nobody_but_the_kernel_answers(void **state)
{
	size_t asked = 0;
	const struct sock_diag_order order = { wants_none, destroyed_none, &asked };

	(void)state;
	for (int asks = 0; asks < 2; asks++) {
		_cleanup_close_ int victim = netlink(), task = netlink();

		assert_int_equal(asks ? sock_diag_is_able(victim)
				      : sock_diag_destroy(victim, &order),
				 0);
		assert_int_equal(forge(task, victim), -ECONNREFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_but_the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
