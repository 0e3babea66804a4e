/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dns_channel.h"

#include <errno.h>

#include "io/own_socket.h"

/* One socket of c-ares. It outlives the channel until the loop has closed it. */
struct channel_poll {
	uv_poll_t handle;
	int fd;
	struct dns_channel *channel;
	struct channel_poll *next;
};

struct dns_channel {
	uv_loop_t *loop;
	ares_channel ares;
	struct channel_poll *polls;
	dns_channel_moved_fn moved;
	void *user;
};

static int errno_of(int status)
{
	return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void poll_remove(struct channel_poll **at)
{
	struct channel_poll *p = *at;

	*at = p->next;
	uv_poll_stop(&p->handle);
	uv_close((uv_handle_t *)&p->handle, on_poll_closed);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct channel_poll *p = handle->data;
	struct dns_channel *c = p->channel;
	bool failed = status < 0; /* let c-ares read and see the error itself */

	ares_process_fd(c->ares, failed || events & UV_READABLE ? p->fd : ARES_SOCKET_BAD,
			failed || events & UV_WRITABLE ? p->fd : ARES_SOCKET_BAD);
	c->moved(c->user);
}

static struct channel_poll *poll_add(struct dns_channel *c, int fd)
{
	_cleanup_free_ struct channel_poll *p = calloc(1, sizeof(*p));

	if (!p || uv_poll_init(c->loop, &p->handle, fd) < 0)
		return NULL;
	p->handle.data = p;
	p->fd = fd;
	p->channel = c;
	p->next = c->polls;
	c->polls = p;
	return TAKE_PTR(p);
}

/* c-ares tells what it wants of a socket; neither to read nor to write: it is about to be closed.
 */
static void on_socket_state(void *user, ares_socket_t fd, int readable, int writable)
{
	struct dns_channel *c = user;
	struct channel_poll **at = &c->polls;
	struct channel_poll *p;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	if (!readable && !writable) {
		if (*at)
			poll_remove(at);
		return;
	}
	p = *at ? *at : poll_add(c, fd);
	if (p) /* else the question runs into its timeout */
		uv_poll_start(&p->handle,
			      (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

static int channel_set_server(struct dns_channel *c, const struct addr_port *server)
{
	char text[ADDR_PORT_TEXT_MAX];
	int status = ares_set_servers_ports_csv(c->ares, addr_port_format(server, text));

	return status == ARES_SUCCESS ? 0 : errno_of(status);
}

/* c-ares calls it before it connects the socket. */
static int on_configure(ares_socket_t fd, int type, void *user)
{
	(void)type;
	(void)user;
	own_socket_set(fd);
	return 0;
}

int dns_channel_new(uv_loop_t *loop, const struct addr_port *server, dns_channel_moved_fn moved,
		    void *user, struct dns_channel **ret)
{
	_cleanup_(dns_channel_free_p) struct dns_channel *c = calloc(1, sizeof(*c));
	struct ares_options options = {
		/* NOCHECKRESP: SERVFAIL and its like are answers to show, not to swallow */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
		.timeout = DNS_CHANNEL_TRY_MS,
		.tries = 1,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = c,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	int status, r;

	if (!c)
		return -ENOMEM;
	*c = (struct dns_channel){ .loop = loop, .moved = moved, .user = user };
	status = ares_init_options(&c->ares, &options, mask);
	if (status != ARES_SUCCESS)
		return errno_of(status);
	ares_set_socket_configure_callback(c->ares, on_configure, NULL);
	r = channel_set_server(c, server);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

void dns_channel_free(struct dns_channel *c)
{
	if (!c)
		return;
	if (c->ares)
		ares_destroy(c->ares);
	while (c->polls)
		poll_remove(&c->polls);
	free(c);
}

void dns_channel_ask(struct dns_channel *c, const char *name, int type, ares_callback done,
		     void *user)
{
	ares_query(c->ares, name, 1 /* IN */, type, done, user);
}

int64_t dns_channel_timeout_ms(struct dns_channel *c)
{
	struct timeval value;

	if (!ares_timeout(c->ares, NULL, &value))
		return -1;
	/* rounded up: a moment early is a turn of the loop for nothing */
	return (int64_t)value.tv_sec * 1000 + (value.tv_usec + 999) / 1000;
}

void dns_channel_expire(struct dns_channel *c)
{
	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

const char *dns_channel_failure(int status)
{
	static const struct {
		int status;
		const char *failure;
	} rows[] = {
		{ ARES_ETIMEOUT, "timeout" },	  { ARES_ECONNREFUSED, "unreachable" },
		{ ARES_EBADNAME, "bad_name" },	  { ARES_ENOTFOUND, "bad_name" },
		{ ARES_ENOMEM, "out_of_memory" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].status == status)
			return rows[i].failure;
	return "failed";
}
