/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a unix stream socket where shuntctl asks a running agent. One JSON object on
 * one line is asked, {"verb": ...}, one JSON object on one line is answered, and the connection is
 * closed. A fault answers {"error": {"code": ..., "message": ...}}. It owns the socket, its file
 * and the clients; who may connect is the file's mode, 0660. Bounded by the limits below: a hostile
 * client costs only itself.
 */
#pragma once

#include <cjson/cJSON.h>
#include <uv.h>

#include "base/util.h"

#define CONTROL_REQUEST_MAX (64u << 10)
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_DEPTH_MAX 8
#define CONTROL_TIMEOUT_MS 5000 /* to send the request, and again to take the answer */

struct control;

/*
 * Answers a request, now. The reply goes over to the control socket; NULL: out of memory. A fault
 * is answered by control_error.
 */
typedef cJSON *(*control_fn)(void *user, const cJSON *request);

struct control_verb {
	const char *verb;
	control_fn answer;
};

/*
 * Makes the directory and the socket; `verbs`, ended by an empty row, and `user` outlive it. A
 * socket that nobody answers on is replaced. -EADDRINUSE: somebody does; -EEXIST: the path is no
 * socket; -ENAMETOOLONG: longer than a unix address; else the errno of bind.
 * The process must ignore SIGPIPE: libuv writes to clients that have gone.
 */
int control_new(uv_loop_t *loop, const char *path, const struct control_verb *verbs, void *user,
		struct control **ret);
/* Removes the socket and drops its clients; its handles go in the next turn of the loop. */
void control_free(struct control *c);
DEFINE_CLEANUP(struct control *, control_free);

/* {"error": {"code": code, "message": ...}} for a reply, or NULL. */
cJSON *control_error(const char *code, const char *format, ...) _printf_(2, 3);
