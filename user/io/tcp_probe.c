/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tcp_probe.h"

#include <errno.h>

#include "base/util.h"
#include "io/own_socket.h"

struct tcp_probe {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	unsigned int open_handles;
	tcp_probe_fn done; /* NULL: it has been called, or shall not be */
	void *user;
};

static void on_closed(uv_handle_t *handle)
{
	struct tcp_probe *p = handle->data;

	if (--p->open_handles == 0)
		free(p);
}

void tcp_probe_stop(struct tcp_probe *p)
{
	p->done = NULL;
	uv_close((uv_handle_t *)&p->tcp, on_closed);
	uv_close((uv_handle_t *)&p->timer, on_closed);
}

static void end(struct tcp_probe *p, int error)
{
	tcp_probe_fn done = p->done;

	tcp_probe_stop(p);
	done(p->user, error);
}

/* Closing an unfinished connection calls this, too. */
static void on_connect(uv_connect_t *connect, int status)
{
	struct tcp_probe *p = connect->data;

	if (p->done)
		end(p, -status);
}

static void on_timer(uv_timer_t *timer)
{
	end(timer->data, ETIMEDOUT);
}

static int open_socket(struct tcp_probe *p, int family)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	own_socket_set(fd);
	r = uv_tcp_open(&p->tcp, fd);
	if (r == 0)
		(void)TAKE_FD(fd);
	return r;
}

int tcp_probe_start(uv_loop_t *loop, const struct addr_port *to, uint32_t timeout_ms,
		    tcp_probe_fn done, void *user, struct tcp_probe **ret)
{
	struct tcp_probe *p = calloc(1, sizeof(*p));
	struct sockaddr_storage address;
	int r;

	if (!p)
		return -ENOMEM;
	/* neither can fail: they only fill in the handle */
	(void)uv_tcp_init(loop, &p->tcp);
	(void)uv_timer_init(loop, &p->timer);
	p->tcp.data = p->timer.data = p->connect.data = p;
	p->open_handles = 2;
	(void)addr_port_sockaddr(to, &address);
	r = open_socket(p, address.ss_family);
	if (r == 0)
		r = uv_tcp_connect(&p->connect, &p->tcp, (const struct sockaddr *)&address,
				   on_connect);
	if (r < 0) {
		tcp_probe_stop(p);
		return r;
	}
	p->done = done;
	p->user = user;
	(void)uv_timer_start(&p->timer, on_timer, timeout_ms, 0);
	*ret = p;
	return 0;
}
