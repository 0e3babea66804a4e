/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own sockets tell the programs that they are, so that a service whose VIP is a real
 * address never catches the agent's way to Cloud Map, to a DNS server or to a backend it probes.
 * Whoever opens a socket to connect it calls this first. It owns nothing.
 */
#pragma once

/*
 * Without CAP_NET_ADMIN, which attaching takes too, the socket stays an ordinary one: it works, and
 * is redirected like any other.
 */
void own_socket_set(int fd);
