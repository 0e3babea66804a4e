/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include <errno.h>
#include <time.h>

#include "io/credentials.h"
#include "sources/source.h"
#include "sources/turns.h"

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
	struct peer peer;
	struct http *http;
	struct credentials *credentials;
	struct requests requests;
	struct source_env env;
	struct config config;
	struct config_service service;
	char endpoint[64];
	struct source *source;
	enum pace_rank use;
	bool doubted, stop_at_once;
	unsigned int snapshots, failures, unchanged, wanted;
	size_t endpoints;
	unsigned int rejected;
	char why[256], code[64], message[512];
};

static void stop(struct world *w)
{
	if (w->source)
		w->source->ops->stop(w->source);
	w->source = NULL;
}

static void on_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct world *w = user;

	w->snapshots++;
	w->endpoints = snapshot->endpoints->n;
	w->rejected = snapshot->rejected;
	(void)util_copy(w->why, sizeof(w->why),
			snapshot->rejected_why ? snapshot->rejected_why : "");
	if (w->stop_at_once)
		stop(w);
}

static void on_failure(void *user, const struct source_failure *failure)
{
	struct world *w = user;

	w->failures++;
	(void)util_copy(w->code, sizeof(w->code), failure->code);
	(void)util_copy(w->message, sizeof(w->message), failure->message);
	if (w->stop_at_once)
		stop(w);
}

static void on_unchanged(void *user)
{
	struct world *w = user;

	w->unchanged++;
	if (w->stop_at_once)
		stop(w);
}

static bool is_doubted(void *user)
{
	return ((struct world *)user)->doubted;
}

static enum pace_rank use_of(void *user)
{
	return ((struct world *)user)->use;
}

static bool has_snapshots(void *user)
{
	const struct world *w = user;

	return w->snapshots >= w->wanted;
}

static bool has_failures(void *user)
{
	const struct world *w = user;

	return w->failures >= w->wanted;
}

static bool has_unchanged(void *user)
{
	const struct world *w = user;

	return w->unchanged >= w->wanted;
}

static bool has_requests(void *user)
{
	const struct world *w = user;

	return w->peer.requests >= w->wanted;
}

/* Waits for that many more of them. */
static void await(struct world *w, unsigned int *count, loop_condition_fn condition,
		  unsigned int more)
{
	w->wanted = *count + more;
	loop_until(&w->loop, condition, w);
}

#define AWAIT_SNAPSHOTS(w, more) await(w, &(w)->snapshots, has_snapshots, more)
#define AWAIT_FAILURES(w, more) await(w, &(w)->failures, has_failures, more)
#define AWAIT_UNCHANGED(w, more) await(w, &(w)->unchanged, has_unchanged, more)
#define AWAIT_REQUESTS(w, more) await(w, &(w)->peer.requests, has_requests, more)

static void world_open(struct world *w, const struct peer_answer *answers, size_t n,
		       uint32_t poll_ms)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(uv_loop_init(&w->loop), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->endpoint, sizeof(w->endpoint), "http://127.0.0.1:%u", w->peer.port);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	assert_int_equal(
		credentials_new(&w->loop, w->http, environment, &w->requests, &w->credentials), 0);
	w->env = (struct source_env){ .loop = &w->loop,
				      .http = w->http,
				      .credentials = w->credentials,
				      .requests = &w->requests };
	assert_int_equal(turns_new(&w->loop, BUDGET_CALLS_DEFAULT, &w->env.turns), 0);
	w->config.aws.region = (char *)(uintptr_t) "us-east-1";
	w->config.aws.data_endpoint = w->endpoint;
	w->service.port = 8080;
	w->service.watch = CONFIG_WATCH_ALWAYS;
	w->service.source = CONFIG_SOURCE_CLOUDMAP;
	w->service.cloudmap.namespace = (char *)(uintptr_t) "prod.local";
	w->service.cloudmap.service = (char *)(uintptr_t) "orders";
	w->service.cloudmap.poll_ms = poll_ms;
}

static void world_start(struct world *w)
{
	const struct source_sink sink = {
		.snapshot = on_snapshot,
		.failure = on_failure,
		.unchanged = on_unchanged,
		.doubted = is_doubted,
		.use = use_of,
		.user = w,
	};

	assert_int_equal(source_cloudmap.start(&w->env, &w->config, &w->service, &sink, &w->source),
			 0);
	assert_int_equal(w->snapshots + w->failures, 0);
}

