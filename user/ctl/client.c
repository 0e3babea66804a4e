/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/log.h"
#include "core/json.h"

#define REPLY_DEPTH_MAX 16

static int fail_connect(const char *path, int error)
{
	if (error == ENOENT || error == ECONNREFUSED)
		return ctl_fail(EX_UNAVAILABLE, "shuntd is not running at %s", path);
	return ctl_fail(error == EACCES || error == EPERM ? EX_NOPERM : EX_OSERR, "%s: %s", path,
			strerror(error));
}

static int open_connection(const char *path, int *ret_fd)
{
	const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (!util_copy(at.sun_path, sizeof(at.sun_path), path))
		return fail_connect(path, ENAMETOOLONG);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return fail_connect(path, errno);
	*ret_fd = TAKE_FD(fd);
	return EX_OK;
}

/* The request and its line end; NULL: out of memory. */
static char *print_request(const char *verb, const char *name)
{
	_cleanup_(json_free_p) cJSON *request = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char *line;

	if (!cJSON_AddStringToObject(request, "verb", verb) ||
	    (name && !cJSON_AddStringToObject(request, "name", name)))
		return NULL;
	text = cJSON_PrintUnformatted(request);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return NULL;
	return line;
}

/* Until the agent closes the connection. */
static int receive(int fd, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, capacity = 0;
	ssize_t n;

	do {
		if (length > CLIENT_REPLY_MAX)
			return -EFBIG;
		if (util_grow(&text, &capacity, length + 65536, 1) < 0)
			return -ENOMEM;
		n = recv(fd, text + length, capacity - length, 0);
		if (n > 0)
			length += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (length == 0)
		return n < 0 ? -errno : -ECONNRESET;
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

/* An error of the agent's, verbatim; EX_OK when the reply is none. */
static int reply_error(const cJSON *reply)
{
	/* of the user, not of the agent */
	static const struct {
		const char *code;
		int exit;
	} faults[] = {
		{ "configuration", EX_CONFIG },
		{ "not_found", EX_NOINPUT },
		{ "bad_argument", EX_USAGE },
	};
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
	const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "code"));
	const char *message =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
	_cleanup_free_ char *escaped = message ? log_escape(message) : NULL;

	if (!cJSON_IsObject(error))
		return EX_OK;
	for (size_t i = 0; code && i < ARRAY_SIZE(faults); i++) {
		if (streq(code, faults[i].code))
			return ctl_fail(faults[i].exit, "%s", escaped ? escaped : code);
	}
	return ctl_fail(EX_UNAVAILABLE, "shuntd: %s", escaped ? escaped : "an error");
}

int client_ask(const struct ctl *ctl, const char *verb, const char *name, cJSON **ret_reply)
{
	const char *path = ctl->config->control_socket;
	_cleanup_free_ char *request = print_request(verb, name);
	_cleanup_(json_free_p) cJSON *reply = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct json_fault fault;
	size_t length = 0;
	int r = request ? open_connection(path, &fd) : ctl_fail(EX_OSERR, "out of memory");

	if (r != EX_OK)
		return r;
	/* an agent that has too many clients answers and closes before it has read */
	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	r = receive(fd, &text, &length);
	if (r < 0)
		return ctl_fail(EX_UNAVAILABLE, "shuntd did not answer at %s: %s", path,
				strerror(-r));
	if (json_parse(text, length, REPLY_DEPTH_MAX, &reply, &fault) < 0)
		return ctl_fail(EX_UNAVAILABLE, "shuntd gave a garbled answer at %s", path);
	r = reply_error(reply);
	if (r == EX_OK)
		*ret_reply = TAKE_PTR(reply);
	return r;
}

int client_tell(const struct ctl *ctl, const char *verb, const char *name, const char *done)
{
	_cleanup_(json_free_p) cJSON *reply = NULL;
	_cleanup_(writer_free_p) struct writer *w = NULL;
	int code = client_ask(ctl, verb, name, &reply);

	if (code != EX_OK)
		return code;
	if (writer_new(ctl->form, &w) < 0)
		return ctl_fail(EX_OSERR, "out of memory");
	writer_say(w, "done", "%s", done);
	return ctl_print(w);
}
