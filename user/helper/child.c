/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper itself. Network namespaces are found where they are held: by processes, and by the
 * files that `ip netns` and container engines keep. Known ones are told apart by their inode.
 */
#include "helper/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "helper/capabilities.h"

#define NAMESPACES_MAX 16384
#define INITIAL_PID_NAMESPACE 0xeffffffcU /* include/linux/proc_ns.h: PROC_PID_INIT_INO */
#define CHANNEL 3

/* Directories whose entries are namespaces, or lead to one. */
static const struct {
	const char *directory, *below;
	bool numbers; /* entries are processes */
} places[] = {
	{ "/proc", "/ns/net", true },
	{ "/run/netns", "", false },
	{ "/run/docker/netns", "", false },
};

/* A walk under way. */
struct walk {
	int channel;
	enum helper_ask ask;
	const int *links;
	size_t n_links;
	ino_t *seen; /* owned; one after the other */
	size_t n_seen, seen_capacity;
	uint32_t hidden; /* processes that we may not look at */
	int home;
};

/* --- what is opened --------------------------------------------------------------------------- */

static int iterator_open(int link)
{
	union bpf_attr attribute = { .iter_create = { .link_fd = (uint32_t)link } };
	long fd = syscall(SYS_bpf, BPF_ITER_CREATE, &attribute, sizeof(attribute));

	return fd < 0 ? -errno : (int)fd;
}

static int iterators_open(const struct walk *walk, int fds[static HELPER_FDS_MAX], size_t *ret_n)
{
	for (size_t i = 0; i < walk->n_links; i++) {
		fds[i] = iterator_open(walk->links[i]);
		if (fds[i] < 0)
			return fds[i];
		*ret_n = i + 1;
	}
	return walk->n_links > 0 ? 0 : -EINVAL;
}

static int sock_diag_open(const struct walk *walk, int fds[static HELPER_FDS_MAX], size_t *ret_n)
{
	(void)walk;
	fds[0] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fds[0] < 0)
		return -errno;
	*ret_n = 1;
	return 0;
}

static int (*const opens[HELPER_ASKS])(const struct walk *walk, int *fds, size_t *ret_n) = {
	[HELPER_ITERATE] = iterators_open,
	[HELPER_SOCK_DIAG] = sock_diag_open,
};

/* --- the walk --------------------------------------------------------------------------------- */

static int reply_namespace(const struct walk *walk, int error, int *fds, size_t n)
{
	const struct helper_reply reply = { .error = error };
	int r = wire_send(walk->channel, &reply, sizeof(reply), fds, error < 0 ? 0 : n);

	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	return r;
}

/* Nothing is opened unless we are where it is meant for. */
static int visit(const struct walk *walk, int namespace)
{
	int fds[HELPER_FDS_MAX];
	size_t n = 0;
	int r = setns(namespace, CLONE_NEWNET) < 0 ? -errno : opens[walk->ask](walk, fds, &n);

	return reply_namespace(walk, r, fds, n);
}

static int visit_home(const struct walk *walk)
{
	int fds[HELPER_FDS_MAX];
	size_t n = 0;
	int r = opens[walk->ask](walk, fds, &n);

	return reply_namespace(walk, r, fds, n);
}

static bool is_seen(const struct walk *walk, ino_t inode)
{
	for (size_t i = 0; i < walk->n_seen; i++) {
		if (walk->seen[i] == inode)
			return true;
	}
	return false;
}

static int see(struct walk *walk, ino_t inode)
{
	if (walk->n_seen == NAMESPACES_MAX)
		return -E2BIG;
	if (util_grow(&walk->seen, &walk->seen_capacity, walk->n_seen + 1, sizeof(*walk->seen)) < 0)
		return -ENOMEM;
	walk->seen[walk->n_seen++] = inode;
	return 0;
}

/* A process may have gone since it was listed; another that holds its namespace is found still. */
static int visit_path(struct walk *walk, const char *path)
{
	_cleanup_close_ int namespace = -1;
	struct stat found;
	int r;

	if (stat(path, &found) == 0 && is_seen(walk, found.st_ino))
		return 0;
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || fstat(namespace, &found) < 0) {
		walk->hidden += errno != ENOENT && errno != ESRCH;
		return 0;
	}
	if (is_seen(walk, found.st_ino))
		return 0;
	r = see(walk, found.st_ino);
	return r < 0 ? r : visit(walk, namespace);
}

static int visit_place(struct walk *walk, size_t place)
{
	DIR *entries = opendir(places[place].directory);
	struct dirent *entry;
	int r = 0;

	while (entries && r == 0 && (entry = readdir(entries))) {
		char path[PATH_MAX];

		if (places[place].numbers ? entry->d_name[0] < '1' || entry->d_name[0] > '9'
					  : entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s%s", places[place].directory,
			       entry->d_name, places[place].below);
		r = visit_path(walk, path);
	}
	if (entries)
		(void)closedir(entries);
	return r;
}

/* Its own namespace first, which takes no privilege. */
static int walk_all(struct walk *walk)
{
	struct stat own;
	int r = fstat(walk->home, &own) < 0 ? -errno : see(walk, own.st_ino);

	if (r == 0)
		r = visit_home(walk);
	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
		r = visit_place(walk, i);
	if (walk->n_seen > 1 && setns(walk->home, CLONE_NEWNET) < 0 && r == 0)
		r = -errno;
	return r;
}

static int serve_walk(int channel, int home, enum helper_ask ask, const int *links, size_t n)
{
	struct walk walk = {
		.channel = channel,
		.ask = ask,
		.links = links,
		.n_links = n,
		.home = home,
	};
	struct helper_reply last = { .last = true };

	last.error = walk_all(&walk);
	last.hidden = walk.hidden;
	free(walk.seen);
	return wire_send(channel, &last, sizeof(last), NULL, 0);
}

/* --- its life --------------------------------------------------------------------------------- */

static int serve_features(int channel)
{
	struct helper_reply reply = { .last = true };
	struct stat pids;

	reply.error = capabilities_check(CAPABILITIES_OF_HELPER);
	if (stat("/proc/self/ns/pid", &pids) < 0 || pids.st_ino != INITIAL_PID_NAMESPACE)
		reply.blind = HELPER_OWN_PIDS_ONLY;
	return wire_send(channel, &reply, sizeof(reply), NULL, 0);
}

static int serve(int channel, int home)
{
	struct helper_request request;
	int fds[HELPER_FDS_MAX];
	size_t n = 0;
	int r = wire_receive(channel, &request, sizeof(request), fds, &n);

	if (r < 0)
		return r;
	if (request.ask == HELPER_FEATURES)
		r = serve_features(channel);
	else if (request.ask < HELPER_ASKS)
		r = serve_walk(channel, home, (enum helper_ask)request.ask, fds, n);
	else
		r = -EPROTO;
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	return r;
}

/* Whoever ends the agent by a signal to its group means the agent: we end when it has. */
static int settle(int channel)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)prctl(PR_SET_NAME, "shuntd-helper");
	if (dup2(channel, CHANNEL) < 0 || close_range(CHANNEL + 1, ~0U, 0) < 0)
		return -errno;
	return capabilities_drop(~(CAPABILITIES_OF_HELPER | CAPABILITIES_TO_OPEN));
}

void child_run(int channel)
{
	pid_t parent = getppid();
	int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : settle(channel);
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || getppid() != parent)
		r = -EPIPE;
	while (r == 0)
		r = serve(CHANNEL, home);
	_exit(0);
}