static void world_close(struct world *w)
{
	stop(w);
	turns_free(w->env.turns);
	credentials_free(w->credentials);
	http_free(w->http);
	peer_shut(&w->peer);
	loop_finish(&w->loop);
	peer_done(&w->peer);
}

static uint64_t count_asked(const struct world *w, const char *operation, const char *code)
{
	for (size_t i = 0; i < w->requests.n; i++) {
		const struct requests_row *row = &w->requests.rows[i];

		if (streq(row->source, "cloudmap") && streq(row->operation, operation) &&
		    streq(row->code, code))
			return row->count;
	}
	return 0;
}

static uint64_t count_of(const struct world *w, const char *code)
{
	return count_asked(w, "DiscoverInstances", code);
}

#define ANSWER(status, length, body)                                                        \
	{                                                                                   \
		"HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" body, PEER_KEEP \
	}
#define ONE_INSTANCE           \
	ANSWER("200 OK", "66", \
	       "{\"Instances\":[{\"Attributes\":{\"AWS_INSTANCE_IPV4\":\"10.0.0.1\"}},{}]}")

static const struct peer_answer good[] = { ONE_INSTANCE };

#define KEYS "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "secret"

static void it_asks_at_once_and_tells_the_whole_set(void **state)
{
	char value[512];
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS, "AWS_SESSION_TOKEN", "token==");
	world_open(&w, good, 1, 60000);
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 1);
	assert_int_equal(w.endpoints, 1);
	assert_int_equal(w.rejected, 1);
	assert_string_equal(w.why, "instance #2: Attributes got nothing, wanted an object");
	assert_int_equal(strncmp(w.peer.last, "POST / HTTP/1.1\r\n", 17), 0);
	assert_string_equal(peer_header(&w.peer, "Content-Type", value, sizeof(value)),
			    "application/x-amz-json-1.1");
	assert_string_equal(peer_header(&w.peer, "X-Amz-Target", value, sizeof(value)),
			    "Route53AutoNaming_v20170314.DiscoverInstances");
	assert_string_equal(peer_header(&w.peer, "X-Amz-Security-Token", value, sizeof(value)),
			    "token==");
	assert_non_null(peer_header(&w.peer, "Authorization", value, sizeof(value)));
	assert_non_null(strstr(value, "Credential=AKID/"));
	assert_non_null(strstr(value,
			       "/us-east-1/servicediscovery/aws4_request, SignedHeaders="
			       "content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "));
	assert_non_null(strstr(
		w.peer.last, "\r\n\r\n{\"NamespaceName\":\"prod.local\",\"ServiceName\":\"orders\","
			     "\"HealthStatus\":\"ALL\",\"MaxResults\":1000}"));
	assert_int_equal(count_of(&w, "ok"), 1);
	assert_in_range(w.source->ops->next_ms(w.source), uv_now(&w.loop), uv_now(&w.loop) + 60000);
	world_close(&w);
}

static void the_beat_is_kept_by_schedule_however_long_answers_take(void **state)
{
	enum { POLL_MS = 100, BEATS = 20 };
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, POLL_MS);
	w.peer.delay_ms = 40;
	world_start(&w);
	AWAIT_REQUESTS(&w, BEATS + 2);
	/* A poll each and up to a twentieth less; a busy machine may be late for the last. */
	assert_in_range(w.peer.asked_ms[BEATS + 1] - w.peer.asked_ms[1],
			BEATS * POLL_MS * 95 / 100 - POLL_MS, BEATS * POLL_MS + POLL_MS);
	assert_int_equal(w.peer.connections, 1);
	world_close(&w);
}

static void a_question_at_a_time_even_if_answers_take_longer_than_a_poll(void **state)
{
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, 20);
	w.peer.delay_ms = 100;
	world_start(&w);
	AWAIT_REQUESTS(&w, 6);
	assert_int_equal(w.peer.connections, 1);
	assert_int_equal(w.snapshots, 5);
	assert_in_range(w.peer.asked_ms[5] - w.peer.asked_ms[0], 490, 1500);
	world_close(&w);
}

