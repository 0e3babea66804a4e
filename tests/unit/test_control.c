/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/control.h"
#include "loop_client.h"

#define LARGE_REPLY (4u << 20)

struct fixture {
	uv_loop_t loop;
	struct control *control;
	char directory[32];
	char path[64];
	unsigned int asked;
};

static cJSON *answer_echo(void *user, const cJSON *request)
{
	struct fixture *f = user;

	f->asked++;
	return cJSON_Duplicate(request, true);
}

static cJSON *answer_large(void *user, const cJSON *request)
{
	_cleanup_free_ char *text = malloc(LARGE_REPLY + 1);

	(void)user;
	(void)request;
	assert_non_null(text);
	memset(text, 'x', LARGE_REPLY);
	text[LARGE_REPLY] = '\0';
	return cJSON_CreateString(text);
}

static cJSON *answer_nothing(void *user, const cJSON *request)
{
	(void)user;
	(void)request;
	return NULL;
}

static const struct control_verb verbs[] = {
	{ "echo", answer_echo },
	{ "large", answer_large },
	{ "nothing", answer_nothing },
	{ NULL, NULL },
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)util_copy(f->directory, sizeof(f->directory), "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->path, sizeof(f->path), "%s/run/control.sock", f->directory);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(control_new(&f->loop, f->path, verbs, f, &f->control), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char run[48];

	control_free(f->control);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	(void)snprintf(run, sizeof(run), "%s/run", f->directory);
	assert_int_equal(rmdir(run), 0);
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static void client_open(struct fixture *f, struct loop_client *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	assert_true(util_copy(at.sun_path, sizeof(at.sun_path), f->path));
	loop_client_open(c, &f->loop, &at, sizeof(at));
}

/* Sends bytes and returns what came until the connection was closed; the caller's, maybe NULL. */
static char *exchange(struct fixture *f, const char *request, size_t length)
{
	struct loop_client c;
	char *text;

	client_open(f, &c);
	loop_client_send(&c, request, length);
	loop_wait(&f->loop, &c.ended);
	text = TAKE_PTR(c.text);
	loop_client_close(&c, &f->loop);
	return text;
}

static void a_line_is_answered_by_a_line(void **state)
{
#define FAULT(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}\n"
	static const struct {
		const char *request, *reply;
	} cases[] = {
		{ "{\"verb\":\"echo\",\"name\":\"a\"}\n", "{\"verb\":\"echo\",\"name\":\"a\"}\n" },
		{ "{\"verb\":\"echo\"}\nand more", "{\"verb\":\"echo\"}\n" },
		{ "{\"verb\":\"nothing\"}\n", "" },
		{ "\n", FAULT("bad_request", "column 1: got the end of the text, wanted a value") },
		{ "hello\n", NULL },
		{ "[]\n", FAULT("bad_request", "got a list, wanted an object") },
		{ "{}\n", FAULT("bad_request", "verb: missing") },
		{ "{\"verb\":1}\n", FAULT("bad_request", "verb: got 1, wanted a string") },
		{ "{\"verb\":\"stop\"}\n",
		  FAULT("unknown_verb", "verb: there is no \\\"stop\\\"") },
		{ "{\"Verb\":\"echo\"}\n", FAULT("bad_request", "verb: missing") },
		{ "{\"verb\":\"echo\"} x\n", NULL },
		{ "{\"verb\":\"echo\",\"a\":[[[[[[[[[]]]]]]]]]}\n", NULL },
		{ "{\"verb\":\"\x01\"}\n", NULL },
		{ "\xff\xfe\n", NULL },
	};
#undef FAULT

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *reply = NULL;

		reply = exchange(*state, cases[i].request, strlen(cases[i].request));
		if (cases[i].reply) {
			assert_string_equal(reply, cases[i].reply);
			continue;
		}
		/* how JSON is faulted is core/json's own matter */
		assert_memory_equal(reply, "{\"error\":{\"code\":\"bad_request\",", 30);
		assert_ptr_equal(strchr(reply, '\n'), reply + strlen(reply) - 1);
	}
}

static void a_nul_in_a_request_is_refused(void **state)
{
	static const char request[] = "{\"verb\":\"echo\"}\0{}\n";
	_cleanup_free_ char *reply = NULL;

	reply = exchange(*state, request, sizeof(request) - 1);
	assert_memory_equal(reply, "{\"error\":{\"code\":\"bad_request\",", 30);
}

static void a_request_without_end_is_refused(void **state)
{
	_cleanup_free_ char *request = malloc(CONTROL_REQUEST_MAX);
	_cleanup_free_ char *reply = NULL;

	assert_non_null(request);
	memset(request, ' ', CONTROL_REQUEST_MAX);
	reply = exchange(*state, request, CONTROL_REQUEST_MAX);
	assert_string_equal(reply, "{\"error\":{\"code\":\"too_large\",\"message\":"
				   "\"no line end within 65536 bytes\"}}\n");
}

static void a_request_may_come_byte_by_byte(void **state)
{
	static const char request[] = "{\"verb\":\"echo\"}\n";
	struct fixture *f = *state;
	struct loop_client c;

	client_open(f, &c);
	for (size_t i = 0; i < strlen(request); i++) {
		assert_false(c.ended);
		loop_client_send(&c, request + i, 1);
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	}
	loop_wait(&f->loop, &c.ended);
	assert_string_equal(c.text, request);
	loop_client_close(&c, &f->loop);
}

