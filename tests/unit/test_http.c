/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include <arpa/inet.h>
#include <errno.h>

#include "io/http.h"
#include "io/http_url.h"

#define BODY_MAX 1000

struct world {
	uv_loop_t loop;
	struct http *http;
	struct peer peer;
	char url[64];
};

struct outcome {
	unsigned int calls;
	char failure[32], detail[256], body[4096], error_type[128];
	long status;
	size_t length;
	int64_t date_s;
};

static void on_done(void *user, const struct http_response *response)
{
	struct outcome *o = user;

	o->calls++;
	o->status = response->status;
	o->length = response->length;
	o->date_s = response->date_s;
	(void)util_copy(o->detail, sizeof(o->detail), response->detail);
	(void)util_copy(o->failure, sizeof(o->failure), response->failure ? response->failure : "");
	(void)util_copy(o->body, sizeof(o->body), response->body ? response->body : "");
	(void)util_copy(o->error_type, sizeof(o->error_type),
			response->error_type ? response->error_type : "");
}

static bool has_ended(void *user)
{
	return ((struct outcome *)user)->calls > 0;
}

static void world_open(struct world *w, const struct peer_answer *answers, size_t n)
{
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/", w->peer.port);
}

static void world_close(struct world *w)
{
	http_free(w->http);
	peer_shut(&w->peer);
	loop_finish(&w->loop);
	peer_done(&w->peer);
}

static void fetch(struct world *w, const struct http_request *request, struct outcome *ret)
{
	struct http_call *call;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(http_start(w->http, request, on_done, ret, &call), 0);
	assert_int_equal(ret->calls, 0);
	loop_until(&w->loop, has_ended, ret);
	assert_int_equal(ret->calls, 1);
}

#define HEAD "HTTP/1.1 200 OK\r\n"

static void an_answer_comes_whole(void **state)
{
	static const struct peer_answer answers[] = {
		{ HEAD "Content-Length: 5\r\n\r\nhello", PEER_KEEP },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		  PEER_KEEP },
		{ HEAD "\r\nhello", PEER_CLOSE },
		{ "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 5\r\n\r\nhello",
		  PEER_KEEP },
	};
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
		assert_string_equal(o.failure, "");
		assert_int_equal(o.status, 200);
		assert_int_equal(o.length, 5);
		assert_string_equal(o.body, "hello");
	}
	world_close(&w);
}

static void the_date_of_an_answer_is_read_if_it_is_one(void **state)
{
	static const struct peer_answer answers[] = {
		{ HEAD "date:  Wed, 01 May 2024 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
		  PEER_KEEP },
		{ HEAD "Date: yesterday\r\nContent-Length: 0\r\n\r\n", PEER_KEEP },
		{ HEAD "Date:\r\nContent-Length: 0\r\n\r\n", PEER_KEEP },
		{ HEAD "Content-Length: 0\r\n\r\n", PEER_KEEP },
	};
	static const int64_t dates[] = { 1714564800, 0, 0, 0 };
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
		assert_string_equal(o.failure, "");
		assert_int_equal(o.date_s, dates[i]);
	}
	world_close(&w);
}

static void statuses_and_error_types_are_handed_on(void **state)
{
	static const struct peer_answer answers[] = {
		{ "HTTP/1.1 400 Bad Request\r\nX-Amzn-ErrorType:  ServiceNotFound:http://x/\r\n"
		  "Content-Length: 2\r\n\r\n{}",
		  PEER_KEEP },
		{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
		  "0\r\n\r\n",
		  PEER_KEEP },
	};
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
	assert_int_equal(o.status, 400);
	assert_string_equal(o.error_type, "ServiceNotFound:http://x/");
	fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
	assert_int_equal(o.status, 302);
	assert_string_equal(o.error_type, "");
	assert_string_equal(o.body, "");
	assert_int_equal(w.peer.requests, 2);
	world_close(&w);
}

