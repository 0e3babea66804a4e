/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to an address, closed as soon as it is there: can it be reached? Not a word is
 * said on it. A probe owns itself from its start until its outcome.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"

struct tcp_probe;

/* 0: connected; else the errno of connect(), ETIMEDOUT also when the time was over. */
typedef void (*tcp_probe_fn)(void *user, int error);

/*
 * 0, and later `done` once; *ret is good until then. A negative errno: no connect() was begun, or
 * it failed at once, and `done` will not be called.
 */
int tcp_probe_start(uv_loop_t *loop, const struct addr_port *to, uint32_t timeout_ms,
		    tcp_probe_fn done, void *user, struct tcp_probe **ret);
/* Ends it without an outcome. */
void tcp_probe_stop(struct tcp_probe *p);
