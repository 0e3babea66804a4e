/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"

#include <errno.h>
#include <stdarg.h>

#include "agent/control_socket.h"
#include "core/json.h"

#define BACKLOG 16

/*
 * A client lives from its connection until both its handles are closed: reading -> answering ->
 * closing. Its timer bounds the first two.
 */
struct client {
	struct control *control; /* NULL when that went first */
	struct client *next;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	unsigned int open_handles;
	char *reply; /* owned, while it is written */
	size_t length;
	char request[CONTROL_REQUEST_MAX];
};

struct control {
	uv_pipe_t listener;
	const struct control_verb *verbs;
	void *user;
	char *path;
	struct client *clients;
	size_t n_clients;
};

cJSON *control_error(const char *code, const char *format, ...)
{
	_cleanup_free_ char *message = NULL;
	cJSON *reply = cJSON_CreateObject();
	cJSON *error = cJSON_AddObjectToObject(reply, "error");
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	if (!message || !cJSON_AddStringToObject(error, "code", code) ||
	    !cJSON_AddStringToObject(error, "message", message)) {
		cJSON_Delete(reply);
		return NULL;
	}
	return reply;
}

static cJSON *answer_verb(struct control *c, const cJSON *request)
{
	const cJSON *verb = cJSON_GetObjectItemCaseSensitive(request, "verb");
	char got[JSON_DESCRIPTION_MAX];

	if (!cJSON_IsObject(request))
		return control_error("bad_request", "got %s, wanted an object",
				     json_describe(request, got));
	if (!verb)
		return control_error("bad_request", "verb: missing");
	if (!cJSON_IsString(verb))
		return control_error("bad_request", "verb: got %s, wanted a string",
				     json_describe(verb, got));
	for (const struct control_verb *v = c->verbs; v->verb; v++) {
		if (streq(v->verb, verb->valuestring))
			return v->answer(c->user, request);
	}
	return control_error("unknown_verb", "verb: there is no %s", json_describe(verb, got));
}

static cJSON *answer_line(struct control *c, const char *line, size_t length)
{
	_cleanup_(json_free_p) cJSON *request = NULL;
	struct json_fault fault;
	int r = json_parse(line, length, CONTROL_DEPTH_MAX, &request, &fault);

	if (r == -EINVAL)
		return control_error("bad_request", "column %zu: got %s, wanted %s", fault.column,
				     fault.got, fault.wanted);
	return r < 0 ? NULL : answer_verb(c, request);
}

static void client_forget(struct client *client)
{
	struct control *c = client->control;

	if (!c)
		return;
	for (struct client **at = &c->clients; *at; at = &(*at)->next) {
		if (*at != client)
			continue;
		*at = client->next;
		c->n_clients--;
		break;
	}
	client->control = NULL;
}

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->open_handles > 0)
		return;
	free(client->reply);
	free(client);
}

static void client_close(struct client *client)
{
	client_forget(client);
	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
	uv_close((uv_handle_t *)&client->timer, on_client_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	client_close(write->data);
}

static void on_late_for_answer(uv_timer_t *timer)
{
	client_close(timer->data);
}

/* The text of a reply and its line end; NULL: out of memory. */
static char *print_line(const cJSON *reply)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(reply);
	size_t length = text ? strlen(text) : 0;
	char *line = text ? realloc(text, length + 2) : NULL;

	if (!line)
		return NULL;
	(void)TAKE_PTR(text);
	line[length] = '\n';
	line[length + 1] = '\0';
	return line;
}

/* Takes the reply; NULL: out of memory, and there is nothing to say it with. */
static void client_answer(struct client *client, cJSON *reply)
{
	_cleanup_(json_free_p) cJSON *owned = reply;
	uv_buf_t line;

	(void)uv_read_stop((uv_stream_t *)&client->pipe);
	client->reply = owned ? print_line(owned) : NULL;
	if (!client->reply) {
		client_close(client);
		return;
	}
	line = uv_buf_init(client->reply, (unsigned int)strlen(client->reply));
	client->write.data = client;
	(void)uv_timer_start(&client->timer, on_late_for_answer, CONTROL_TIMEOUT_MS, 0);
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &line, 1, on_written) < 0)
		client_close(client);
}

/* One too many: it is told at once, as far as that goes without waiting. */
static void client_refuse(struct client *client)
{
	static char busy[] = "{\"error\":{\"code\":\"busy\",\"message\":\"too many clients\"}}\n";
	uv_buf_t line = uv_buf_init(busy, sizeof(busy) - 1);

	(void)uv_try_write((uv_stream_t *)&client->pipe, &line, 1);
	client_close(client);
}

static void on_late_request(uv_timer_t *timer)
{
	client_answer(timer->data, control_error("timeout", "no request within %d s",
						 CONTROL_TIMEOUT_MS / 1000));
}

/* libuv asks where to read to: what is left of the request's room. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct client *client = handle->data;

	(void)suggested;
	*buffer = uv_buf_init(client->request + client->length,
			      (unsigned int)(sizeof(client->request) - client->length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct client *client = stream->data;
	const char *end;

	(void)buffer;
	if (n < 0) {
		client_close(client);
		return;
	}
	end = memchr(client->request + client->length, '\n', (size_t)n);
	client->length += (size_t)n;
	if (end)
		client_answer(client, answer_line(client->control, client->request,
						  (size_t)(end - client->request)));
	else if (client->length == sizeof(client->request))
		client_answer(client, control_error("too_large", "no line end within %u bytes",
						    CONTROL_REQUEST_MAX));
}

static int client_new(struct control *c, struct client **ret)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	/* neither can fail: they only fill in the handle */
	(void)uv_pipe_init(c->listener.loop, &client->pipe, 0);
	(void)uv_timer_init(c->listener.loop, &client->timer);
	client->pipe.data = client;
	client->timer.data = client;
	client->open_handles = 2;
	client->control = c;
	client->next = c->clients;
	c->clients = client;
	c->n_clients++;
	*ret = client;
	return 0;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	bool full = c->n_clients >= CONTROL_CLIENTS_MAX;
	struct client *client;

	if (status < 0 || client_new(c, &client) < 0)
		return;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0) {
		client_close(client);
		return;
	}
	if (full) {
		client_refuse(client);
		return;
	}
	(void)uv_timer_start(&client->timer, on_late_request, CONTROL_TIMEOUT_MS, 0);
	if (uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
		client_close(client);
}

int control_new(uv_loop_t *loop, const char *path, const struct control_verb *verbs, void *user,
		struct control **ret)
{
	_cleanup_free_ struct control *made = calloc(1, sizeof(*made));
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_(control_free_p) struct control *c = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!made || !copy)
		return -ENOMEM;
	r = control_socket_open(path, &fd);
	if (r < 0)
		return r;
	made->path = TAKE_PTR(copy);
	made->verbs = verbs;
	made->user = user;
	(void)uv_pipe_init(loop, &made->listener, 0);
	c = TAKE_PTR(made); /* from here on it goes by way of the loop */
	c->listener.data = c;
	r = uv_pipe_open(&c->listener, fd);
	if (r < 0)
		return r;
	(void)TAKE_FD(fd);
	r = uv_listen((uv_stream_t *)&c->listener, BACKLOG, on_connection);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct control *c = handle->data;

	free(c->path);
	free(c);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	while (c->clients)
		client_close(c->clients);
	(void)unlink(c->path);
	uv_close((uv_handle_t *)&c->listener, on_listener_closed);
}
