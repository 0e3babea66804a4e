/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client as a JVM is one: an AF_INET6 socket connected to ::ffff:a.b.c.d. Asks one line over TCP
 * (or one datagram over UDP) and prints "PEER PORT ANSWER", the peer as getpeername() tells it. A
 * failed connect prints the errno's name and exits 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int target_parse(const char *host, const char *port, struct sockaddr_in6 *ret)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	char mapped[INET6_ADDRSTRLEN];
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(host, ':') ? "" : "::ffff:", host);
	if (*end || number > 65535 || inet_pton(AF_INET6, mapped, &to.sin6_addr) != 1)
		return -EINVAL;
	to.sin6_port = htons((uint16_t)number);
	*ret = to;
	return 0;
}

static int peer_print(int fd)
{
	struct sockaddr_in6 peer;
	socklen_t length = sizeof(peer);
	char text[INET6_ADDRSTRLEN];

	if (getpeername(fd, (struct sockaddr *)&peer, &length) < 0)
		return -errno;
	printf("%s %u ", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)),
	       ntohs(peer.sin6_port));
	return 0;
}

static int answer_print(int fd)
{
	static const char question[] = "hello\n";
	char answer[256];
	ssize_t n;

	if (write(fd, question, strlen(question)) < 0)
		return -errno;
	n = read(fd, answer, sizeof(answer) - 1);
	if (n < 0)
		return -errno;
	answer[n] = '\0';
	printf("%s", answer);
	return 0;
}

int main(int argc, char **argv)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in6 to;
	int fd, r;

	if (argc < 3 || target_parse(argv[1], argv[2], &to) < 0) {
		fprintf(stderr, "usage: dualstack ADDRESS PORT [udp]\n");
		return 64;
	}
	fd = socket(AF_INET6, argc > 3 ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0) {
		perror("socket");
		return 71;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	if (!r)
		r = peer_print(fd);
	if (!r)
		r = answer_print(fd);
	close(fd);
	if (r)
		printf("%s\n", strerrorname_np(-r));
	return r ? 1 : 0;
}