/* On a connection that was good before, libcurl would repeat a lost question by itself. */
#define LAST_ON_ITS_CONNECTION                                                       \
	{                                                                            \
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 16\r\n\r\n" \
		"{\"Instances\":[]}",                                                \
			PEER_CLOSE                                                   \
	}

static void every_fault_is_told_and_the_first_good_answer_ends_it(void **state)
{
	static const struct {
		struct peer_answer answer;
		const char *code, *message;
	} rows[] = {
		{ ANSWER("400 Bad Request", "59",
			 "{\"__type\":\"RequestLimitExceeded\",\"Message\":\"Rate exceeded\"}"),
		  "RequestLimitExceeded", "Rate exceeded" },
		{ ANSWER("500 Error", "0", ""), "http_500", "HTTP status 500 without a message" },
		{ ANSWER("403 Forbidden", "49",
			 "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"),
		  "AccessDeniedException", "no" },
		{ ANSWER("200 OK", "16", "{\"Instances\":[{}"), "garbled", NULL },
		{ ANSWER("200 OK", "19", "<html>log in</html>"), "garbled",
		  "not JSON: line 1, column 1: got '<', wanted a value; it begins with "
		  "'<html>log in</html>'" },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Instances\":[]}",
		    PEER_CLOSE },
		  "truncated",
		  NULL },
		{ { NULL, PEER_RESET }, "reset", NULL },
		{ { NULL, PEER_CLOSE }, "reset", NULL },
		{ ANSWER("200 OK", "99999999", ""), "too_large", NULL },
	};

	(void)state;
	ENVIRONMENT(KEYS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct peer_answer answers[] = { LAST_ON_ITS_CONNECTION, rows[i].answer,
						       rows[i].answer, ONE_INSTANCE };
		struct world w;

		world_open(&w, answers, ARRAY_SIZE(answers), 50);
		world_start(&w);
		AWAIT_FAILURES(&w, 2);
		assert_int_equal(w.snapshots, 1);
		assert_string_equal(w.code, rows[i].code);
		if (rows[i].message)
			assert_string_equal(w.message, rows[i].message);
		assert_int_equal(count_of(&w, rows[i].code), 2);
		AWAIT_SNAPSHOTS(&w, 2);
		assert_int_equal(w.failures, 2);
		/* 50..100 ms after the first, 100..200 after the second, then poll by poll again */
		assert_in_range(w.peer.asked_ms[2] - w.peer.asked_ms[1], 49, 1000);
		assert_in_range(w.peer.asked_ms[3] - w.peer.asked_ms[2], 99, 1000);
		world_close(&w);
	}
}

static void what_nobody_uses_is_asked_for_seldom_and_at_once_when_used(void **state)
{
	struct world w;
	uint64_t began_ms;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, 100);
	w.service.watch = CONFIG_WATCH_DEMAND;
	w.use = PACE_IDLE;
	world_start(&w);
	AWAIT_REQUESTS(&w, 2);
	assert_in_range(w.peer.asked_ms[1] - w.peer.asked_ms[0], 0, 2000);
	w.wanted = w.peer.requests + 1;
	assert_false(loop_until_ms(&w.loop, has_requests, &w, 400));
	assert_true(w.source->ops->next_ms(w.source) > uv_now(&w.loop) + 200);
	w.use = PACE_IN_USE;
	w.source->ops->wake(w.source);
	began_ms = uv_now(&w.loop);
	AWAIT_REQUESTS(&w, 3);
	assert_in_range(w.peer.asked_ms[2] - began_ms, 0, 1000);
	assert_in_range(w.peer.asked_ms[4] - w.peer.asked_ms[2], 150, 1100);
	world_close(&w);
}

#define INSTANCES_OF(revision, status)                                                            \
	"HTTP/1.1 200 OK\r\nContent-Length: 110\r\n\r\n{\"Instances\":["                          \
	"{\"HealthStatus\":\"" status "\",\"Attributes\":{\"AWS_INSTANCE_IPV4\":\"10.0.0.1\"}}]," \
	"\"InstancesRevision\":" revision "}"
