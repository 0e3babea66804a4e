/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: an HTTP server at 127.0.0.1 on the test's own loop. It answers with the scripted
 * bytes, the last of them for ever, and remembers what it was asked. Also: a loop that is run until
 * something is so, or fails.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <uv.h>

#include "base/util.h"

#define PEER_DEADLINE_MS 10000
#define PEER_ANSWERS_MAX 16

enum peer_end {
	PEER_KEEP,  /* the connection stays open */
	PEER_CLOSE, /* FIN after the answer */
	PEER_RESET, /* RST after the answer */
	PEER_FLOOD, /* the answer again and again */
};

struct peer_answer {
	const char *bytes; /* NULL: none at all */
	enum peer_end end;
};

struct peer {
	uv_tcp_t listener;
	unsigned int port;
	const struct peer_answer *answers;
	size_t n_answers;
	uint64_t delay_ms; /* before each answer */
	unsigned int connections;
	unsigned int requests;
	uint64_t asked_ms[256]; /* uv_now of each request */
	char last[32768];	/* the last request, head and body */
	struct peer_connection *first;
};

struct peer_connection {
	uv_tcp_t tcp;
	uv_timer_t delay;
	uv_write_t write;
	struct peer *peer;
	const struct peer_answer *answer;
	char text[32768];
	size_t length;
	struct peer_connection *next;
	bool closing;
};

static inline void peer_on_closed(uv_handle_t *handle)
{
	((struct peer_connection *)handle->data)->closing = true;
}

static inline void peer_on_tcp_closed(uv_handle_t *handle)
{
	struct peer_connection *c = handle->data;

	uv_close((uv_handle_t *)&c->delay, peer_on_closed);
}

static inline void peer_close(struct peer_connection *c, bool reset)
{
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	if (reset)
		(void)uv_tcp_close_reset(&c->tcp, peer_on_tcp_closed);
	else
		uv_close((uv_handle_t *)&c->tcp, peer_on_tcp_closed);
}

static inline void peer_answer(struct peer_connection *c);

static inline void peer_on_written(uv_write_t *write, int status)
{
	struct peer_connection *c = write->data;

	if (status < 0 || c->answer->end == PEER_CLOSE)
		peer_close(c, false);
	else if (c->answer->end == PEER_RESET)
		peer_close(c, true);
	else if (c->answer->end == PEER_FLOOD)
		peer_answer(c);
}

static inline void peer_answer(struct peer_connection *c)
{
	uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)c->answer->bytes, 0);

	c->write.data = c;
	if (!bytes.base) {
		if (c->answer->end != PEER_KEEP)
			peer_close(c, c->answer->end == PEER_RESET);
		return;
	}
	bytes.len = strlen(bytes.base);
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &bytes, 1, peer_on_written) < 0)
		peer_close(c, true);
}

static inline void peer_on_delay(uv_timer_t *delay)
{
	struct peer_connection *c = delay->data;

	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		peer_answer(c);
}

static inline bool peer_is_whole(const struct peer_connection *c)
{
	const char *end = strstr(c->text, "\r\n\r\n");
	const char *length = strcasestr(c->text, "\r\nContent-Length: ");
	size_t body = length && length < end ? strtoul(length + 18, NULL, 10) : 0;

	return end && c->length >= (size_t)(end - c->text) + 4 + body;
}

static inline void peer_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct peer_connection *c = stream->data;
	struct peer *p = c->peer;

	(void)buffer;
	if (n < 0) {
		peer_close(c, false);
		return;
	}
	c->length += (size_t)n;
	c->text[c->length] = '\0';
	if (!peer_is_whole(c))
		return;
	memcpy(p->last, c->text, c->length + 1);
	c->length = 0;
	c->answer = &p->answers[MIN(p->requests, p->n_answers - 1)];
	if (p->requests < ARRAY_SIZE(p->asked_ms))
		p->asked_ms[p->requests] = uv_now(stream->loop);
	p->requests++;
	if (p->delay_ms)
		(void)uv_timer_start(&c->delay, peer_on_delay, p->delay_ms, 0);
	else
		peer_answer(c);
}

