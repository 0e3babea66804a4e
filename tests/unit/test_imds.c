/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include <time.h>

#include "io/credentials.h"

static const char *variables[16];

static const char *environment(const char *name)
{
	for (size_t i = 0; variables[i]; i += 2)
		if (streq(variables[i], name))
			return variables[i + 1];
	/* A busy machine must not be taken for one that is silent. */
	return streq(name, "AWS_METADATA_SERVICE_TIMEOUT") ? "30" : NULL;
}

/* Always with an endpoint of the test's own: the machine may have one, too. */
#define ENVIRONMENT(w, ...)                                                             \
	do {                                                                            \
		const char *const set[ARRAY_SIZE(variables)] = {                        \
			"AWS_EC2_METADATA_SERVICE_ENDPOINT", (w)->endpoint, __VA_ARGS__ \
		};                                                                      \
		memcpy(variables, set, sizeof(variables));                              \
	} while (0)

struct world {
	uv_loop_t loop;
	struct http *http;
	struct peer peer;
	struct requests requests;
	struct credentials *credentials;
	struct credentials_waiter waiter;
	unsigned int told;
	char endpoint[64];
};

static void on_ready(void *user)
{
	((struct world *)user)->told++;
}

static bool was_told(void *user)
{
	return ((struct world *)user)->told > 0;
}

static void world_open(struct world *w, const struct peer_answer *answers, size_t n)
{
	memset(w, 0, sizeof(*w));
	w->waiter = (struct credentials_waiter){ .ready = on_ready, .user = w };
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->endpoint, sizeof(w->endpoint), "http://127.0.0.1:%u/", w->peer.port);
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

static void await(struct world *w)
{
	w->told = 0;
	credentials_await(w->credentials, &w->waiter);
	loop_until(&w->loop, was_told, w);
}

static const char *error_of(const struct world *w)
{
	struct credentials_status status;

	credentials_status(w->credentials, &status);
	return status.error ? status.error : "";
}

#define ANSWER(status, length, body)                                                        \
	{                                                                                   \
		"HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" body, PEER_KEEP \
	}
#define TOKEN ANSWER("200 OK", "8", "TOKEN==1")
#define ROLE ANSWER("200 OK", "8", "my-role\n")
#define SET(expiration)                                                                 \
	ANSWER("200 OK", "132",                                                         \
	       "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIA\","  \
	       "\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"" expiration \
	       "\"}     ")
#define GOOD SET("2099-11-20T22:16:37Z")
#define REFUSED ANSWER("401 Unauthorized", "0", "")
#define ABSENT ANSWER("404 Not Found", "0", "")

static void a_role_s_credentials_come_through_a_session(void **state)
{
	static const struct peer_answer answers[] = { TOKEN, ROLE, GOOD };
	struct credentials_status status;
	char value[256];
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, NULL);
	await(&w);
	assert_string_equal(error_of(&w), "");
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "ASIA");
	assert_int_equal(w.peer.requests, 3);
	assert_int_equal(
		strncmp(w.peer.last,
			"GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1\r\n", 65),
		0);
	assert_string_equal(peer_header(&w.peer, "X-aws-ec2-metadata-token", value, sizeof(value)),
			    "TOKEN==1");
	credentials_status(w.credentials, &status);
	assert_string_equal(status.provider, "instance");
	assert_int_equal(status.n_passed, 4);
	world_close(&w);
}

static void the_request_for_a_token_is_a_put_with_its_life(void **state)
{
	static const struct peer_answer answers[] = { ANSWER("400 Bad Request", "0", "") };
	char value[256];
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, NULL);
	await(&w);
	assert_int_equal(strncmp(w.peer.last, "PUT /latest/api/token HTTP/1.1\r\n", 32), 0);
	assert_string_equal(peer_header(&w.peer, "X-aws-ec2-metadata-token-ttl-seconds", value,
					sizeof(value)),
			    "21600");
	assert_string_equal(
		error_of(&w),
		"instance metadata: the request for a session token got HTTP status 400");
	assert_int_equal(w.peer.requests, 1);
	world_close(&w);
}

static void a_session_is_kept_and_one_that_is_refused_is_replaced(void **state)
{
	static const struct peer_answer answers[] = {
		TOKEN, ROLE, REFUSED, ANSWER("200 OK", "8", "TOKEN==2"), GOOD, ROLE, GOOD,
	};
	char value[256];
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, NULL);
	await(&w);
	assert_string_equal(error_of(&w), "");
	assert_int_equal(w.peer.requests, 5);
	assert_string_equal(peer_header(&w.peer, "X-aws-ec2-metadata-token", value, sizeof(value)),
			    "TOKEN==2");
	credentials_rejected(w.credentials);
	await(&w);
	assert_int_equal(w.peer.requests, 7);
	world_close(&w);
}

static void who_refuses_every_session_is_not_asked_for_ever(void **state)
{
	static const struct peer_answer answers[] = { TOKEN, REFUSED, TOKEN, REFUSED,
						      TOKEN, ROLE,    GOOD };
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, NULL);
	await(&w);
	assert_string_equal(error_of(&w), "instance metadata: HTTP status 401");
	assert_int_equal(w.peer.requests, 4);
	world_close(&w);
}

