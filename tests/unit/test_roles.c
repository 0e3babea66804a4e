/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials by way of STS: for a web identity, and for the profiles of the shared files. */
#include "http_peer.h"

#include <fcntl.h>
#include <limits.h>

#include "io/credentials.h"

static const char *variables[24];

static const char *environment(const char *name)
{
	for (size_t i = 0; variables[i]; i += 2)
		if (streq(variables[i], name))
			return variables[i + 1];
	/* Only who names an endpoint of his own may ask for metadata. */
	return streq(name, "AWS_EC2_METADATA_DISABLED") ? "true" : NULL;
}

struct world {
	uv_loop_t loop;
	struct http *http;
	struct peer peer;
	struct requests requests;
	struct credentials *credentials;
	struct credentials_waiter waiter;
	unsigned int told;
	char sts[64], directory[64], file[PATH_MAX];
};

#define ENVIRONMENT(w, ...)                                                                 \
	do {                                                                                \
		const char *const pairs[ARRAY_SIZE(variables)] = { "AWS_ENDPOINT_URL_STS",  \
								   (w)->sts, __VA_ARGS__ }; \
		memcpy(variables, pairs, sizeof(variables));                                \
	} while (0)

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
	(void)snprintf(w->directory, sizeof(w->directory), "/tmp/shunt-test-roles-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	(void)snprintf(w->file, sizeof(w->file), "%s/file", w->directory);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->sts, sizeof(w->sts), "http://127.0.0.1:%u", w->peer.port);
	assert_int_equal(
		credentials_new(&w->loop, w->http, environment, &w->requests, &w->credentials), 0);
	assert_int_equal(credentials_set_region(w->credentials, "eu-west-1", false, false), 0);
}

static void world_close(struct world *w)
{
	credentials_free(w->credentials);
	http_free(w->http);
	peer_shut(&w->peer);
	loop_finish(&w->loop);
	peer_done(&w->peer);
	(void)unlink(w->file);
	assert_int_equal(rmdir(w->directory), 0);
}

static void write_text(const struct world *w, const char *text)
{
	FILE *to = fopen(w->file, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void await(struct world *w)
{
	w->told = 0;
	credentials_await(w->credentials, &w->waiter);
	loop_until(&w->loop, was_told, w);
}

static struct credentials_status status_of(const struct world *w)
{
	struct credentials_status status;

	credentials_status(w->credentials, &status);
	return status;
}

/* An answer of STS, its length right whatever the name. */
static const char *answer(char *text, size_t size, const char *id)
{
	char body[512];

	(void)snprintf(body, sizeof(body),
		       "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s"
		       "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
		       "</SessionToken><Expiration>2099-11-20T22:16:37Z</Expiration></Credentials>"
		       "</AssumeRoleResult></AssumeRoleResponse>",
		       id);
	(void)snprintf(text, size, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		       body);
	return text;
}

static void a_web_identity_becomes_its_role_by_the_token_of_the_day(void **state)
{
	static char one[1024], two[1024];
	static const struct peer_answer answers[] = { { one, PEER_KEEP }, { two, PEER_KEEP } };
	char value[64];
	struct world w;

	(void)state;
	answer(one, sizeof(one), "ONE");
	answer(two, sizeof(two), "TWO");
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file, "AWS_ROLE_ARN",
		    "arn:aws:iam::1:role/a", "AWS_ROLE_SESSION_NAME", "me");
	write_text(&w, "head.first.sign\n");
	await(&w);
	assert_null(status_of(&w).error);
	assert_string_equal(status_of(&w).provider, "web identity");
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "ONE");
	assert_non_null(strstr(
		w.peer.last, "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
			     "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=me&"
			     "WebIdentityToken=head.first.sign"));
	assert_null(peer_header(&w.peer, "Authorization", value, sizeof(value)));
	write_text(&w, "head.second.sign");
	credentials_rejected(w.credentials);
	await(&w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "TWO");
	assert_non_null(strstr(w.peer.last, "WebIdentityToken=head.second.sign"));
	assert_string_equal(w.requests.rows[0].operation, "AssumeRole");
	assert_int_equal(w.requests.rows[0].count, 2);
	world_close(&w);
}

