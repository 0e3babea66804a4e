/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include "io/region_search.h"

static const char *variables[16];

static const char *environment(const char *name)
{
	for (size_t i = 0; variables[i]; i += 2)
		if (streq(variables[i], name))
			return variables[i + 1];
	/* A busy machine must not be taken for one that is silent. */
	return streq(name, "AWS_METADATA_SERVICE_TIMEOUT") ? "30" : NULL;
}

struct world {
	uv_loop_t loop;
	struct http *http;
	struct peer peer;
	struct requests requests;
	struct region_search *search;
	char url[64], region[64], from[64];
};

static void on_found(void *user, const char *region, const char *from)
{
	struct world *w = user;

	assert_string_equal(w->region, "");
	(void)util_copy(w->region, sizeof(w->region), region);
	(void)util_copy(w->from, sizeof(w->from), from);
}

static bool has_found(void *user)
{
	return ((struct world *)user)->region[0];
}

static bool has_error(void *user)
{
	return region_search_error(((struct world *)user)->search);
}

static void world_open(struct world *w, const struct peer_answer *answers, size_t n)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(http_new(&w->loop, &w->http), 0);
	peer_open(&w->peer, &w->loop, answers, n);
	(void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", w->peer.port);
}

static void world_start(struct world *w, const char *task, const char *no_instance)
{
	const char *const pairs[ARRAY_SIZE(variables)] = {
		"ECS_CONTAINER_METADATA_URI_V4",     task,
		"AWS_EC2_METADATA_SERVICE_ENDPOINT", w->url,
		"AWS_EC2_METADATA_DISABLED",	     no_instance,
	};

	memcpy(variables, pairs, sizeof(variables));
	assert_int_equal(region_search_new(&w->loop, w->http, environment, &w->requests, on_found,
					   w, &w->search),
			 0);
}

static void world_close(struct world *w)
{
	region_search_free(w->search);
	http_free(w->http);
	peer_shut(&w->peer);
	loop_finish(&w->loop);
	peer_done(&w->peer);
}

#define ANSWER(status, length, body)                                                        \
	{                                                                                   \
		"HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" body, PEER_KEEP \
	}
#define TASK ANSWER("200 OK", "44", "{\"TaskARN\":\"arn:aws:ecs:eu-west-1:1:task/x\"}")
#define TOKEN ANSWER("200 OK", "5", "TOKEN")
#define REGION ANSWER("200 OK", "10", "ap-south-1")

static void a_task_s_metadata_tells_it_first(void **state)
{
	static const struct peer_answer answers[] = { TASK };
	struct world w;
	char task[96];

	(void)state;
	world_open(&w, answers, 1);
	(void)snprintf(task, sizeof(task), "%s/v4/id", w.url);
	world_start(&w, task, "false");
	loop_until(&w.loop, has_found, &w);
	assert_string_equal(w.region, "eu-west-1");
	assert_string_equal(w.from, "task metadata");
	assert_int_equal(strncmp(w.peer.last, "GET /v4/id/task HTTP/1.1\r\n", 26), 0);
	assert_int_equal(w.peer.requests, 1);
	assert_null(region_search_error(w.search));
	world_close(&w);
}

static void else_the_instance_s_tells_it(void **state)
{
	static const struct peer_answer answers[] = { TOKEN, REGION };
	struct world w;

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	world_start(&w, "", "false");
	loop_until(&w.loop, has_found, &w);
	assert_string_equal(w.region, "ap-south-1");
	assert_string_equal(w.from, "instance metadata");
	assert_int_equal(
		strncmp(w.peer.last, "GET /latest/meta-data/placement/region HTTP/1.1\r\n", 49), 0);
	world_close(&w);
}

static void it_is_looked_for_until_it_is_found_and_says_why_not_yet(void **state)
{
	static const struct peer_answer answers[] = { ANSWER("503 Busy", "0", ""), TOKEN,
						      ANSWER("200 OK", "6", "Narnia"),
						      ANSWER("200 OK", "2", "{}"), REGION };
	struct world w;
	char task[96];

	(void)state;
	world_open(&w, answers, ARRAY_SIZE(answers));
	(void)snprintf(task, sizeof(task), "%s/v4/id", w.url);
	world_start(&w, task, "false");
	loop_until(&w.loop, has_error, &w);
	assert_string_equal(w.region, "");
	loop_until(&w.loop, has_found, &w);
	assert_string_equal(w.region, "ap-south-1");
	assert_int_equal(w.peer.requests, 5);
	world_close(&w);
}

static void where_nobody_may_be_asked_it_says_so(void **state)
{
	static const struct peer_answer answers[] = { { NULL, PEER_CLOSE } };
	struct world w;

	(void)state;
	world_open(&w, answers, 1);
	world_start(&w, "", "true");
	loop_until(&w.loop, has_error, &w);
	assert_string_equal(
		region_search_error(w.search),
		"ECS_CONTAINER_METADATA_URI_V4 is not set; AWS_EC2_METADATA_DISABLED is "
		"set");
	assert_int_equal(w.peer.requests, 0);
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_s_metadata_tells_it_first),
		cmocka_unit_test(else_the_instance_s_tells_it),
		cmocka_unit_test(it_is_looked_for_until_it_is_found_and_says_why_not_yet),
		cmocka_unit_test(where_nobody_may_be_asked_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
