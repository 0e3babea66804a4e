/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include <fcntl.h>
#include <time.h>

#include "io/container_endpoint.h"
#include "io/credentials.h"

/* The environment of the test: pairs of name and value. */
static const char *variables[16];

static const char *environment(const char *name)
{
	for (size_t i = 0; variables[i]; i += 2)
		if (streq(variables[i], name))
			return variables[i + 1];
	/* Only who names an endpoint of his own may ask for metadata. */
	return streq(name, "AWS_EC2_METADATA_DISABLED") ? "true" : NULL;
}

#define ENVIRONMENT(...)                                                        \
	do {                                                                    \
		const char *const set[ARRAY_SIZE(variables)] = { __VA_ARGS__ }; \
		memcpy(variables, set, sizeof(variables));                      \
	} while (0)

struct world {
	uv_loop_t loop;
	struct http *http;
	struct peer peer;
	struct requests requests;
	struct credentials *credentials;
	struct credentials_waiter waiter;
	unsigned int told;
	char url[96];
};

static void on_ready(void *user)
{
	((struct world *)user)->told++;
}

static bool was_told(void *user)
{
	return ((struct world *)user)->told > 0;
}

static bool has_a_second_set(void *user)
{
	return credentials_get(((struct world *)user)->credentials)->serial == 2;
}

static void world_open(struct world *w, const struct peer_answer *answers, size_t n)
{
	memset(w, 0, sizeof(*w));
	w->waiter = (struct credentials_waiter){ .ready = on_ready, .user = w };
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/v2/credentials?id=7",
		       w->peer.port);
}

static void world_start(struct world *w)
{
	assert_int_equal(
		credentials_new(&w->loop, w->http, environment, &w->requests, &w->credentials), 0);
}

static void world_close(struct world *w)
{
	credentials_free(w->credentials);
	http_free(w->http);
	peer_shut(&w->peer);
	loop_finish(&w->loop);
	peer_done(&w->peer);
}

static const char *error_of(const struct world *w)
{
	struct credentials_status status;

	credentials_status(w->credentials, &status);
	return status.error;
}

static void await(struct world *w)
{
	w->told = 0;
	credentials_await(w->credentials, &w->waiter);
	credentials_await(w->credentials, &w->waiter);
	loop_until(&w->loop, was_told, w);
	assert_int_equal(w->told, 1);
}

static const struct peer_answer nothing[] = {
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", PEER_KEEP }
};

/* A set that expires in so many seconds, as an HTTP answer. */
static const char *set_answer(char *text, size_t size, const char *id, int life_s)
{
	time_t expires = time(NULL) + life_s;
	char stamp[32], body[512];
	struct tm tm;

	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&expires, &tm));
	(void)snprintf(body, sizeof(body),
		       "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
		       "\"Expiration\":\"%s\"}",
		       id, stamp);
	(void)snprintf(text, size, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		       body);
	return text;
}

static void nobody_is_asked_before_somebody_waits(void **state)
{
	struct credentials_status status;
	struct world w;

	(void)state;
	world_open(&w, nothing, 1);
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	world_start(&w);
	assert_false(loop_until_ms(&w.loop, was_told, &w, 50));
	credentials_status(w.credentials, &status);
	assert_null(status.provider);
	assert_int_equal(status.n_passed, 0);
	assert_int_equal(w.peer.requests, 0);
	await(&w);
	assert_int_equal(w.peer.requests, 1);
	credentials_status(w.credentials, &status);
	assert_string_equal(status.provider, "container");
	assert_int_equal(status.n_passed, 3);
	assert_string_equal(status.passed[0].provider, "environment");
	assert_string_equal(status.passed[0].why, "AWS_ACCESS_KEY_ID is not set");
	world_close(&w);
}