static void what_is_wrong_with_a_web_identity_is_said(void **state)
{
	static const struct peer_answer answers[] = {
		{ "HTTP/1.1 400 Bad Request\r\nContent-Length: 103\r\n\r\n<ErrorResponse><Error>"
		  "<Code>ExpiredTokenException</Code><Message>late</Message></Error></"
		  "ErrorResponse>",
		  PEER_CLOSE }
	};
	static const struct {
		const char *variable, *value, *error;
	} rows[] = {
		{ "x", "y", "AWS_ROLE_ARN is not set, but AWS_WEB_IDENTITY_TOKEN_FILE is" },
		{ "AWS_ROLE_ARN", "r", "STS: ExpiredTokenException: late" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		world_open(&w, answers, 1);
		ENVIRONMENT(&w, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file, rows[i].variable,
			    rows[i].value);
		write_text(&w, "token");
		await(&w);
		assert_string_equal(status_of(&w).error, rows[i].error);
		world_close(&w);
	}
}

static void a_token_file_that_has_no_token_is_told(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	static const char *const texts[] = { "", "\n", "two\nlines\n", "a b" };
	char wanted[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct world w;

		world_open(&w, answers, 1);
		ENVIRONMENT(&w, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file, "AWS_ROLE_ARN", "r");
		write_text(&w, texts[i]);
		await(&w);
		(void)snprintf(
			wanted, sizeof(wanted),
			"AWS_WEB_IDENTITY_TOKEN_FILE: %.100s: wanted visible characters only",
			w.file);
		assert_string_equal(status_of(&w).error, wanted);
		assert_int_equal(w.peer.requests, 0);
		world_close(&w);
	}
}

static void the_keys_of_a_profile_are_taken_and_read_again_when_refused(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	ENVIRONMENT(&w, "AWS_SHARED_CREDENTIALS_FILE", w.file, "AWS_PROFILE", "agent");
	write_text(&w, "[agent]\naws_access_key_id=ONE\naws_secret_access_key=s\n"
		       "aws_session_token=t\n");
	await(&w);
	assert_null(status_of(&w).error);
	assert_string_equal(status_of(&w).provider, "profile");
	assert_int_equal(status_of(&w).n_passed, 2);
	assert_string_equal(status_of(&w).passed[1].why, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	assert_string_equal(credentials_get(w.credentials)->session_token, "t");
	write_text(&w, "[agent]\naws_access_key_id=TWO\naws_secret_access_key=s\n");
	credentials_rejected(w.credentials);
	await(&w);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "TWO");
	assert_null(credentials_get(w.credentials)->session_token);
	world_close(&w);
}

static void a_role_is_assumed_with_the_keys_of_its_source(void **state)
{
	static char one[1024], two[1024];
	static const struct peer_answer answers[] = { { one, PEER_KEEP }, { two, PEER_KEEP } };
	char value[512];
	struct world w;

	(void)state;
	answer(one, sizeof(one), "ONE");
	answer(two, sizeof(two), "TWO");
	world_open(&w, answers, ARRAY_SIZE(answers));
	ENVIRONMENT(&w, "AWS_CONFIG_FILE", w.file);
	write_text(&w, "[default]\nrole_arn=far\nsource_profile=near\nexternal_id=x\n"
		       "[profile near]\nrole_arn=near\nsource_profile=keys\nrole_session_name=me\n"
		       "[profile keys]\naws_access_key_id=AKID\naws_secret_access_key=s\n");
	await(&w);
	assert_null(status_of(&w).error);
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "TWO");
	assert_int_equal(w.peer.requests, 2);
	assert_non_null(strstr(w.peer.last,
			       "\r\n\r\nAction=AssumeRole&Version=2011-06-15&RoleArn=far"
			       "&RoleSessionName=shunt&ExternalId=x"));
	/* The second was signed with what the first gave. */
	assert_non_null(strstr(peer_header(&w.peer, "Authorization", value, sizeof(value)),
			       "Credential=ONE/"));
	assert_non_null(strstr(value, "/eu-west-1/sts/aws4_request, SignedHeaders="
				      "content-type;host;x-amz-date;x-amz-security-token, "));
	world_close(&w);
}

