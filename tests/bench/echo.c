/* SPDX-License-Identifier: Apache-2.0 */
#include "echo.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/util.h"
#include "playground.h"

#define BACKLOG 1024
#define CHUNK 65536

static char chunk[CHUNK]; /* of whatever */

int echo_listen(uint16_t port)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	require(fd >= 0);
	require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	require(bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0);
	require(listen(fd, BACKLOG) == 0);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void no_delay(int fd)
{
	int on = 1;

	require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
}

/* A client that has gone away in the middle is nothing to the server. */
static void answer(int fd)
{
	uint64_t left;

	if (recv(fd, chunk, ECHO_QUESTION, MSG_WAITALL) != ECHO_QUESTION) {
		close(fd);
		return;
	}
	memcpy(&left, chunk, sizeof(left));
	while (left > 0) {
		size_t part = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t sent = send(fd, chunk, part, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		left -= (uint64_t)sent;
	}
}

_Noreturn void echo_serve(const int *listeners, size_t n)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), last = 0;

	require(epoll >= 0);
	for (size_t i = 0; i < n; i++) {
		watch(epoll, listeners[i]);
		last = listeners[i] > last ? listeners[i] : last;
	}
	for (;;) {
		struct epoll_event event;

		if (epoll_wait(epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.fd > last || event.data.fd < listeners[0]) {
			answer(event.data.fd);
			continue;
		}
		event.data.fd = accept4(event.data.fd, NULL, NULL, SOCK_CLOEXEC);
		require(event.data.fd >= 0);
		no_delay(event.data.fd);
		watch(epoll, event.data.fd);
	}
}

int echo_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(fd >= 0);
	no_delay(fd);
	return fd;
}

void echo_connect(int fd, const struct addr_port *to)
{
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(to, &address);

	require(connect(fd, (struct sockaddr *)&address, length) == 0);
}

void echo_ask(int fd, uint64_t octets)
{
	char question[ECHO_QUESTION] = { 0 };

	memcpy(question, &octets, sizeof(octets));
	require(send(fd, question, sizeof(question), 0) == sizeof(question));
	while (octets > 0) {
		size_t part = octets < CHUNK ? (size_t)octets : CHUNK;
		ssize_t got = recv(fd, chunk, part, 0);

		require(got > 0);
		octets -= (uint64_t)got;
	}
}
