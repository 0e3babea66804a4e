/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/terminate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "kernel/internal.h"
#include "kernel/sock_diag.h"
#include "kernel/victims.h"

#include "terminate.skel.h"
#include "victims.skel.h"

struct terminator {
	const struct dataplane *d;
	struct bpf_object *object;
	struct bpf_link *links[TERMINATOR_LINKS];
	size_t n_links;
	bool by_netlink;	/* then links[0] is of the iterator over socket storage */
	struct victims victims; /* of the walk that is being made by netlink */
};

void terminator_free(struct terminator *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_links; i++)
		(void)bpf_link__destroy(t->links[i]);
	bpf_object__close(t->object);
	victims_done(&t->victims);
	free(t);
}

/* --- loading ---------------------------------------------------------------------------------- */

static int link_program(struct terminator *t, const char *name,
			const struct bpf_iter_attach_opts *options)
{
	struct bpf_program *program = bpf_object__find_program_by_name(t->object, name);
	struct bpf_link *link = program ? bpf_program__attach_iter(program, options) : NULL;

	if (!link)
		return program ? -errno : -ENOENT;
	t->links[t->n_links++] = link;
	return 0;
}

static int load(struct terminator *t, const void *elf, size_t size)
{
	const struct shunt_settings settings = { .runs_capacity = t->d->maps[MAP_RUNS].capacity };

	return load_object(t->d, &settings, elf, size, &t->object);
}

static int open_iterators(struct terminator *t)
{
	size_t size;
	const void *elf = shunt_terminate__elf_bytes(&size);
	int r = load(t, elf, size);

	if (r == 0)
		r = link_program(t, "shunt_end_tcp", NULL);
	return r < 0 ? r : link_program(t, "shunt_end_udp", NULL);
}

static int probe_netlink(void)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : sock_diag_probe(fd);
}

/* Of sockets with notes in socket storage; without it TCP connections with tracks are found still.
 */
static int open_victims(struct terminator *t)
{
	union bpf_iter_link_info info = {
		.map = { .map_fd = (uint32_t)t->d->maps[MAP_SENDERS].fd },
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	size_t size;
	const void *elf = shunt_victims__elf_bytes(&size);
	int r = load(t, elf, size);

	return r < 0 ? r : link_program(t, "shunt_victims", &options);
}

static int open_netlink(struct terminator *t, struct diag *missing)
{
	int r = probe_netlink();

	t->by_netlink = true;
	if (r < 0) {
		diag_add(missing, "kernel",
			 "connections to backends that are gone cannot be reset: it has neither "
			 "bpf_sock_destroy() (Linux 6.5) nor CONFIG_INET_DIAG_DESTROY (%s)",
			 strerror(-r));
		return -ENOTSUP;
	}
	r = open_victims(t);
	if (r < 0)
		diag_add(missing, "kernel",
			 "%s sockets that are connected to backends that are gone are not reset: "
			 "it has no iterator over socket storage (%s)",
			 t->d->tracks ? "UDP" : "TCP and UDP", strerror(-r));
	return 0;
}

int terminator_open(const struct dataplane *d, struct terminator **ret, struct diag *missing)
{
	_cleanup_(terminator_free_p) struct terminator *t = calloc(1, sizeof(*t));
	int r = t ? -ENOTSUP : -ENOMEM;

	if (!t)
		return r;
	t->d = d;
	if (!d->without_sock_destroy)
		r = open_iterators(t);
	if (r < 0) {
		terminator_free(t);
		t = calloc(1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->d = d;
		r = open_netlink(t, missing);
	}
	if (r == 0)
		*ret = TAKE_PTR(t);
	return r;
}

size_t terminator_links(const struct terminator *t, int ret[static TERMINATOR_LINKS])
{
	if (t->by_netlink)
		return 0;
	for (size_t i = 0; i < t->n_links; i++)
		ret[i] = bpf_link__fd(t->links[i]);
	return t->n_links;
}

/* --- destroying ------------------------------------------------------------------------------- */

int terminator_begin(struct terminator *t)
{
	if (!t->by_netlink)
		return 0;
	victims_done(&t->victims);
	return victims_find(&t->victims, t->d, t->n_links > 0 ? bpf_link__fd(t->links[0]) : -1);
}

/* The programs do it as they are read from; what they write is nothing. */
static int iterate(int fd)
{
	char nothing[64];
	ssize_t got;

	do
		got = read(fd, nothing, sizeof(nothing));
	while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : 0;
}

static bool is_victim(void *user, const struct inet_diag_msg *socket)
{
	const struct terminator *t = user;

	return victims_match(&t->victims, sock_diag_cookie(socket), sock_diag_peer(socket));
}

static void count_victim(void *user, const struct inet_diag_msg *socket)
{
	const struct terminator *t = user;
	const struct shunt_victim *victim = victims_match(&t->victims, sock_diag_cookie(socket),
							  sock_diag_peer(socket));

	if (victim && victim->service_id < t->d->maps[MAP_POLICIES].capacity &&
	    victim->reason < RESETS)
		__atomic_fetch_add(&t->d->policies[victim->service_id].resets[victim->reason], 1,
				   __ATOMIC_RELAXED);
}

int terminator_destroy(struct terminator *t, const int *fds, size_t n)
{
	const struct sock_diag_order order = { is_victim, count_victim, t };
	int r = 0;

	if (t->by_netlink && t->victims.n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int error = t->by_netlink ? sock_diag_destroy(fds[i], &order) : iterate(fds[i]);

		if (r == 0)
			r = error;
	}
	return r;
}