static void every_failure_has_its_word(void **state)
{
	static const char big[] = HEAD "Content-Length: 2000\r\n\r\n";
	static const struct {
		const char *name;
		struct peer_answer answers[1];
		const char *failure;
	} rows[] = {
		{ "silence", { { NULL, PEER_KEEP } }, "timeout" },
		{ "half an answer",
		  { { HEAD "Content-Length: 9\r\n\r\nhalf", PEER_KEEP } },
		  "timeout" },
		{ "truncated",
		  { { HEAD "Content-Length: 9\r\n\r\nhalf", PEER_CLOSE } },
		  "truncated" },
		{ "reset at once", { { NULL, PEER_RESET } }, "reset" },
		{ "closed at once", { { NULL, PEER_CLOSE } }, "reset" },
		{ "not HTTP", { { "SSH-2.0-OpenSSH_9.2\r\n\r\n", PEER_CLOSE } }, "garbled" },
		{ "said to be too large", { { big, PEER_KEEP } }, "too_large" },
		{ "too large", { { HEAD "\r\n", PEER_FLOOD } }, "too_large" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct outcome o;

		print_message("  %s\n", rows[i].name);
		world_open(&w, rows[i].answers, 1);
		fetch(&w,
		      &(struct http_request){
			      .method = "GET",
			      .url = w.url,
			      .timeout_ms = streq(rows[i].failure, "timeout") ? 200 : 5000,
			      .body_max = BODY_MAX },
		      &o);
		assert_string_equal(o.failure, rows[i].failure);
		assert_int_not_equal(o.detail[0], '\0');
		assert_int_equal(o.length, 0);
		world_close(&w);
	}
}

static void headers_without_end_are_too_large(void **state)
{
	static char head[HTTP_HEADERS_MAX + 4096] = HEAD;
	static const struct peer_answer answers[] = { { head, PEER_KEEP } };
	struct world w;
	struct outcome o;

	(void)state;
	for (size_t at = strlen(HEAD); at + 8 < sizeof(head); at += 7)
		memcpy(head + at, "A: bc\r\n", 8);
	world_open(&w, answers, 1);
	fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
	assert_string_equal(o.failure, "too_large");
	world_close(&w);
}

static void a_closed_port_is_a_failure_to_connect(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "\r\n", PEER_CLOSE } };
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, 1);
	uv_close((uv_handle_t *)&w.peer.listener, NULL);
	(void)uv_run(&w.loop, UV_RUN_NOWAIT);
	fetch(&w, &(struct http_request){ .method = "GET", .url = w.url }, &o);
	assert_string_equal(o.failure, "connect");
	world_close(&w);
}

static void a_name_that_does_not_exist_is_a_failure_to_resolve(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "\r\n", PEER_CLOSE } };
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, 1);
	/* RFC 6761: a resolver answers .invalid by itself; a name too long is never asked at all.
	 */
	fetch(&w,
	      &(struct http_request){ .method = "GET",
				      .url = "http://"
					     "01234567890123456789012345678901234567890123456789012"
					     "34567890123456789.invalid/" },
	      &o);
	assert_string_equal(o.failure, "resolve");
	world_close(&w);
}

static void a_server_without_tls_is_a_failure_of_tls(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "\r\n", PEER_CLOSE } };
	struct world w;
	struct outcome o;
	char url[64];

	(void)state;
	setenv("AWS_CA_BUNDLE", "/nonexistent/authorities.pem", 1);
	world_open(&w, answers, 1);
	unsetenv("AWS_CA_BUNDLE");
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", w.peer.port);
	fetch(&w, &(struct http_request){ .method = "GET", .url = url }, &o);
	assert_string_equal(o.failure, "tls");
	assert_non_null(strstr(o.detail, "/nonexistent/authorities.pem"));
	world_close(&w);
}

static void connections_are_reused_and_a_dead_one_replaced(void **state)
{
	static const struct peer_answer answers[] = {
		{ HEAD "Content-Length: 1\r\n\r\na", PEER_KEEP },
		{ HEAD "Content-Length: 1\r\n\r\nb", PEER_CLOSE },
		{ HEAD "Content-Length: 1\r\n\r\nc", PEER_KEEP },
	};
	struct world w;
	struct outcome o;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		fetch(&w, &(struct http_request){ .method = "POST", .url = w.url, .body = "{}" },
		      &o);
		assert_string_equal(o.failure, "");
		assert_int_equal(o.body[0], 'a' + (int)i);
	}
	assert_int_equal(w.peer.connections, 2);
	world_close(&w);
}

static void proxies_come_from_the_environment_unless_forbidden(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "Content-Length: 0\r\n\r\n",
							PEER_KEEP } };
	struct world w;
	struct outcome o;
	char proxy[64];

	(void)state;
	world_open(&w, answers, 1);
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", w.peer.port);
	setenv("http_proxy", proxy, 1);
	fetch(&w, &(struct http_request){ .method = "GET", .url = "http://127.0.0.2:9/x" }, &o);
	assert_int_equal(o.status, 200);
	assert_non_null(strstr(w.peer.last, "GET http://127.0.0.2:9/x HTTP/1.1\r\n"));
	fetch(&w,
	      &(struct http_request){
		      .method = "GET", .url = "http://127.0.0.2:9/x", .no_proxy = true },
	      &o);
	assert_string_equal(o.failure, "connect");
	unsetenv("http_proxy");
	world_close(&w);
}

