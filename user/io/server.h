/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server on the libuv loop, by libmicrohttpd, for /metrics, /healthz and /readyz.
 * Bounded: at most SERVER_CONNECTIONS_MAX connections, each idle for SERVER_IDLE_S at most and with
 * SERVER_MEMORY_MAX of request; GET and HEAD only. It owns its socket and connections, starts no
 * thread and logs nothing.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/util.h"

#define SERVER_CONNECTIONS_MAX 64
#define SERVER_IDLE_S 10
#define SERVER_MEMORY_MAX 16384

struct server;

struct server_reply {
	unsigned int status;
	const char *content_type; /* a literal */
	char *body;		  /* owned by the reply: the server frees it */
	size_t length;
};

/* Fills *reply for a path; what it leaves untouched is 404. */
typedef void (*server_handler_fn)(void *user, const char *path, struct server_reply *reply);

/* 0, or the errno of bind (-EADDRINUSE ...), or -ENOMEM. Port 0: any that is free. */
int server_new(uv_loop_t *loop, const struct addr_port *listen, server_handler_fn handler,
	       void *user, struct server **ret);
/* Closes its connections at once; its handles go in the next turn of the loop. */
void server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);

/* The port it listens on. */
uint16_t server_port(const struct server *s);