#define REVISION_OF(revision) ANSWER("200 OK", "23", "{\"InstancesRevision\":" revision "}")
#define HEALTHY_AT(revision)                                 \
	{                                                    \
		INSTANCES_OF(revision, "HEALTHY"), PEER_KEEP \
	}
#define UNKNOWN_AT(revision)                                 \
	{                                                    \
		INSTANCES_OF(revision, "UNKNOWN"), PEER_KEEP \
	}
#define REVISIONS "DiscoverInstancesRevision"

static void asked_for_its_revision_it_asks_for_all_only_when_that_has_changed(void **state)
{
	static const struct peer_answer answers[] = { UNKNOWN_AT("7"),	REVISION_OF("7"),
						      REVISION_OF("7"), REVISION_OF("8"),
						      UNKNOWN_AT("8"),	REVISION_OF("8") };
	char value[512];
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, answers, ARRAY_SIZE(answers), 100);
	world_start(&w);
	AWAIT_UNCHANGED(&w, 2);
	assert_int_equal(w.snapshots, 1);
	assert_string_equal(peer_header(&w.peer, "X-Amz-Target", value, sizeof(value)),
			    "Route53AutoNaming_v20170314.DiscoverInstancesRevision");
	assert_non_null(strstr(w.peer.last, "\r\n\r\n{\"NamespaceName\":\"prod.local\","
					    "\"ServiceName\":\"orders\"}"));
	AWAIT_SNAPSHOTS(&w, 1);
	assert_int_equal(w.peer.requests, 5);
	AWAIT_UNCHANGED(&w, 3);
	assert_int_equal(w.snapshots, 2);
	assert_int_equal(w.failures, 0);
	assert_int_equal(count_of(&w, "ok"), 2);
	assert_int_equal(count_asked(&w, REVISIONS, "ok"), 6);
	world_close(&w);
}

static void health_moves_no_revision_so_every_third_beat_is_for_all(void **state)
{
	static const struct peer_answer answers[] = { HEALTHY_AT("7"),	REVISION_OF("7"),
						      REVISION_OF("7"), HEALTHY_AT("7"),
						      REVISION_OF("7"), REVISION_OF("7"),
						      HEALTHY_AT("7") };
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, answers, ARRAY_SIZE(answers), 20);
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 3);
	assert_int_equal(w.unchanged, 4);
	assert_int_equal(w.failures, 0);
	world_close(&w);
}

static void an_answer_that_is_doubted_is_asked_for_again_at_every_beat(void **state)
{
	static const struct peer_answer answers[] = { UNKNOWN_AT("7"), UNKNOWN_AT("7"),
						      UNKNOWN_AT("7") };
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, answers, ARRAY_SIZE(answers), 20);
	w.doubted = true;
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 5);
	assert_int_equal(w.unchanged + w.failures, 0);
	world_close(&w);
}

static void an_endpoint_that_lacks_revisions_is_asked_for_all_at_every_beat(void **state)
{
	static const struct peer_answer rows[] = {
		ANSWER("404 Not Found", "0", ""),
		ANSWER("400 Bad Request", "38", "{\"__type\":\"UnknownOperationException\"}"),
		ANSWER("400 Bad Request", "34", "{\"__type\":\"AccessDeniedException\"}"),
	};

	(void)state;
	ENVIRONMENT(KEYS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct peer_answer answers[] = { UNKNOWN_AT("7"), rows[i], UNKNOWN_AT("7") };
		struct world w;

		world_open(&w, answers, ARRAY_SIZE(answers), 20);
		world_start(&w);
		AWAIT_SNAPSHOTS(&w, 4);
		assert_int_equal(w.failures + w.unchanged, 0);
		assert_int_equal(w.peer.requests, 5);
		world_close(&w);
	}
}

static void a_revision_that_is_none_is_a_failure_and_all_is_asked_for(void **state)
{
	static const struct peer_answer answers[] = {
		UNKNOWN_AT("7"), ANSWER("200 OK", "25", "{\"InstancesRevision\":\"7\"}"),
		UNKNOWN_AT("7"), REVISION_OF("7")
	};
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, answers, ARRAY_SIZE(answers), 20);
	world_start(&w);
	AWAIT_UNCHANGED(&w, 1);
	assert_int_equal(w.failures, 1);
	assert_string_equal(w.code, "garbled");
	assert_string_equal(w.message, "InstancesRevision: got a string, wanted a count");
	assert_int_equal(w.snapshots, 2);
	world_close(&w);
}

