/* SPDX-License-Identifier: Apache-2.0 */
#include "playground.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mntent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/util.h"

static struct {
	char outside[256], cgroup[300], inside[320];
	pid_t guardian;
	int guardian_pipe;
} ground;

void playground_require(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	(void)fprintf(stderr, "%s:%d: not true: %s (%s)\n", file, line, text, strerror(errno));
	exit(EXIT_FAILURE);
}

bool playground_linux_is(unsigned int major, unsigned int minor)
{
	unsigned int has_major, has_minor;
	struct utsname system;

	require(uname(&system) == 0);
	require(sscanf(system.release, "%u.%u", &has_major, &has_minor) == 2);
	return has_major > major || (has_major == major && has_minor >= minor);
}

static void write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	require(fd >= 0);
	require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* --- cgroups ---------------------------------------------------------------------------------- */

static void find_cgroup2(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	bool found = false;

	require(mounts);
	while (!found && (entry = getmntent(mounts)))
		found = streq(entry->mnt_type, "cgroup2") && util_copy(path, size, entry->mnt_dir);
	(void)endmntent(mounts);
	require(found);
}

/* The cgroup2 this process is in, below the mount. */
static void find_outside(const char *mount_point)
{
	_cleanup_free_ char *text = NULL;
	char *line, *end;
	size_t length;

	require(util_read_file("/proc/self/cgroup", 1 << 16, &text, &length) == 0);
	line = strstr(text, "0::");
	require(line);
	end = strchrnul(line, '\n');
	*end = '\0';
	(void)snprintf(ground.outside, sizeof(ground.outside), "%s%s", mount_point,
		       streq(line + 3, "/") ? "" : line + 3);
}

static int remove_cgroup(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)place;
	if (kind == FTW_DP)
		(void)rmdir(path);
	return 0;
}

/* Removes the cgroups once nobody is in them, for at most five seconds. */
static void guard(int end_of_program)
{
	char byte;

	(void)setsid();
	while (read(end_of_program, &byte, 1) < 0 && errno == EINTR)
		;
	for (int attempt = 0; attempt < 500; attempt++) {
		(void)nftw(ground.cgroup, remove_cgroup, 8, FTW_DEPTH | FTW_PHYS);
		if (access(ground.cgroup, F_OK) < 0)
			_exit(0);
		(void)poll(NULL, 0, 10);
	}
	_exit(1);
}

static void start_guardian(void)
{
	int ends[2];

	require(pipe2(ends, O_CLOEXEC) == 0);
	ground.guardian = fork();
	require(ground.guardian >= 0);
	if (ground.guardian == 0) {
		close(ends[1]);
		guard(ends[0]);
	}
	close(ends[0]);
	ground.guardian_pipe = ends[1];
}

const char *playground_cgroup(void)
{
	return ground.cgroup;
}

char *playground_make_cgroup(const char *name)
{
	char *path = NULL;

	require(asprintf(&path, "%s/%s", ground.cgroup, name) > 0);
	require(mkdir(path, 0755) == 0 || errno == EEXIST);
	return path;
}

void playground_join(const char *cgroup)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	write_text(path, "0");
}

void playground_go_outside(void)
{
	playground_join(ground.outside);
}

void playground_go_inside(void)
{
	playground_join(ground.inside);
}

/* --- namespaces ------------------------------------------------------------------------------- */

static void run(const char *command)
{
	require(system(command) == 0); /* NOLINT: a constant of ours */
}

static void make_network(void)
{
	char command[8192] = "ip link set lo up";
	size_t at = strlen(command);

	require(unshare(CLONE_NEWNET) == 0);
	for (int i = 1; i <= PLAYGROUND_ADDRESSES; i++)
		at += (size_t)snprintf(command + at, sizeof(command) - at,
				       "; ip addr add 10.0.0.%d/32 dev lo"
				       "; ip addr add fd00::%d/128 dev lo",
				       i, i);
	run(command);
}

static void make_mounts(void)
{
	require(unshare(CLONE_NEWNS) == 0);
	require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	require(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0);
}

void playground_enter(void)
{
	char root[200];
	_cleanup_free_ char *inside = NULL;

	find_cgroup2(root, sizeof(root));
	find_outside(root);
	(void)snprintf(ground.cgroup, sizeof(ground.cgroup), "%s/shunt-test-%d", root, getpid());
	start_guardian();
	require(mkdir(ground.cgroup, 0755) == 0);
	inside = playground_make_cgroup("inside");
	(void)util_copy(ground.inside, sizeof(ground.inside), inside);
	make_mounts();
	make_network();
	playground_go_inside();
}

