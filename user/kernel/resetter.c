/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/resetter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "kernel/internal.h"
#include "kernel/sock_diag.h"
#include "kernel/victims.h"

#include "resetter.skel.h"
#include "victims.skel.h"

struct resetter {
	const struct dataplane *d;
	struct bpf_object *object; /* bpf/resetter.bpf.c; NULL: it is done by netlink */
	struct bpf_link *links[RESETTER_LINKS];
	size_t n_links;
	struct bpf_object *search; /* bpf/victims.bpf.c, or NULL */
	struct bpf_link *search_link;
	struct victims victims; /* of the walk that is being made */
	size_t left;		/* of them */
};

static void close_iterators(struct resetter *t)
{
	for (size_t i = 0; i < t->n_links; i++)
		(void)bpf_link__destroy(t->links[i]);
	t->n_links = 0;
	bpf_object__close(TAKE_PTR(t->object));
}

void resetter_free(struct resetter *t)
{
	if (!t)
		return;
	close_iterators(t);
	(void)bpf_link__destroy(t->search_link);
	bpf_object__close(t->search);
	victims_done(&t->victims);
	free(t);
}

/* --- loading ---------------------------------------------------------------------------------- */

static int link_program(const struct bpf_object *object, const char *name,
			const struct bpf_iter_attach_opts *options, struct bpf_link **ret)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	struct bpf_link *link = program ? bpf_program__attach_iter(program, options) : NULL;

	if (!link)
		return program ? -errno : -ENOENT;
	*ret = link;
	return 0;
}

static int load(const struct resetter *t, const void *elf, size_t size, struct bpf_object **ret)
{
	const struct shunt_settings settings = { .runs_capacity = t->d->maps[MAP_RUNS].capacity };

	return load_object(t->d, &settings, elf, size, ret);
}

static int open_iterators(struct resetter *t)
{
	static const char *const programs[RESETTER_LINKS] = { "shunt_end_tcp", "shunt_end_udp" };
	size_t size;
	const void *elf = shunt_resetter__elf_bytes(&size);
	int r = t->d->without_sock_destroy ? -ENOTSUP : load(t, elf, size, &t->object);

	for (size_t i = 0; i < RESETTER_LINKS && r == 0; i++) {
		r = link_program(t->object, programs[i], NULL, &t->links[i]);
		t->n_links += r == 0;
	}
	if (r < 0)
		close_iterators(t);
	return r;
}

static int netlink_is_able(struct diag *missing)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int r = fd < 0 ? -errno : sock_diag_is_able(fd);

	if (r < 0)
		diag_add(missing, "kernel",
			 "connections to backends that are gone cannot be reset: it has neither "
			 "bpf_sock_destroy() (Linux 6.5) nor CONFIG_INET_DIAG_DESTROY (%s)",
			 strerror(-r));
	return r < 0 ? -ENOTSUP : 0;
}

/* Of sockets with notes in socket storage; without it those with tracks are found still. */
static void open_search(struct resetter *t, struct diag *missing)
{
	union bpf_iter_link_info info = {
		.map = { .map_fd = (uint32_t)t->d->maps[MAP_SENDERS].fd },
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	size_t size;
	const void *elf = shunt_victims__elf_bytes(&size);
	int r = load(t, elf, size, &t->search);

	if (r == 0)
		r = link_program(t->search, "shunt_victims", &options, &t->search_link);
	if (r < 0)
		diag_add(missing, "kernel",
			 "%s sockets that are connected to backends that are gone are not reset: "
			 "it has no iterator over socket storage (%s)",
			 t->d->tracks ? "UDP" : "TCP and UDP", strerror(-r));
}

int resetter_open(const struct dataplane *d, struct resetter **ret, struct diag *missing)
{
	_cleanup_(resetter_free_p) struct resetter *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->d = d;
	if (open_iterators(t) < 0)
		r = netlink_is_able(missing);
	if (r < 0)
		return r;
	open_search(t, missing);
	*ret = TAKE_PTR(t);
	return 0;
}

size_t resetter_links(const struct resetter *t, int ret[static RESETTER_LINKS])
{
	for (size_t i = 0; i < t->n_links; i++)
		ret[i] = bpf_link__fd(t->links[i]);
	return t->n_links;
}

/* --- destroying ------------------------------------------------------------------------------- */

int resetter_begin(struct resetter *t)
{
	int r;

	victims_done(&t->victims);
	r = victims_find(&t->victims, t->d, t->search_link ? bpf_link__fd(t->search_link) : -1);
	t->left = t->victims.n;
	return r < 0 ? r : (int)MIN(t->left, (size_t)INT_MAX);
}

/* The programs do it as they are read from, and write an octet for each. */
static int iterate(struct resetter *t, int fd)
{
	char each[64];
	ssize_t got;

	do {
		got = read(fd, each, sizeof(each));
		if (got > 0)
			t->left -= MIN(t->left, (size_t)got);
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : 0;
}

static bool is_victim(void *user, const struct inet_diag_msg *socket)
{
	const struct resetter *t = user;

	return victims_match(&t->victims, sock_diag_cookie(socket), sock_diag_peer(socket));
}

static void count_victim(void *user, const struct inet_diag_msg *socket)
{
	struct resetter *t = user;
	const struct shunt_victim *victim = victims_match(&t->victims, sock_diag_cookie(socket),
							  sock_diag_peer(socket));

	t->left -= t->left > 0;
	if (victim && victim->service_id < t->d->maps[MAP_POLICIES].capacity &&
	    victim->reason < RESETS)
		__atomic_fetch_add(&t->d->policies[victim->service_id].resets[victim->reason], 1,
				   __ATOMIC_RELAXED);
}

int resetter_walk(struct resetter *t, const int *fds, size_t n)
{
	const struct sock_diag_order order = { is_victim, count_victim, t };
	int r = 0;

	for (size_t i = 0; i < n && t->left > 0; i++) {
		int error = t->n_links > 0 ? iterate(t, fds[i]) : sock_diag_destroy(fds[i], &order);

		if (r == 0)
			r = error;
	}
	return r;
}
