/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/control.h"
#include "core/json.h"
#include "fuzz/fuzz.h"

#define REPLY_MAX (1u << 20)
#define TURNS_MAX 1000
/* First octets with a meaning beyond where the request is cut. */
#define CROWD 254
#define FULL 255

/* Made once: a socket of our own in a directory of our own, which goes at the end. */
static struct {
	uv_loop_t loop;
	struct control *control;
	struct sockaddr_un at;
	char directory[32];
} self;

/* Gives back what was asked: whatever a tree holds has to come out as JSON again. */
static cJSON *answer_echo(void *user, const cJSON *request)
{
	cJSON *reply = cJSON_CreateObject();

	(void)user;
	if (!cJSON_AddItemToObject(reply, "asked", cJSON_Duplicate(request, true)))
		abort();
	return reply;
}

static const struct control_verb verbs[] = { { "echo", answer_echo }, { 0 } };

static void self_remove(void)
{
	control_free(self.control);
	(void)uv_run(&self.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&self.loop);
	(void)rmdir(self.directory);
}

static void self_make(void)
{
	memcpy(self.directory, "/tmp/shunt-fuzz-XXXXXX", sizeof("/tmp/shunt-fuzz-XXXXXX"));
	if (!mkdtemp(self.directory))
		abort();
	self.at.sun_family = AF_UNIX;
	(void)snprintf(self.at.sun_path, sizeof(self.at.sun_path), "%s/socket", self.directory);
	if (uv_loop_init(&self.loop) < 0 ||
	    control_new(&self.loop, self.at.sun_path, verbs, NULL, &self.control) < 0)
		abort();
	(void)signal(SIGPIPE, SIG_IGN); /* as control_new demands */
	(void)atexit(self_remove);
}

static void turn(void)
{
	(void)uv_run(&self.loop, UV_RUN_NOWAIT);
}

static int client_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&self.at, sizeof(self.at)) < 0)
		abort();
	turn();
	return fd;
}

/* What there is to read, until the other end closes. */
static char *answer_read(int fd, size_t *ret_length)
{
	char *reply = malloc(REPLY_MAX);
	size_t length = 0;

	if (!reply)
		abort();
	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t n = recv(fd, reply + length, REPLY_MAX - length, MSG_DONTWAIT);

		if (n == 0) {
			*ret_length = length;
			return reply;
		}
		/* what was sent and not read is answered with a reset, once all was taken */
		fuzz_demand(n > 0 || errno == EAGAIN || errno == ECONNRESET, "the socket is read");
		if (n < 0 && errno == ECONNRESET) {
			*ret_length = length;
			return reply;
		}
		length += n > 0 ? (size_t)n : 0;
		turn();
	}
	fuzz_demand(false, "a client that has sent all is answered and closed");
	return reply;
}

static void send_all(int fd, const char *text, size_t length)
{
	for (int i = 0; i < TURNS_MAX && length > 0; i++) {
		ssize_t n = send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* it has had enough */
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
		turn();
	}
}

static void reply_is_one_line_of_json(const char *reply, size_t length)
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	struct json_fault fault;

	fuzz_demand(memchr(reply, '\n', length) == reply + length - 1, "a reply is one line");
	fuzz_demand(json_parse(reply, length - 1, CONTROL_DEPTH_MAX + 2, &json, &fault) == 0 &&
			    cJSON_IsObject(json),
		    "a reply is an object");
}

/* The text of a request; the one octet before it says whether it is as long as can be. */
static char *request_make(const uint8_t *data, size_t size, size_t *ret_length)
{
	size_t length = MIN(size - 1, (size_t)CONTROL_REQUEST_MAX);
	char *text;

	if (data[0] != FULL) {
		*ret_length = length;
		return fuzz_copy(data + 1, length);
	}
	text = malloc(CONTROL_REQUEST_MAX);
	if (!text)
		abort();
	memset(text, ' ', CONTROL_REQUEST_MAX);
	memcpy(text, data + 1, length);
	*ret_length = CONTROL_REQUEST_MAX;
	return text;
}

/* As many clients as there may be, and one more, which is told so. */
static void crowd(void)
{
	int fds[CONTROL_CLIENTS_MAX + 1];
	char told[128] = "";

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client_connect();
	turn();
	fuzz_demand(recv(fds[CONTROL_CLIENTS_MAX], told, sizeof(told) - 1, MSG_DONTWAIT) > 0 &&
			    strstr(told, "\"busy\""),
		    "one client too many is told so");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	turn();
}

void fuzz_control(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL, *reply = NULL;
	_cleanup_close_ int fd = -1;
	size_t cut, asked, length = 0;

	if (size == 0)
		return;
	if (!self.control)
		self_make();
	text = request_make(data, size, &asked);
	cut = data[0] % (asked + 1);
	if (size == 1 && data[0] == CROWD)
		crowd();
	fd = client_connect();
	send_all(fd, text, cut);
	send_all(fd, text + cut, asked - cut);
	(void)shutdown(fd, SHUT_WR);
	reply = answer_read(fd, &length);
	if (memchr(text, '\n', asked) || asked == CONTROL_REQUEST_MAX)
		fuzz_demand(length > 0, "a whole request is answered");
	if (length > 0)
		reply_is_one_line_of_json(reply, length);
}
