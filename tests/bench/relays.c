/* SPDX-License-Identifier: Apache-2.0 */
#include "relays.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/util.h"
#include "playground.h"

/* On the playground's own tmpfs. */
#define NFT_RULES "/mnt/bench.nft"
#define HAPROXY_CONFIGURATION "/mnt/haproxy.cfg"

#define HAPROXY_START_MS 5000

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	require(file);
	require(fputs(text, file) >= 0);
	require(fclose(file) == 0);
}

void relays_start_nft(void)
{
	write_file(NFT_RULES, "table ip bench {\n"
			      "  chain output {\n"
			      "    type nat hook output priority -100; policy accept;\n"
			      "    ip daddr 10.99.9.9 dnat to numgen inc mod 3 map "
			      "{ 0 : 10.99.1.11, 1 : 10.99.1.12, 2 : 10.99.1.13 }\n"
			      "  }\n"
			      "}\n");
	lab_enter(LAB_OTHER);
	lab_run("ip route add 10.99.9.9/32 dev client%d", LAB_OTHER);
	lab_run("nft -f " NFT_RULES);
	lab_enter(LAB_PLAIN);
}

struct addr_port relays_nft_address(uint16_t port)
{
	const uint8_t octets[4] = { 10, 99, 9, 9 };

	return (struct addr_port){ addr_from_ipv4(octets), port };
}

struct addr_port relays_haproxy_address(void)
{
	const uint8_t octets[4] = { 127, 0, 0, 1 };

	return (struct addr_port){ addr_from_ipv4(octets), 8000 };
}

static void await_haproxy(void)
{
	struct addr_port to = relays_haproxy_address();

	for (int ms = 0; ms < HAPROXY_START_MS; ms++) {
		int fd = playground_connect_to(&to, SOCKET_TCP);

		if (fd >= 0) {
			close(fd);
			return;
		}
		require(fd == -ECONNREFUSED);
		(void)poll(NULL, 0, 1);
	}
	require(!"haproxy listens in time");
}

pid_t relays_start_haproxy(uint16_t port)
{
	char text[1024];
	pid_t pid;

	(void)snprintf(text, sizeof(text),
		       "global\n  nbthread 1\n  maxconn 1000\n"
		       "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n"
		       "  timeout server 60s\n"
		       "listen bench\n  bind 127.0.0.1:8000\n  balance roundrobin\n"
		       "  server a 10.99.0.11:%u\n  server b 10.99.0.12:%u\n"
		       "  server c 10.99.0.13:%u\n",
		       port, port, port);
	write_file(HAPROXY_CONFIGURATION, text);
	pid = lab_fork();
	if (pid == 0) {
		(void)execlp("haproxy", "haproxy", "-db", "-q", "-f", HAPROXY_CONFIGURATION, NULL);
		perror("haproxy");
		_exit(1);
	}
	await_haproxy();
	return pid;
}