static void who_has_given_credentials_is_not_passed_over_later(void **state)
{
	static char good[1024];
	static const struct peer_answer answers[] = { { good, PEER_KEEP } };
	struct credentials_status status;
	struct world w;

	(void)state;
	set_answer(good, sizeof(good), "GOOD", 3600);
	world_open(&w, answers, 1);
	ENVIRONMENT("AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "s",
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	world_start(&w);
	await(&w);
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	credentials_rejected(w.credentials);
	await(&w);
	credentials_status(w.credentials, &status);
	assert_string_equal(status.provider, "environment");
	assert_string_equal(status.error, "AWS_ACCESS_KEY_ID is not set");
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "AKID");
	assert_int_equal(w.peer.requests, 0);
	world_close(&w);
}

static void credentials_of_the_environment_are_there_when_wanted(void **state)
{
	struct credentials_status status;
	struct world w;

	(void)state;
	ENVIRONMENT("AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN",
		    "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/ignored");
	world_open(&w, nothing, 1);
	world_start(&w);
	await(&w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "AKID");
	assert_null(credentials_get(w.credentials)->session_token);
	credentials_status(w.credentials, &status);
	assert_string_equal(status.provider, "environment");
	assert_true(status.available);
	assert_null(status.error);
	assert_int_equal(status.expires_s, 0);
	world_close(&w);
}