static void a_refresh_asks_now(void **state)
{
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, 60000);
	w.service.watch = CONFIG_WATCH_DEMAND;
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 1);
	w.source->ops->refresh(w.source);
	w.source->ops->refresh(w.source);
	AWAIT_SNAPSHOTS(&w, 1);
	assert_int_equal(w.peer.requests, 2);
	world_close(&w);
}

static void without_credentials_it_waits_and_says_why(void **state)
{
	struct world w;

	(void)state;
	ENVIRONMENT(NULL);
	world_open(&w, good, 1, 60000);
	world_start(&w);
	AWAIT_FAILURES(&w, 1);
	assert_string_equal(w.code, "no_credentials");
	assert_non_null(strstr(w.message, "no credentials: AWS_ACCESS_KEY_ID is not set; "));
	assert_int_equal(w.source->ops->next_ms(w.source), 0);
	w.source->ops->refresh(w.source);
	ENVIRONMENT(KEYS);
	AWAIT_SNAPSHOTS(&w, 1);
	assert_int_equal(w.failures, 1);
	assert_int_equal(w.peer.requests, 1);
	world_close(&w);
}

static void a_request_refused_for_its_date_is_made_again_at_once(void **state)
{
	static char refusal[256];
	const struct peer_answer answers[] = { { refusal, PEER_KEEP }, ONE_INSTANCE };
	time_t remote = time(NULL) + 7200;
	char date[64], value[64], ahead[16];
	struct tm tm;
	struct world w;

	(void)state;
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&remote, &tm));
	(void)strftime(ahead, sizeof(ahead), "%Y%m%dT%H", &tm);
	(void)snprintf(refusal, sizeof(refusal),
		       "HTTP/1.1 403 Forbidden\r\nDate: %s\r\nContent-Length: 38\r\n\r\n"
		       "{\"__type\":\"InvalidSignatureException\"}",
		       date);
	ENVIRONMENT(KEYS);
	world_open(&w, answers, ARRAY_SIZE(answers), 60000);
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 1);
	assert_int_equal(w.failures, 1);
	assert_in_range(w.peer.asked_ms[1] - w.peer.asked_ms[0], 0, 5000); /* backing off: 7500 */
	assert_in_range(credentials_clock(w.credentials)->offset_s, 7100, 7300);
	assert_non_null(peer_header(&w.peer, "X-Amz-Date", value, sizeof(value)));
	/* The hour may have turned in between. */
	assert_true(strncmp(value, ahead, strlen(ahead)) >= 0);
	world_close(&w);
}

static const char *set_answer(char *text, size_t size, const char *id)
{
	char body[512];

	(void)snprintf(body, sizeof(body),
		       "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
		       "\"Expiration\":\"2099-11-20T22:16:37Z\"}",
		       id);
	(void)snprintf(text, size, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		       body);
	return text;
}

static void rejected_credentials_are_replaced_and_the_question_repeated_at_once(void **state)
{
	static const char *const errors[] = { "ExpiredTokenException",
					      "UnrecognizedClientException" };
	char one[1024], two[1024], rejection[256], value[512], url[64];

	(void)state;
	set_answer(one, sizeof(one), "ONE");
	set_answer(two, sizeof(two), "TWO");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const struct peer_answer answers[] = { ONE_INSTANCE,
						       { rejection, PEER_KEEP },
						       ONE_INSTANCE };
		const struct peer_answer sets[] = { { one, PEER_KEEP }, { two, PEER_KEEP } };
		struct peer container;
		struct world w;

		(void)snprintf(rejection, sizeof(rejection),
			       "HTTP/1.1 400 Bad Request\r\nContent-Length: "
			       "%zu\r\n\r\n{\"__type\":\"%s\"}",
			       strlen(errors[i]) + 13, errors[i]);
		ENVIRONMENT(KEYS);
		world_open(&w, answers, ARRAY_SIZE(answers), 1000);
		peer_open(&container, &w.loop, sets, ARRAY_SIZE(sets));
		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", container.port);
		ENVIRONMENT("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
		credentials_free(w.credentials);
		assert_int_equal(
			credentials_new(&w.loop, w.http, environment, NULL, &w.credentials), 0);
		w.env.credentials = w.credentials;
		world_start(&w);
		AWAIT_FAILURES(&w, 1);
		assert_string_equal(w.code, errors[i]);
		AWAIT_SNAPSHOTS(&w, 1);
		assert_int_equal(w.failures, 1);
		assert_int_equal(w.snapshots, 2);
		assert_non_null(peer_header(&w.peer, "Authorization", value, sizeof(value)));
		assert_non_null(strstr(value, "Credential=TWO/"));
		assert_int_equal(container.requests, 2);
		assert_in_range(w.peer.asked_ms[2] - w.peer.asked_ms[1], 0, 900);
		peer_shut(&container);
		world_close(&w);
		peer_done(&container);
	}
}