static inline void peer_on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct peer_connection *c = handle->data;

	(void)wanted;
	*ret = uv_buf_init(c->text + c->length, (unsigned int)(sizeof(c->text) - c->length - 1));
}

static inline void peer_on_connection(uv_stream_t *listener, int status)
{
	struct peer *p = listener->data;
	struct peer_connection *c = test_calloc(1, sizeof(*c));

	assert_int_equal(status, 0);
	c->peer = p;
	c->tcp.data = c;
	c->delay.data = c;
	assert_int_equal(uv_timer_init(listener->loop, &c->delay), 0);
	c->next = p->first;
	p->first = c;
	p->connections++;
	assert_int_equal(uv_tcp_init(listener->loop, &c->tcp), 0);
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
	assert_int_equal(uv_read_start((uv_stream_t *)&c->tcp, peer_on_allocate, peer_on_read), 0);
}

/* `answers` must outlive the peer; they may be replaced while it runs. */
static inline void peer_open(struct peer *p, uv_loop_t *loop, const struct peer_answer *answers,
			     size_t n)
{
	struct sockaddr_in at;
	int length = sizeof(at);

	(void)signal(SIGPIPE, SIG_IGN);
	memset(p, 0, sizeof(*p));
	p->answers = answers;
	p->n_answers = n;
	assert_int_equal(uv_tcp_init(loop, &p->listener), 0);
	p->listener.data = p;
	assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &at), 0);
	assert_int_equal(uv_tcp_bind(&p->listener, (struct sockaddr *)&at, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 64, peer_on_connection), 0);
	assert_int_equal(uv_tcp_getsockname(&p->listener, (struct sockaddr *)&at, &length), 0);
	p->port = ntohs(at.sin_port);
}

/* Then run the loop dry (loop_finish) and peer_done. */
static inline void peer_shut(struct peer *p)
{
	if (!uv_is_closing((uv_handle_t *)&p->listener))
		uv_close((uv_handle_t *)&p->listener, NULL);
	for (struct peer_connection *c = p->first; c; c = c->next)
		peer_close(c, false);
}

static inline void peer_done(struct peer *p)
{
	while (p->first) {
		struct peer_connection *c = p->first;

		assert_true(c->closing);
		p->first = c->next;
		test_free(c);
	}
}

/* The value of a header in the last request, or NULL. */
static inline const char *peer_header(const struct peer *p, const char *name, char *to, size_t size)
{
	char wanted[128];
	const char *found;

	(void)snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	found = strcasestr(p->last, wanted);
	if (!found)
		return NULL;
	found += strlen(wanted);
	(void)util_copy(to, MIN(size, strcspn(found, "\r\n") + 1), found);
	return to;
}

static inline void loop_on_tick(uv_timer_t *timer)
{
	(void)timer;
}

typedef bool (*loop_condition_fn)(void *user);

/* Runs the loop until the condition holds; whether it did within the time. */
static inline bool loop_until_ms(uv_loop_t *loop, loop_condition_fn condition, void *user,
				 uint64_t ms)
{
	uint64_t deadline = uv_hrtime() + ms * 1000000;
	uv_timer_t tick;

	/* uv_run() would wait for the next event with the condition fulfilled already. */
	assert_int_equal(uv_timer_init(loop, &tick), 0);
	assert_int_equal(uv_timer_start(&tick, loop_on_tick, 0, 5), 0);
	while (uv_hrtime() < deadline && !condition(user))
		(void)uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	return condition(user);
}

#define loop_until(loop, condition, user) \
	assert_true(loop_until_ms(loop, condition, user, PEER_DEADLINE_MS))

static inline void loop_count_handle(uv_handle_t *handle, void *user)
{
	(void)handle;
	++*(unsigned int *)user;
}

static inline bool loop_is_empty(void *loop)
{
	unsigned int handles = 0;

	uv_walk(loop, loop_count_handle, &handles);
	return handles == 1; /* the tick's */
}

/* Lets everything close and closes the loop; fails if anything stays open. */
static inline void loop_finish(uv_loop_t *loop)
{
	(void)loop_until_ms(loop, loop_is_empty, loop, PEER_DEADLINE_MS);
	assert_int_equal(uv_loop_close(loop), 0);
}