static void what_is_wrong_with_the_environment_is_said_without_a_secret(void **state)
{
	static const struct {
		const char *variables[6];
		const char *provider, *error;
	} rows[] = {
		{ { NULL },
		  "none",
		  "no credentials: AWS_ACCESS_KEY_ID is not set; AWS_WEB_IDENTITY_TOKEN_FILE is "
		  "not "
		  "set; neither HOME nor AWS_SHARED_CREDENTIALS_FILE is set; neither "
		  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
		  "AWS_CONTAINER_CREDENTIALS_FULL_URI is set; AWS_EC2_METADATA_DISABLED is set" },
		{ { "AWS_ACCESS_KEY_ID", "a" },
		  "environment",
		  "AWS_SECRET_ACCESS_KEY is not set, but AWS_ACCESS_KEY_ID is" },
		{ { "AWS_SECRET_ACCESS_KEY", "a" },
		  "environment",
		  "AWS_ACCESS_KEY_ID is not set, but AWS_SECRET_ACCESS_KEY is" },
		{ { "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "secret\n" },
		  "environment",
		  "AWS_SECRET_ACCESS_KEY: wanted visible characters only" },
		{ { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@10.0.0.1/secret" },
		  "container",
		  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: wanted a path that starts with /" },
		{ { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/secret" },
		  "container",
		  "AWS_CONTAINER_CREDENTIALS_FULL_URI: wanted https://, or http:// to a loopback "
		  "address, localhost, "
		  "169.254.170.2, 169.254.170.23 or [fd00:ec2::23]" },
		{ { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/",
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret\r\nX: y" },
		  "container",
		  "AWS_CONTAINER_AUTHORIZATION_TOKEN: wanted one line without a line break" },
		{ { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/",
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token" },
		  "container",
		  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: /nonexistent/token: No such file or "
		  "directory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credentials_status status;
		struct world w;

		memset(variables, 0, sizeof(variables));
		memcpy(variables, rows[i].variables, sizeof(rows[i].variables));
		world_open(&w, nothing, 1);
		world_start(&w);
		await(&w);
		credentials_status(w.credentials, &status);
		assert_string_equal(status.provider, rows[i].provider);
		assert_string_equal(status.error, rows[i].error);
		assert_false(status.available);
		assert_null(credentials_get(w.credentials));
		world_close(&w);
	}
}

static void plain_http_goes_to_the_host_itself_only(void **state)
{
	static const struct {
		const char *url;
		bool allowed;
	} rows[] = {
		{ "http://127.0.0.1:1/x", true },
		{ "http://127.9.9.9/x", true },
		{ "http://[::1]:1/x", true },
		{ "http://LOCALHOST:1/x", true },
		{ "http://169.254.170.2/x", true },
		{ "http://169.254.170.23/v1/credentials", true },
		{ "http://[fd00:ec2::23]/v1/credentials", true },
		{ "https://credentials.example.com/x", true },
		{ "http://169.254.170.22/x", false },
		{ "http://169.254.170.2.example.com/x", false },
		{ "http://169.254.170.2@example.com/x", false },
		{ "http://localhost.example.com/x", false },
		{ "http://[fd00:ec2::24]/", false },
		{ "ftp://127.0.0.1/", false },
		{ "127.0.0.1/x", false },
		{ "/v2/x", false },
	};
	struct container_endpoint endpoint;
	char error[CONTAINER_ENDPOINT_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", rows[i].url);
		assert_int_equal(container_endpoint_find(environment, &endpoint, error) == 0,
				 rows[i].allowed);
		if (rows[i].allowed) {
			assert_string_equal(endpoint.url, rows[i].url);
			assert_null(endpoint.header);
			container_endpoint_done(&endpoint);
		}
	}
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x",
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/");
	assert_int_equal(container_endpoint_find(environment, &endpoint, error), 0);
	assert_string_equal(endpoint.url, "http://169.254.170.2/v2/x");
	container_endpoint_done(&endpoint);
}

static void write_token(int fd, const char *token)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, token, strlen(token), 0), strlen(token));
}

static void a_short_lived_set_is_renewed_with_the_token_of_the_day(void **state)
{
	static char first[1024], second[1024];
	static const struct peer_answer answers[] = { { first, PEER_KEEP }, { second, PEER_KEEP } };
	char path[] = "/tmp/shunt-test-token-XXXXXX", header[128];
	_cleanup_close_ int fd = mkstemp(path);
	struct world w;

	(void)state;
	assert_true(fd >= 0);
	write_token(fd, "Bearer one");
	set_answer(first, sizeof(first), "ONE", 4);
	set_answer(second, sizeof(second), "TWO", 3600);
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url,
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path,
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "never");
	world_start(&w);
	assert_null(credentials_get(w.credentials));
	await(&w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "ONE");
	assert_non_null(strstr(w.peer.last, "GET /v2/credentials?id=7 HTTP/1.1\r\n"));
	assert_string_equal(peer_header(&w.peer, "Authorization", header, sizeof(header)),
			    "Bearer one");
	write_token(fd, "Bearer two\n"); /* as an editor leaves it */
	loop_until(&w.loop, has_a_second_set, &w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "TWO");
	assert_string_equal(peer_header(&w.peer, "Authorization", header, sizeof(header)),
			    "Bearer two");
	assert_in_range(w.peer.asked_ms[1] - w.peer.asked_ms[0], 1000, 4000);
	(void)unlink(path);
	world_close(&w);
	assert_string_equal(w.requests.rows[0].source, "credentials");
	assert_string_equal(w.requests.rows[0].operation, "GetCredentials");
	assert_string_equal(w.requests.rows[0].code, "ok");
	assert_int_equal(w.requests.rows[0].count, 2);
}

static void a_failed_fetch_says_why_and_is_tried_again(void **state)
{
	static char good[1024];
	static const struct {
		struct peer_answer answer;
		const char *error, *code;
	} rows[] = {
		{ { "HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\nsecret", PEER_KEEP },
		  "container endpoint: HTTP status 503",
		  "http_503" },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"AccessKeyId\":\"secret\"   ",
		    PEER_KEEP },
		  "container endpoint: the answer is not a JSON object",
		  "garbled" },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", PEER_KEEP },
		  "container endpoint: AccessKeyId is missing",
		  "garbled" },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", PEER_KEEP },
		  "container endpoint: too_large: Maximum file size exceeded",
		  "too_large" },
	};

	(void)state;
	set_answer(good, sizeof(good), "GOOD", 3600);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct peer_answer answers[] = { rows[i].answer, { good, PEER_KEEP } };
		struct world w;

		world_open(&w, answers, ARRAY_SIZE(answers));
		ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
		world_start(&w);
		await(&w);
		assert_null(credentials_get(w.credentials));
		assert_string_equal(error_of(&w), rows[i].error);
		assert_string_equal(w.requests.rows[0].code, rows[i].code);
		await(&w);
		assert_null(error_of(&w));
		assert_string_equal(credentials_get(w.credentials)->access_key_id, "GOOD");
		assert_in_range(w.peer.asked_ms[1] - w.peer.asked_ms[0], 400, 1500);
		world_close(&w);
	}
}

