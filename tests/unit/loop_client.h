/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of servers on a libuv loop: clients on the same loop, which keep what they are sent,
 * and waits that end in a failure.
 */
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/util.h"

#define LOOP_DEADLINE_MS 10000

struct loop_client {
	int fd;
	uv_poll_t poll;
	char *text; /* received so far */
	size_t length, capacity;
	bool ended; /* the peer closed or reset the connection */
};

static void loop_client_read(uv_poll_t *poll, int status, int events)
{
	struct loop_client *c = poll->data;
	ssize_t n;

	(void)status; /* after a reset there is no second call: so everything is read now */
	(void)events;
	do {
		assert_int_equal(util_grow(&c->text, &c->capacity, c->length + 65536, 1), 0);
		n = recv(c->fd, c->text + c->length, 65535, MSG_DONTWAIT);
		if (n > 0)
			c->length += (size_t)n;
		c->text[c->length] = '\0';
	} while (n > 0);
	if (n == 0 || errno != EAGAIN) {
		c->ended = true;
		uv_poll_stop(poll);
	}
}

static void loop_client_open(struct loop_client *c, uv_loop_t *loop, const void *address,
			     socklen_t length)
{
	const struct sockaddr *to = address;

	*c = (struct loop_client){ .fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, to, length), 0);
	assert_int_equal(uv_poll_init(loop, &c->poll, c->fd), 0);
	c->poll.data = c;
	assert_int_equal(uv_poll_start(&c->poll, UV_READABLE, loop_client_read), 0);
}

static void loop_client_send(struct loop_client *c, const char *bytes, size_t length)
{
	assert_int_equal(send(c->fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static void loop_client_close(struct loop_client *c, uv_loop_t *loop)
{
	uv_close((uv_handle_t *)&c->poll, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	close(c->fd);
	free(c->text);
}

static void loop_wake(uv_timer_t *timer)
{
	(void)timer;
}

/* Runs the loop until *flag; fails after the deadline. */
static void loop_wait(uv_loop_t *loop, const bool *flag)
{
	uint64_t end_ms;
	uv_timer_t timer;

	uv_update_time(loop);
	end_ms = uv_now(loop) + LOOP_DEADLINE_MS;
	assert_int_equal(uv_timer_init(loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, loop_wake, LOOP_DEADLINE_MS, 0), 0);
	while (!*flag && uv_now(loop) < end_ms)
		(void)uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	assert_true(*flag);
}