static void it_may_be_stopped_at_any_time(void **state)
{
	static const struct peer_answer bad[] = { ANSWER("500 Error", "0", "") },
					silent[] = { { NULL, PEER_KEEP } };
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, 50); /* from within the sink */
	w.stop_at_once = true;
	world_start(&w);
	AWAIT_SNAPSHOTS(&w, 1);
	world_close(&w);
	world_open(&w, bad, 1, 50);
	w.stop_at_once = true;
	world_start(&w);
	AWAIT_FAILURES(&w, 1);
	world_close(&w);
	world_open(&w, silent, 1, 50); /* with a question under way */
	world_start(&w);
	AWAIT_REQUESTS(&w, 1);
	assert_int_equal(w.source->ops->next_ms(w.source), 0);
	world_close(&w);
	assert_int_equal(w.failures + w.snapshots, 0);
	world_open(&w, good, 1, 50); /* at once */
	world_start(&w);
	world_close(&w);
	ENVIRONMENT(NULL);
	world_open(&w, good, 1, 50); /* waiting for credentials */
	world_start(&w);
	AWAIT_FAILURES(&w, 1);
	world_close(&w);
}

static void a_configuration_without_a_region_or_with_a_bad_endpoint_is_refused(void **state)
{
	const struct source_sink sink = { 0 };
	struct world w;

	(void)state;
	ENVIRONMENT(KEYS);
	world_open(&w, good, 1, 50);
	w.config.aws.region = NULL;
	assert_int_equal(source_cloudmap.start(&w.env, &w.config, &w.service, &sink, &w.source),
			 -EINVAL);
	w.config.aws.region = w.endpoint;
	w.config.aws.data_endpoint = (char *)(uintptr_t) "ftp://127.0.0.1";
	assert_int_equal(source_cloudmap.start(&w.env, &w.config, &w.service, &sink, &w.source),
			 -EINVAL);
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_refused_for_its_date_is_made_again_at_once),
		cmocka_unit_test(it_asks_at_once_and_tells_the_whole_set),
		cmocka_unit_test(the_beat_is_kept_by_schedule_however_long_answers_take),
		cmocka_unit_test(a_question_at_a_time_even_if_answers_take_longer_than_a_poll),
		cmocka_unit_test(every_fault_is_told_and_the_first_good_answer_ends_it),
		cmocka_unit_test(what_nobody_uses_is_asked_for_seldom_and_at_once_when_used),
		cmocka_unit_test(asked_for_its_revision_it_asks_for_all_only_when_that_has_changed),
		cmocka_unit_test(health_moves_no_revision_so_every_third_beat_is_for_all),
		cmocka_unit_test(an_answer_that_is_doubted_is_asked_for_again_at_every_beat),
		cmocka_unit_test(an_endpoint_that_lacks_revisions_is_asked_for_all_at_every_beat),
		cmocka_unit_test(a_revision_that_is_none_is_a_failure_and_all_is_asked_for),
		cmocka_unit_test(a_refresh_asks_now),
		cmocka_unit_test(without_credentials_it_waits_and_says_why),
		cmocka_unit_test(
			rejected_credentials_are_replaced_and_the_question_repeated_at_once),
		cmocka_unit_test(it_may_be_stopped_at_any_time),
		cmocka_unit_test(
			a_configuration_without_a_region_or_with_a_bad_endpoint_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
