/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server in a network namespace of its own, and two clients' namespaces joined to it by veth
 * pairs: the plain one, which is the caller's, and one for what hooks into all of a namespace.
 *
 *	plain   10.99.0.1   --- 10.99.0.11, .12, .13   the server's
 *	other   10.99.1.1   --- 10.99.1.11, .12, .13
 *
 * The namespaces have no names: they go with the processes, and these with the caller, however it
 * ends. It fails by ending the program.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"

#define LAB_BACKENDS 3

enum lab_place {
	LAB_PLAIN,
	LAB_OTHER,
	LAB_PLACES,
};

/* Starts echo_serve() on these ports. */
void lab_open(const uint16_t *ports, size_t n);
void lab_close(void);
pid_t lab_server(void);
/* Moves the caller's thread into the namespace of these clients. */
void lab_enter(enum lab_place place);
/* The server's address number `backend` as seen from there. */
struct addr_port lab_backend(enum lab_place place, uint32_t backend, uint16_t port);
/* A child that is killed when the caller ends. As of fork(2). */
pid_t lab_fork(void);
/* Ends such a child. */
void lab_kill(pid_t pid);
/* Runs a command of ours; it must succeed. */
void lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