static void a_role_is_assumed_with_what_another_provider_gives(void **state)
{
	static char one[1024];
	static const struct peer_answer answers[] = { { one, PEER_KEEP } };
	char value[512];
	static char set[512];
	static const struct peer_answer sets[] = { { set, PEER_KEEP } };
	static const char body[] = "{\"AccessKeyId\":\"TASK\",\"SecretAccessKey\":\"s\","
				   "\"Token\":\"t\",\"Expiration\":\"2099-11-20T22:16:37Z\"}";
	struct peer container;
	struct world w;
	char url[64];

	(void)state;
	answer(one, sizeof(one), "ONE");
	world_open(&w, answers, ARRAY_SIZE(answers));
	(void)snprintf(set, sizeof(set), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		       strlen(body), body);
	peer_open(&container, &w.loop, sets, 1);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", container.port);
	ENVIRONMENT(&w, "AWS_CONFIG_FILE", w.file, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	write_text(&w, "[default]\nrole_arn=far\ncredential_source=EcsContainer\n");
	await(&w);
	assert_null(status_of(&w).error);
	assert_string_equal(status_of(&w).provider, "profile");
	assert_string_equal(credentials_get(w.credentials)->access_key_id, "ONE");
	assert_non_null(strstr(peer_header(&w.peer, "Authorization", value, sizeof(value)),
			       "Credential=TASK/"));
	peer_shut(&container);
	world_close(&w);
	peer_done(&container);
}

static void what_is_wrong_with_a_profile_is_named(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "[profile p]\nrole_arn=r\n",
		  "profile 'p': role_arn is there, but none of source_profile, credential_source "
		  "and web_identity_token_file that goes with it" },
		{ "[profile p]\nrole_arn=r\nsource_profile=q\n",
		  "profile 'p': source_profile: no profile 'q'" },
		{ "[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nregion=x\n",
		  "profile 'q': aws_access_key_id is missing" },
		{ "[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nrole_arn=s\n"
		  "source_profile=p\n",
		  "profile 'p': more than 5 roles in a row" },
		{ "[profile p]\nrole_arn=r\ncredential_source=Magic\n",
		  "profile 'p': credential_source: wanted Environment, EcsContainer or "
		  "Ec2InstanceMetadata" },
		{ "[profile p]\nrole_arn=r\ncredential_source=EcsContainer\n",
		  "profile 'p': credential_source EcsContainer: neither "
		  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI "
		  "is set" },
		{ "[profile p]\naws_access_key_id=a\n",
		  "profile 'p': aws_secret_access_key is missing" },
		{ "[profile p]\naws_access_key_id=a b\naws_secret_access_key=c\n",
		  "profile 'p': aws_access_key_id: wanted visible characters only" },
		{ "[profile p]\ncredential_process=/bin/true\n",
		  "profile 'p': credential_process is not supported: the agent runs no programs" },
		{ "[profile p]\nsso_session=corp\n",
		  "profile 'p': sso_session is not supported: the agent has nobody who could log "
		  "in" },
		{ "[profile p]\nrole_arn=r\nsource_profile=p\nmfa_serial=m\n",
		  "profile 'p': mfa_serial is not supported: the agent has nobody who could read "
		  "a code" },
		{ "[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nrole_arn=s\n"
		  "web_identity_token_file=/x\n",
		  "profile 'q': web_identity_token_file is not supported in a source_profile" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		world_open(&w, answers, 1);
		ENVIRONMENT(&w, "AWS_CONFIG_FILE", w.file, "AWS_PROFILE", "p");
		write_text(&w, rows[i].text);
		await(&w);
		assert_string_equal(status_of(&w).error, rows[i].error);
		assert_string_equal(status_of(&w).provider, "profile");
		assert_int_equal(w.peer.requests, 0);
		world_close(&w);
	}
}

static void a_profile_that_was_asked_for_must_be_there(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	ENVIRONMENT(&w, "HOME", "/nonexistent", "AWS_PROFILE", "p");
	await(&w);
	assert_string_equal(status_of(&w).error,
			    "AWS_PROFILE: no profile 'p' in /nonexistent/.aws/config or "
			    "/nonexistent/.aws/credentials");
	ENVIRONMENT(&w, "AWS_CONFIG_FILE", w.file);
	write_text(&w, "[default]\nregion=eu-west-1\n");
	await(&w);
	assert_string_equal(status_of(&w).provider, "none"); /* not asked for: passed over */
	assert_string_equal(status_of(&w).passed[2].why, "profile 'default' has no credentials");
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_web_identity_becomes_its_role_by_the_token_of_the_day),
		cmocka_unit_test(what_is_wrong_with_a_web_identity_is_said),
		cmocka_unit_test(a_token_file_that_has_no_token_is_told),
		cmocka_unit_test(the_keys_of_a_profile_are_taken_and_read_again_when_refused),
		cmocka_unit_test(a_role_is_assumed_with_the_keys_of_its_source),
		cmocka_unit_test(a_role_is_assumed_with_what_another_provider_gives),
		cmocka_unit_test(what_is_wrong_with_a_profile_is_named),
		cmocka_unit_test(a_profile_that_was_asked_for_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
