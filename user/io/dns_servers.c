/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dns_servers.h"

#include <errno.h>

void dns_servers_done(struct dns_servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		dns_channel_free(s->channels[i]);
	*s = (struct dns_servers){ 0 };
}

int dns_servers_open(uv_loop_t *loop, const struct addr_port *list, size_t n,
		     dns_channel_moved_fn moved, void *user, struct dns_servers *ret)
{
	_cleanup_(dns_servers_done) struct dns_servers s = { 0 };

	if (n == 0 || n > DNS_SERVERS_MAX)
		return -EINVAL;
	for (; s.n < n; s.n++) {
		int r = dns_channel_new(loop, &list[s.n], moved, user, &s.channels[s.n]);

		if (r < 0)
			return r;
		s.list[s.n] = list[s.n];
	}
	*ret = s;
	s.n = 0;
	return 0;
}

bool dns_servers_are(const struct dns_servers *s, const struct addr_port *list, size_t n)
{
	if (n != s->n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (addr_port_compare(&list[i], &s->list[i]) != 0)
			return false;
	}
	return true;
}
