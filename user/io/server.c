/* SPDX-License-Identifier: Apache-2.0 */
#include "io/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>

#define BACKLOG 64

struct server {
	struct MHD_Daemon *daemon;
	server_handler_fn handler;
	void *user;
	uint16_t port;
	uv_poll_t poll;	  /* on libmicrohttpd's epoll descriptor */
	uv_timer_t timer; /* for its idle connections */
	unsigned int open_handles;
};

static enum MHD_Result answer(struct MHD_Connection *connection, struct server_reply *reply)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(reply->length, reply->body,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(reply->body);
		return MHD_NO;
	}
	reply->body = NULL;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned int status,
				    const char *text)
{
	struct server_reply reply = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.body = strdup(text),
		.length = strlen(text),
	};

	return reply.body ? answer(connection, &reply) : MHD_NO;
}

/*
 * libmicrohttpd calls this first with the headers, then for each piece of a body, then at the end.
 * A GET has no body here: one that sends it is cut off rather than read for ever.
 */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *body,
				  size_t *body_length, void **state)
{
	struct server *s = user;
	struct server_reply reply = { 0 };

	(void)version;
	(void)body;
	if (!streq(method, MHD_HTTP_METHOD_GET) && !streq(method, MHD_HTTP_METHOD_HEAD))
		return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD only\n");
	if (!*state) {
		*state = s;
		return MHD_YES;
	}
	if (*body_length)
		return MHD_NO;
	s->handler(s->user, path, &reply);
	if (reply.status == 0)
		return answer_error(connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
	return answer(connection, &reply);
}

static void on_timer(uv_timer_t *timer);

static unsigned int connections(struct server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon,
							       MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

static void server_run(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	unsigned int before;

	/*
	 * At its limit libmicrohttpd stops listening, and starts again only at the beginning of a
	 * run: without one more after connections have ended, nobody would ever get in again.
	 */
	do {
		before = connections(s);
		(void)MHD_run(s->daemon);
	} while (connections(s) < before);
	if (MHD_get_timeout(s->daemon, &timeout_ms) == MHD_YES)
		(void)uv_timer_start(&s->timer, on_timer, timeout_ms, 0);
	else
		(void)uv_timer_stop(&s->timer);
}

static void on_timer(uv_timer_t *timer)
{
	server_run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	server_run(poll->data);
}

/* Library floors do not log: what a peer did wrong is its own matter. */
static void log_nothing(void *user, const char *format, va_list arguments)
{
	(void)user;
	(void)format;
	(void)arguments;
}

/* Bound here rather than by libmicrohttpd, which does not tell why it could not. */
static int open_socket(const struct addr_port *at, int *ret_fd, uint16_t *ret_port)
{
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(at, &address);
	_cleanup_close_ int fd = -1;
	const int on = 1;

	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* a port in TIME_WAIT after a restart is no reason not to start */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	length = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	*ret_port = ntohs(address.ss_family == AF_INET
				  ? ((struct sockaddr_in *)&address)->sin_port
				  : ((struct sockaddr_in6 *)&address)->sin6_port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int start_daemon(struct server *s, const struct addr_port *at)
{
	_cleanup_close_ int fd = -1;
	int r = open_socket(at, &fd, &s->port);

	if (r < 0)
		return r;
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
				     MHD_OPTION_EXTERNAL_LOGGER, log_nothing, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned int)SERVER_CONNECTIONS_MAX,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SERVER_IDLE_S,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY_MAX,
				     MHD_OPTION_END);
	if (!s->daemon)
		return -ENOMEM;
	(void)TAKE_FD(fd); /* closed by MHD_stop_daemon */
	return 0;
}

static int watch_daemon(struct server *s, uv_loop_t *loop)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -ENOTSUP;
	r = uv_timer_init(loop, &s->timer);
	if (r < 0)
		return r;
	s->timer.data = s;
	s->open_handles++;
	r = uv_poll_init(loop, &s->poll, info->epoll_fd);
	if (r < 0)
		return r;
	s->poll.data = s;
	s->open_handles++;
	return uv_poll_start(&s->poll, UV_READABLE, on_poll);
}

int server_new(uv_loop_t *loop, const struct addr_port *listen_at, server_handler_fn handler,
	       void *user, struct server **ret)
{
	_cleanup_(server_free_p) struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->handler = handler;
	s->user = user;
	r = start_daemon(s, listen_at);
	if (r == 0)
		r = watch_daemon(s, loop);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

static void on_close(uv_handle_t *handle)
{
	struct server *s = handle->data;

	if (--s->open_handles == 0)
		free(s);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	if (s->open_handles == 2)
		uv_close((uv_handle_t *)&s->poll, on_close);
	if (s->daemon)
		MHD_stop_daemon(s->daemon); /* after the poll, whose descriptor it closes */
	if (s->open_handles >= 1)
		uv_close((uv_handle_t *)&s->timer, on_close);
	else
		free(s);
}

uint16_t server_port(const struct server *s)
{
	return s->port;
}