/* One does not ask, one does not take its answer: both are gone after their time. */
static void slow_clients_are_sent_away(void **state)
{
	struct fixture *f = *state;
	struct loop_client mute, deaf;

	client_open(f, &mute);
	loop_client_send(&mute, "{", 1);
	client_open(f, &deaf);
	assert_int_equal(uv_poll_start(&deaf.poll, UV_DISCONNECT, loop_client_read), 0);
	loop_client_send(&deaf, "{\"verb\":\"large\"}\n", 17);
	loop_wait(&f->loop, &mute.ended);
	assert_string_equal(mute.text, "{\"error\":{\"code\":\"timeout\",\"message\":"
				       "\"no request within 5 s\"}}\n");
	loop_wait(&f->loop, &deaf.ended);
	assert_true(deaf.length > 0 && deaf.length < LARGE_REPLY);
	loop_client_close(&mute, &f->loop);
	loop_client_close(&deaf, &f->loop);
}

static void a_large_answer_arrives_whole(void **state)
{
	_cleanup_free_ char *reply = NULL;

	reply = exchange(*state, "{\"verb\":\"large\"}\n", 17);
	assert_int_equal(strlen(reply), LARGE_REPLY + 3);
}

static void a_client_too_many_is_told_so(void **state)
{
	struct loop_client idle[CONTROL_CLIENTS_MAX];
	_cleanup_free_ char *refused = NULL;
	_cleanup_free_ char *served = NULL;
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		client_open(f, &idle[i]);
	refused = exchange(f, "", 0);
	assert_string_equal(refused,
			    "{\"error\":{\"code\":\"busy\",\"message\":\"too many clients\"}}\n");
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		loop_client_close(&idle[i], &f->loop);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	served = exchange(f, "{\"verb\":\"echo\"}\n", 16);
	assert_string_equal(served, "{\"verb\":\"echo\"}\n");
}

static void who_disconnects_costs_nothing(void **state)
{
	static const char *const pieces[] = { "", "{", "{\"verb\":\"large\"}\n" };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 10 * ARRAY_SIZE(pieces); i++) {
		const char *piece = pieces[i % ARRAY_SIZE(pieces)];
		_cleanup_free_ char *served = NULL;
		struct loop_client c;

		client_open(f, &c);
		loop_client_send(&c, piece, strlen(piece));
		if (i % 2)
			(void)uv_run(&f->loop, UV_RUN_NOWAIT);
		loop_client_close(&c, &f->loop);
		served = exchange(f, "{\"verb\":\"echo\"}\n", 16);
		assert_string_equal(served, "{\"verb\":\"echo\"}\n");
	}
}

static void it_is_freed_under_its_clients(void **state)
{
	struct fixture *f = *state;
	struct loop_client idle, busy;

	client_open(f, &idle);
	client_open(f, &busy);
	assert_int_equal(uv_poll_stop(&busy.poll), 0);
	loop_client_send(&busy, "{\"verb\":\"large\"}\n", 17);
	for (int turn = 0; turn < 3; turn++)
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	control_free(TAKE_PTR(f->control));
	loop_wait(&f->loop, &idle.ended);
	loop_client_close(&idle, &f->loop);
	loop_client_close(&busy, &f->loop);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void the_socket_is_for_owner_and_group(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	struct stat status;

	for (unsigned int i = 0; i < 2; i++) {
		control_free(f->control);
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
		assert_int_equal(control_new(&f->loop, f->path, verbs, f, &f->control), 0);
		assert_int_equal(stat(f->path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0660);
		(void)umask(077);
	}
	(void)umask(mask);
}

static void a_live_socket_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct control *second = NULL;
	_cleanup_free_ char *reply = NULL;

	assert_int_equal(control_new(&f->loop, f->path, verbs, f, &second), -EADDRINUSE);
	assert_null(second);
	reply = exchange(f, "{\"verb\":\"echo\"}\n", 16);
	assert_string_equal(reply, "{\"verb\":\"echo\"}\n");
}

static void a_dead_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_free_ char *reply = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	control_free(TAKE_PTR(f->control));
	(void)util_copy(at.sun_path, sizeof(at.sun_path), f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	assert_int_equal(control_new(&f->loop, f->path, verbs, f, &f->control), 0);
	reply = exchange(f, "{\"verb\":\"echo\"}\n", 16);
	assert_string_equal(reply, "{\"verb\":\"echo\"}\n");
}

static void what_is_no_socket_stays(void **state)
{
	struct fixture *f = *state;
	struct control *second = NULL;
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file", f->directory);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(control_new(&f->loop, path, verbs, f, &second), -EEXIST);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/%0120d", f->directory, 0);
	assert_int_equal(control_new(&f->loop, path, verbs, f, &second), -ENAMETOOLONG);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

#define IN_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LOOP(a_line_is_answered_by_a_line),
		IN_LOOP(a_nul_in_a_request_is_refused),
		IN_LOOP(a_request_without_end_is_refused),
		IN_LOOP(a_request_may_come_byte_by_byte),
		IN_LOOP(slow_clients_are_sent_away),
		IN_LOOP(a_large_answer_arrives_whole),
		IN_LOOP(a_client_too_many_is_told_so),
		IN_LOOP(who_disconnects_costs_nothing),
		IN_LOOP(it_is_freed_under_its_clients),
		IN_LOOP(the_socket_is_for_owner_and_group),
		IN_LOOP(a_live_socket_is_not_taken),
		IN_LOOP(a_dead_socket_is_replaced),
		IN_LOOP(what_is_no_socket_stays),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