void playground_leave(void)
{
	int status;

	playground_stop_listening();
	playground_go_outside();
	close(ground.guardian_pipe);
	require(waitpid(ground.guardian, &status, 0) == ground.guardian);
	require(status == 0);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static struct {
	pthread_t thread;
	int epoll, stop[2];
	bool runs;
} listeners;

static void *accept_all(void *unused)
{
	struct epoll_event events[16];

	(void)unused;
	for (;;) {
		int n = epoll_wait(listeners.epoll, events, ARRAY_SIZE(events), -1);

		for (int i = 0; i < n; i++) {
			int fd;

			if (events[i].data.fd == listeners.stop[0])
				return NULL;
			while ((fd = accept4(events[i].data.fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				close(fd);
		}
	}
}

static void watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	require(epoll_ctl(listeners.epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* One socket for both families: [::] with IPV6_V6ONLY off. */
void playground_listen(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), off = 0, on = 1;

	require(fd >= 0);
	require(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0);
	require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	require(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
	require(listen(fd, 4096) == 0);
	if (!listeners.runs) {
		listeners.epoll = epoll_create1(EPOLL_CLOEXEC);
		require(listeners.epoll >= 0);
		require(pipe2(listeners.stop, O_CLOEXEC) == 0);
		watch(listeners.stop[0]);
		require(pthread_create(&listeners.thread, NULL, accept_all, NULL) == 0);
		listeners.runs = true;
	}
	watch(fd);
}

void playground_stop_listening(void)
{
	if (!listeners.runs)
		return;
	require(write(listeners.stop[1], "", 1) == 1);
	require(pthread_join(listeners.thread, NULL) == 0);
	listeners.runs = false;
}

static socklen_t address_of(const struct addr_port *to, int kind, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(to->port) };

	if (!(kind & SOCKET_MAPPED))
		return addr_port_sockaddr(to, ret);
	memcpy(&mapped.sin6_addr, to->addr.octets, sizeof(mapped.sin6_addr));
	memcpy(ret, &mapped, sizeof(mapped));
	return sizeof(mapped);
}

int playground_connect_to(const struct addr_port *to, int kind)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage address;
	socklen_t length = address_of(to, kind, &address);
	_cleanup_close_ int fd = socket(address.ss_family, (kind & ~SOCKET_MAPPED) | SOCK_CLOEXEC,
					0);

	require(fd >= 0);
	require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	if (connect(fd, (struct sockaddr *)&address, length) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int playground_connect(const char *to, int kind)
{
	struct addr_port address = wanted_address(to);

	return playground_connect_to(&address, kind);
}

static struct addr_port from_sockaddr(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

	if (ss->ss_family == AF_INET)
		return (struct addr_port){ addr_from_ipv4(&in->sin_addr), ntohs(in->sin_port) };
	return (struct addr_port){ addr_from_ipv6(&in6->sin6_addr), ntohs(in6->sin6_port) };
}

struct addr_port playground_peer(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t length = sizeof(ss);

	require(getpeername(fd, (struct sockaddr *)&ss, &length) == 0);
	return from_sockaddr(&ss);
}

unsigned int playground_reached(int fd)
{
	static const uint8_t ten[15] = { [10] = 0xff, 0xff, 10 }, fd00[15] = { 0xfd };
	struct sockaddr_storage ss = { 0 };
	socklen_t length = sizeof(ss);
	struct addr_port own;
	unsigned int last;

	require(getsockname(fd, (struct sockaddr *)&ss, &length) == 0);
	own = from_sockaddr(&ss);
	last = (unsigned int)(own.addr.octets[15] >> 4) * 10 + (own.addr.octets[15] & 15);
	if (memcmp(own.addr.octets, ten, sizeof(ten)) == 0)
		return own.addr.octets[15];
	return memcmp(own.addr.octets, fd00, sizeof(fd00)) == 0 ? 100 + last : 0;
}

int playground_reach(const char *to, int kind)
{
	_cleanup_close_ int fd = playground_connect(to, kind);

	return fd < 0 ? fd : (int)playground_reached(fd);
}