static void where_there_are_no_sessions_it_goes_without(void **state)
{
	static const struct peer_answer refusals[] = {
		ABSENT,
		ANSWER("403 Forbidden", "0", ""),
		ANSWER("405 Not Allowed", "0", ""),
	};
	char value[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct peer_answer answers[] = { refusals[i], ROLE, refusals[i], GOOD };
		struct world w;

		world_open(&w, answers, ARRAY_SIZE(answers));
		ENVIRONMENT(&w, NULL);
		await(&w);
		assert_string_equal(error_of(&w), "");
		assert_non_null(credentials_get(w.credentials));
		assert_null(peer_header(&w.peer, "X-aws-ec2-metadata-token", value, sizeof(value)));
		world_close(&w);
	}
}

static void what_keeps_it_from_credentials_is_said_in_words(void **state)
{
	static const struct {
		struct peer_answer answers[3];
		const char *variable, *error;
	} rows[] = {
		{ { { NULL, PEER_KEEP }, REFUSED, REFUSED },
		  "AWS_METADATA_SERVICE_TIMEOUT" /* "true" is no number: 1 s */,
		  "instance metadata: wants a session, but the request for its token got no "
		  "answer; "
		  "from a container with a network of its own the answer is lost while the "
		  "instance's HttpPutResponseHopLimit is 1: set it to 2 (aws ec2 "
		  "modify-instance-metadata-options --http-put-response-hop-limit 2), run in the "
		  "host's network, or give the task a role" },
		{ { ABSENT, ABSENT, ABSENT },
		  "AWS_EC2_METADATA_V1_DISABLED",
		  "instance metadata: the request for a session token was refused, and "
		  "AWS_EC2_METADATA_V1_DISABLED forbids to do without" },
		{ { TOKEN, ABSENT, ABSENT },
		  "x",
		  "instance metadata: the instance has no role: give it an instance profile, or "
		  "the task a role" },
		{ { TOKEN, ANSWER("200 OK", "9", "../secret"), ABSENT },
		  "x",
		  "instance metadata: the name of the role is none of IAM's" },
		{ { TOKEN, ROLE,
		    ANSWER("200 OK", "39", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}") },
		  "x",
		  "instance metadata: there is none: AssumeRoleUnauthorizedAccess" },
		{ { ANSWER("200 OK", "6", "TO\nKEN"), ABSENT, ABSENT },
		  "x",
		  "instance metadata: the session token is none: wanted up to 256 visible "
		  "characters" },
		{ { TOKEN, ANSWER("503 Busy", "0", ""), ABSENT },
		  "x",
		  "instance metadata: HTTP status 503" },
		{ { TOKEN, ROLE, ABSENT },
		  "AWS_EC2_METADATA_DISABLED",
		  "no credentials: AWS_ACCESS_KEY_ID is not set; AWS_WEB_IDENTITY_TOKEN_FILE is "
		  "not "
		  "set; neither HOME nor AWS_SHARED_CREDENTIALS_FILE is set; neither "
		  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
		  "AWS_CONTAINER_CREDENTIALS_FULL_URI is set; AWS_EC2_METADATA_DISABLED is set" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		world_open(&w, rows[i].answers, ARRAY_SIZE(rows[i].answers));
		ENVIRONMENT(&w, rows[i].variable, "true");
		await(&w);
		assert_string_equal(error_of(&w), rows[i].error);
		assert_null(credentials_get(w.credentials));
		world_close(&w);
	}
}

static void where_nobody_answers_it_says_where_it_asked(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	char wanted[256];
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	ENVIRONMENT(&w, NULL);
	await(&w);
	(void)snprintf(wanted, sizeof(wanted),
		       "instance metadata: no answer from %s (reset): this is no EC2 instance, or "
		       "its metadata is off or kept from here",
		       w.endpoint);
	assert_string_equal(error_of(&w), wanted);
	world_close(&w);
}

static void expired_credentials_are_used_on(void **state)
{
	static const struct peer_answer answers[] = { TOKEN, ROLE, SET("2020-11-20T22:16:37Z") };
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, NULL);
	await(&w);
	assert_string_equal(error_of(&w), "");
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "ASIA");
	w.told = 0;
	credentials_await(w.credentials, &w.waiter);
	assert_false(loop_until_ms(&w.loop, was_told, &w, 200)); /* for two minutes at least */
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_s_credentials_come_through_a_session),
		cmocka_unit_test(the_request_for_a_token_is_a_put_with_its_life),
		cmocka_unit_test(a_session_is_kept_and_one_that_is_refused_is_replaced),
		cmocka_unit_test(who_refuses_every_session_is_not_asked_for_ever),
		cmocka_unit_test(where_there_are_no_sessions_it_goes_without),
		cmocka_unit_test(what_keeps_it_from_credentials_is_said_in_words),
		cmocka_unit_test(where_nobody_answers_it_says_where_it_asked),
		cmocka_unit_test(expired_credentials_are_used_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
