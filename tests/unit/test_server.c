/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/server.h"
#include "loop_client.h"

#define LARGE_BODY (6u << 20)

struct fixture {
	uv_loop_t loop;
	struct server *server;
	unsigned int handled;
};

static void handle(void *user, const char *path, struct server_reply *reply)
{
	struct fixture *f = user;
	bool large = streq(path, "/large");

	f->handled++;
	if (!large && !streq(path, "/metrics"))
		return;
	reply->status = 200;
	reply->content_type = "text/plain";
	reply->length = large ? LARGE_BODY : 3;
	reply->body = malloc(reply->length);
	assert_non_null(reply->body);
	memset(reply->body, 'x', reply->length);
}

static const struct addr_port any_port = { .addr.octets = { [10] = 0xff, 0xff, 127, 0, 0, 1 } };

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(server_new(&f->loop, &any_port, handle, f, &f->server), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	server_free(f->server);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static void client_open(struct fixture *f, struct loop_client *c)
{
	struct addr_port at = any_port;
	struct sockaddr_storage address;
	socklen_t length;

	at.port = server_port(f->server);
	length = addr_port_sockaddr(&at, &address);
	loop_client_open(c, &f->loop, &address, length);
}

/* Sends one request and returns what came until the server closed; the caller's. */
static char *exchange(struct fixture *f, const char *request, size_t *ret_length)
{
	struct loop_client c;
	char *text;

	client_open(f, &c);
	loop_client_send(&c, request, strlen(request));
	loop_wait(&f->loop, &c.ended);
	*ret_length = c.length;
	text = TAKE_PTR(c.text);
	loop_client_close(&c, &f->loop);
	return text;
}

static void paths_and_methods_are_answered(void **state)
{
	static const struct {
		const char *request, *status, *contains;
		unsigned int handled;
	} cases[] = {
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 OK",
		  "\r\n\r\nxxx", 1 },
		{ "GET /metrics?a=b HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\nxxx", 1 },
		{ "HEAD /metrics HTTP/1.0\r\n\r\n", "200 OK", "Content-Length: 3\r\n", 1 },
		{ "GET /metricsx HTTP/1.0\r\n\r\n", "404 Not Found", "there is no such page\n", 1 },
		{ "POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed",
		  "Allow: GET, HEAD\r\n", 0 },
		{ "BREW /metrics HTTP/1.0\r\n\r\n", "405 Method Not Allowed", "GET or HEAD only\n",
		  0 },
		{ "garbage\r\n\r\n", "", "", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		size_t length;

		f->handled = 0;
		text = exchange(f, cases[i].request, &length);
		if (i + 1 == ARRAY_SIZE(cases))
			continue; /* how it ends does not matter, only that it does */
		assert_memory_equal(text + strlen("HTTP/1.1 "), cases[i].status,
				    strlen(cases[i].status));
		assert_non_null(strstr(text, cases[i].contains));
		assert_int_equal(f->handled, cases[i].handled);
	}
}

static void a_head_has_no_body(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t length;

	text = exchange(*state, "HEAD /metrics HTTP/1.0\r\n\r\n", &length);
	assert_string_equal(text + length - 4, "\r\n\r\n");
}

static void a_large_page_arrives_whole(void **state)
{
	_cleanup_free_ char *text = NULL;
	const char *body;
	size_t length;

	text = exchange(*state, "GET /large HTTP/1.0\r\n\r\n", &length);
	body = strstr(text, "\r\n\r\n") + 4;
	assert_int_equal(length - (size_t)(body - text), LARGE_BODY);
}

static void a_get_with_a_body_is_cut_off(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct fixture *f = *state;
	size_t length;

	text = exchange(f, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
			&length);
	assert_int_equal(length, 0);
	assert_int_equal(f->handled, 0);
}

static void endless_headers_are_refused(void **state)
{
	_cleanup_free_ char *request = NULL;
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_true(asprintf(&request, "GET /metrics HTTP/1.0\r\nX: %0*d", 2 * SERVER_MEMORY_MAX,
			     0) > 0);
	text = exchange(*state, request, &length);
	if (length) /* or reset, since not all was read */
		assert_non_null(strstr(text, " 431 "));
}

static void connections_over_the_limit_wait_for_their_turn(void **state)
{
	struct loop_client idle[SERVER_CONNECTIONS_MAX], late;
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		client_open(f, &idle[i]);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	client_open(f, &late);
	loop_client_send(&late, "GET /metrics HTTP/1.0\r\n\r\n", 25);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->handled, 0);
	loop_client_close(&idle[0], &f->loop);
	loop_wait(&f->loop, &late.ended);
	assert_int_equal(f->handled, 1);
	loop_client_close(&late, &f->loop);
	for (size_t i = 1; i < ARRAY_SIZE(idle); i++)
		loop_client_close(&idle[i], &f->loop);
}

static void it_is_freed_under_its_clients(void **state)
{
	struct fixture *f = *state;
	struct loop_client c;

	client_open(f, &c);
	loop_client_send(&c, "GET /large HTTP/1.0\r\n\r\n", 23);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	server_free(TAKE_PTR(f->server));
	loop_wait(&f->loop, &c.ended);
	loop_client_close(&c, &f->loop);
}

static void a_port_in_use_is_told_by_its_errno(void **state)
{
	struct fixture *f = *state;
	struct server *second = NULL;
	struct addr_port at = any_port;

	at.port = server_port(f->server);
	assert_int_equal(server_new(&f->loop, &at, handle, f, &second), -EADDRINUSE);
	assert_null(second);
	(void)addr_parse("192.0.2.1", &at.addr);
	assert_int_equal(server_new(&f->loop, &at, handle, f, &second), -EADDRNOTAVAIL);
}

static void it_listens_on_ipv6(void **state)
{
	struct addr_port at = { .addr.octets = { [15] = 1 } };
	struct fixture *f = *state;
	struct sockaddr_storage address;
	struct loop_client c;
	socklen_t length;

	server_free(TAKE_PTR(f->server));
	assert_int_equal(server_new(&f->loop, &at, handle, f, &f->server), 0);
	at.port = server_port(f->server);
	length = addr_port_sockaddr(&at, &address);
	loop_client_open(&c, &f->loop, &address, length);
	loop_client_send(&c, "GET /metrics HTTP/1.0\r\n\r\n", 25);
	loop_wait(&f->loop, &c.ended);
	assert_int_equal(f->handled, 1);
	loop_client_close(&c, &f->loop);
}

#define IN_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LOOP(paths_and_methods_are_answered),
		IN_LOOP(a_head_has_no_body),
		IN_LOOP(a_large_page_arrives_whole),
		IN_LOOP(a_get_with_a_body_is_cut_off),
		IN_LOOP(endless_headers_are_refused),
		IN_LOOP(connections_over_the_limit_wait_for_their_turn),
		IN_LOOP(it_is_freed_under_its_clients),
		IN_LOOP(a_port_in_use_is_told_by_its_errno),
		IN_LOOP(it_listens_on_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
