/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares with one DNS server on the libuv loop: its sockets are watched here, its timeouts are for
 * the owner to call in. One try a question, UDP and then TCP after truncation, every packet passed
 * on whatever its response code. It never looks at a hosts file or a search list.
 */
#pragma once

#include <ares.h>
#include <uv.h>

#include "base/addr.h"
#include "base/util.h"

#define DNS_CHANNEL_TRY_MS 2000

struct dns_channel;

/* Something was read or written: answers may have come, the next timeout may be another. */
typedef void (*dns_channel_moved_fn)(void *user);

/* 0, -ENOMEM, or -EINVAL when c-ares does not want the server. */
int dns_channel_new(uv_loop_t *loop, const struct addr_port *server, dns_channel_moved_fn moved,
		    void *user, struct dns_channel **ret);
/* Questions under way are called back with ARES_EDESTRUCTION. */
void dns_channel_free(struct dns_channel *c);
DEFINE_CLEANUP(struct dns_channel *, dns_channel_free);

/* `done` is called exactly once and may be called from within. */
void dns_channel_ask(struct dns_channel *c, const char *name, int type, ares_callback done,
		     void *user);

/* Milliseconds until dns_channel_expire is to be called; -1: nothing is under way. */
int64_t dns_channel_timeout_ms(struct dns_channel *c);
void dns_channel_expire(struct dns_channel *c);

/* What to call the status that a question without an answer ended with: "timeout", "unreachable"
 * ... */
const char *dns_channel_failure(int status);
