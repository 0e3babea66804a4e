/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of DNS servers and a channel to each. It owns the channels; which of them is asked, and
 * when, is the resolver's business.
 */
#pragma once

#include "io/dns_channel.h"

#define DNS_SERVERS_MAX 8

struct dns_servers {
	struct addr_port list[DNS_SERVERS_MAX];
	struct dns_channel *channels[DNS_SERVERS_MAX];
	size_t n;
};

/* Opens channels to n servers, `moved` as for dns_channel_new. 0, -ENOMEM, or -EINVAL for none, too
 * many, or one that cannot be asked. */
int dns_servers_open(uv_loop_t *loop, const struct addr_port *list, size_t n,
		     dns_channel_moved_fn moved, void *user, struct dns_servers *ret);
/* Questions under way are called back with ARES_EDESTRUCTION. */
void dns_servers_done(struct dns_servers *s);

/* Are these the servers, in this order? */
bool dns_servers_are(const struct dns_servers *s, const struct addr_port *list, size_t n);
