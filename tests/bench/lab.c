/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/util.h"
#include "echo.h"
#include "playground.h"

#define PORTS_MAX 16

static struct {
	pid_t server;
	int namespaces[LAB_PLACES];
} lab;

void lab_run(const char *format, ...)
{
	char command[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	require(length > 0 && (size_t)length < sizeof(command));
	require(system(command) == 0); /* NOLINT: of constants of ours and numbers */
}

pid_t lab_fork(void)
{
	pid_t parent = getpid(), child = fork();

	require(child >= 0);
	if (child > 0)
		return child;
	require(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	require(getppid() == parent);
	return 0;
}

void lab_kill(pid_t pid)
{
	require(kill(pid, SIGKILL) == 0);
	require(waitpid(pid, NULL, 0) == pid);
}

static int own_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	require(fd >= 0);
	return fd;
}

/* --- the server ------------------------------------------------------------------------------- */

static void send_byte(int fd)
{
	require(write(fd, "", 1) == 1);
}

static void await_byte(int fd)
{
	char byte;

	require(read(fd, &byte, 1) == 1);
}

/* The host's own choice may pace, and then tells of its estimates more than of the way. */
static void configure_namespace(void)
{
	lab_run("ip link set lo up");
	lab_run("echo reno >/proc/sys/net/ipv4/tcp_congestion_control");
}

static void configure_server(void)
{
	configure_namespace();
	for (int place = 0; place < LAB_PLACES; place++) {
		for (int i = 1; i <= LAB_BACKENDS; i++)
			lab_run("ip addr add 10.99.%d.%d/24 dev server%d", place, 10 + i, place);
		lab_run("ip link set server%d up", place);
	}
}

/* Tells that its namespace is there, waits for the links, tells that it listens, and serves. */
static _Noreturn void be_server(int from, int to, const uint16_t *ports, size_t n)
{
	int listeners[PORTS_MAX];

	require(unshare(CLONE_NEWNET) == 0);
	send_byte(to);
	await_byte(from);
	configure_server();
	for (size_t i = 0; i < n; i++)
		listeners[i] = echo_listen(ports[i]);
	send_byte(to);
	echo_serve(listeners, n);
}

/* --- the clients ------------------------------------------------------------------------------ */

/* Ports of ended connections rest for a minute, and there will be many. */
static void configure_clients(int place)
{
	configure_namespace();
	lab_run("ip link add client%d type veth peer name server%d netns %d", place, place,
		lab.server);
	lab_run("ip addr add 10.99.%d.1/24 dev client%d", place, place);
	lab_run("ip link set client%d up", place);
	lab_run("echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range");
}

static void make_places(void)
{
	lab.namespaces[LAB_PLAIN] = own_namespace();
	configure_clients(LAB_PLAIN);
	require(unshare(CLONE_NEWNET) == 0);
	lab.namespaces[LAB_OTHER] = own_namespace();
	configure_clients(LAB_OTHER);
	lab_enter(LAB_PLAIN);
}

void lab_open(const uint16_t *ports, size_t n)
{
	int to_server[2], from_server[2];

	require(n <= PORTS_MAX);
	require(pipe2(to_server, O_CLOEXEC) == 0 && pipe2(from_server, O_CLOEXEC) == 0);
	lab.server = lab_fork();
	if (lab.server == 0)
		be_server(to_server[0], from_server[1], ports, n);
	await_byte(from_server[0]);
	make_places();
	send_byte(to_server[1]);
	await_byte(from_server[0]);
	for (int i = 0; i < 2; i++) {
		close(to_server[i]);
		close(from_server[i]);
	}
}

void lab_close(void)
{
	lab_kill(lab.server);
	for (int i = 0; i < LAB_PLACES; i++)
		close(lab.namespaces[i]);
}

pid_t lab_server(void)
{
	return lab.server;
}

void lab_enter(enum lab_place place)
{
	require(setns(lab.namespaces[place], CLONE_NEWNET) == 0);
}

struct addr_port lab_backend(enum lab_place place, uint32_t backend, uint16_t port)
{
	const uint8_t octets[4] = { 10, 99, (uint8_t)place, (uint8_t)(11 + backend) };

	return (struct addr_port){ addr_from_ipv4(octets), port };
}