static void the_authority_of_a_url_is_what_the_host_header_says(void **state)
{
	static const struct {
		const char *url, *authority;
	} rows[] = {
		{ "https://data-servicediscovery.us-east-1.amazonaws.com/",
		  "data-servicediscovery.us-east-1.amazonaws.com" },
		{ "https://sts.amazonaws.com:443/", "sts.amazonaws.com" },
		{ "https://sts.amazonaws.com:8443/", "sts.amazonaws.com:8443" },
		{ "http://127.0.0.1:80/", "127.0.0.1" },
		{ "http://[::1]:8080/", "[::1]:8080" },
	};
	char authority[HTTP_URL_HOST_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(http_url_authority(rows[i].url, authority), 0);
		assert_string_equal(authority, rows[i].authority);
	}
	assert_int_equal(http_url_authority("http://user:secret@127.0.0.1/", authority), -EINVAL);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "\r\n", PEER_CLOSE } };
	static const char *const split[] = { "A: b\r\nC: d", NULL }, *const removed[] = { "Expect:",
											  NULL };
	static const struct http_request rows[] = {
		{ .method = "GET", .url = "" },
		{ .method = "GET", .url = "ftp://127.0.0.1/" },
		{ .method = "GET", .url = "file:///etc/passwd" },
		{ .method = "GET", .url = "http://" },
		{ .method = "GET", .url = "http://user:secret@127.0.0.1/" },
		{ .method = "GET", .url = "http://127.0.0.1/ x" },
		{ .method = "GET", .url = "http://127.0.0.1/", .body = "x" },
		{ .method = "GET", .url = "http://127.0.0.1/", .headers = split },
		{ .method = "GET", .url = "http://127.0.0.1/", .headers = removed },
	};
	struct http_call *call = NULL;
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(http_start(w.http, &rows[i], on_done, NULL, &call), -EINVAL);
		assert_null(call);
	}
	world_close(&w);
}

static bool was_asked(void *user)
{
	return ((struct world *)user)->peer.requests > 0;
}

static void a_cancelled_call_is_not_called_back(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_KEEP } };
	struct http_call *calls[3];
	struct outcome o = { 0 };
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		assert_int_equal(http_start(w.http,
					    &(struct http_request){ .method = "GET", .url = w.url },
					    on_done, &o, &calls[i]),
				 0);
	http_cancel(calls[1]);
	http_cancel(NULL);
	loop_until(&w.loop, was_asked, &w);
	http_cancel(calls[0]);
	world_close(&w); /* and the third ends with all */
	assert_int_equal(o.calls, 0);
}

static void many_calls_share_a_bounded_number_of_connections(void **state)
{
	static const struct peer_answer answers[] = { { HEAD "Content-Length: 1\r\n\r\na",
							PEER_KEEP } };
	static struct outcome outcomes[300];
	struct http_call *call;
	struct world w;

	(void)state;
	memset(outcomes, 0, sizeof(outcomes));
	world_open(&w, answers, 1);
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
		assert_int_equal(http_start(w.http,
					    &(struct http_request){ .method = "GET", .url = w.url },
					    on_done, &outcomes[i], &call),
				 0);
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		loop_until(&w.loop, has_ended, &outcomes[i]);
		assert_string_equal(outcomes[i].failure, "");
	}
	assert_in_range(w.peer.connections, 1, HTTP_CONNECTIONS_MAX);
	world_close(&w);
}

static void a_url_tells_its_host_as_libcurl_reads_it(void **state)
{
	static const struct {
		const char *url, *host;
		bool https;
	} rows[] = {
		{ "http://127.1/x", "127.0.0.1", false },
		{ "http://0x7f000001/", "127.0.0.1", false },
		{ "https://[fd00:ec2::23]:80/", "fd00:ec2::23", true },
		{ "HTTP://LocalHost:1/", "LocalHost", false },
		{ "http://127.0.0.1#@10.0.0.1/", "127.0.0.1", false },
	};
	char host[HTTP_URL_HOST_MAX];
	bool https;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(http_url_host(rows[i].url, &https, host), 0);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(https, rows[i].https);
	}
	assert_int_equal(http_url_host("http://169.254.170.2@10.0.0.1/", &https, host), -EINVAL);
	assert_int_equal(http_url_host("gopher://127.0.0.1/", &https, host), -EINVAL);
	assert_int_equal(http_url_host("127.0.0.1/x", &https, host), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_authority_of_a_url_is_what_the_host_header_says),
		cmocka_unit_test(an_answer_comes_whole),
		cmocka_unit_test(the_date_of_an_answer_is_read_if_it_is_one),
		cmocka_unit_test(statuses_and_error_types_are_handed_on),
		cmocka_unit_test(every_failure_has_its_word),
		cmocka_unit_test(headers_without_end_are_too_large),
		cmocka_unit_test(a_closed_port_is_a_failure_to_connect),
		cmocka_unit_test(a_name_that_does_not_exist_is_a_failure_to_resolve),
		cmocka_unit_test(a_server_without_tls_is_a_failure_of_tls),
		cmocka_unit_test(connections_are_reused_and_a_dead_one_replaced),
		cmocka_unit_test(proxies_come_from_the_environment_unless_forbidden),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
		cmocka_unit_test(a_cancelled_call_is_not_called_back),
		cmocka_unit_test(many_calls_share_a_bounded_number_of_connections),
		cmocka_unit_test(a_url_tells_its_host_as_libcurl_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