static void a_set_is_kept_while_its_renewal_fails(void **state)
{
	static char good[1024];
	static const struct peer_answer answers[] = { { good, PEER_KEEP }, { NULL, PEER_CLOSE } };
	struct world w;

	(void)state;
	set_answer(good, sizeof(good), "GOOD",
		   -5); /* expired already: used, and asked for again later */
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	world_start(&w);
	await(&w);
	assert_null(error_of(&w));
	set_answer(good, sizeof(good), "GOOD", 2);
	credentials_free(w.credentials);
	w.peer.requests = 0;
	world_start(&w);
	await(&w);
	await(&w);
	assert_non_null(error_of(&w));
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "GOOD");
	world_close(&w);
}

static void rejected_sets_are_fetched_anew_but_not_again_and_again(void **state)
{
	static char first[1024], second[1024];
	static const struct peer_answer answers[] = { { first, PEER_KEEP }, { second, PEER_KEEP } };
	struct world w;

	(void)state;
	set_answer(first, sizeof(first), "ONE", 3600);
	set_answer(second, sizeof(second), "TWO", 3600);
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	world_start(&w);
	await(&w);
	credentials_rejected(w.credentials);
	await(&w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "TWO");
	assert_int_equal(credentials_get(w.credentials)->serial, 2);
	assert_in_range(w.peer.asked_ms[1] - w.peer.asked_ms[0], 0, 1000);
	w.told = 0;
	credentials_await(w.credentials, &w.waiter);
	for (int i = 0; i < 5; i++)
		credentials_rejected(w.credentials);
	assert_false(loop_until_ms(&w.loop, was_told, &w, 1000));
	assert_true(loop_until_ms(&w.loop, was_told, &w, 11000));
	assert_int_equal(w.peer.requests, 3);
	assert_in_range(w.peer.asked_ms[2] - w.peer.asked_ms[1], 9900, 11000);
	assert_int_equal(credentials_get(w.credentials)->serial,
			 2); /* the same again is not news */
	world_close(&w);
}

static void who_no_longer_waits_is_not_told(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, nothing, 1);
	ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", w.url);
	world_start(&w);
	credentials_await(w.credentials, &w.waiter);
	credentials_forget(&w.waiter);
	credentials_forget(&w.waiter);
	assert_false(loop_until_ms(&w.loop, was_told, &w, 100));
	credentials_await(w.credentials, &w.waiter);
	world_close(&w);
	assert_int_equal(w.told, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_asked_before_somebody_waits),
		cmocka_unit_test(who_has_given_credentials_is_not_passed_over_later),
		cmocka_unit_test(credentials_of_the_environment_are_there_when_wanted),
		cmocka_unit_test(what_is_wrong_with_the_environment_is_said_without_a_secret),
		cmocka_unit_test(plain_http_goes_to_the_host_itself_only),
		cmocka_unit_test(a_short_lived_set_is_renewed_with_the_token_of_the_day),
		cmocka_unit_test(a_failed_fetch_says_why_and_is_tried_again),
		cmocka_unit_test(a_set_is_kept_while_its_renewal_fails),
		cmocka_unit_test(rejected_sets_are_fetched_anew_but_not_again_and_again),
		cmocka_unit_test(who_no_longer_waits_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
