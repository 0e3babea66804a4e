/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of events.bpf.c, which every TCP socket of the machine pays for while it is attached:
 * so it is loaded and attached when a service asks, and taken off when none does.
 */
#include "kernel/events.h"
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "lent.skel.h"

static void object_close(struct bpf_object *object)
{
	bpf_object__close(object);
}
DEFINE_CLEANUP(struct bpf_object *, object_close);

static void link_destroy(struct bpf_link *link)
{
	(void)bpf_link__destroy(link);
}
DEFINE_CLEANUP(struct bpf_link *, link_destroy);

static int events_on(struct dataplane *d, struct diag *problems)
{
	_cleanup_close_ int program = load_events(d, problems);

	return program < 0 ? program : attach_events(d, program, problems);
}

/* How many octets an iterator over socket storage writes, if not none. */
static int iterate(const struct bpf_object *object, int map)
{
	union bpf_iter_link_info info = { .map = { .map_fd = (uint32_t)map } };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	_cleanup_(link_destroy_p) struct bpf_link *link = NULL;
	_cleanup_close_ int fd = -1;
	char some[64];
	ssize_t got;

	link = bpf_program__attach_iter(bpf_object__next_program(object, NULL), &options);
	fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	if (fd < 0)
		return -errno;
	do
		got = read(fd, some, sizeof(some));
	while (got < 0 && (errno == EAGAIN || errno == EINTR));
	return got < 0 ? -errno : (int)got;
}

/* Is a socket still to be given back its own timeout? 1, 0, or an error. */
static int some_are_lent(const struct dataplane *d, struct diag *problems)
{
	_cleanup_(object_close_p) struct bpf_object *object = NULL;
	size_t size;
	const void *bytes = shunt_lent__elf_bytes(&size);
	int r = load_object(d, &d->settings, bytes, size, &object);

	if (r == 0)
		r = iterate(object, d->maps[MAP_ATTEMPTS].fd);
	if (r < 0)
		diag_add(problems, "kernel", "it does not tell who still has a connect_timeout: %s",
			 strerror(-r));
	return MIN(r, 1);
}

/* It would keep ours. */
static int events_off(struct dataplane *d, struct diag *problems)
{
	int lent = some_are_lent(d, problems);

	if (lent != 0)
		return lent < 0 ? lent : -EAGAIN;
	return attach_events_off(d, problems);
}

int dataplane_events(struct dataplane *d, bool wanted, struct diag *problems)
{
	int r;

	if (d->events == wanted)
		return 0;
	r = wanted ? events_on(d, problems) : events_off(d, problems);
	if (r < 0)
		return r;
	d->events = wanted;
	return 0;
}

bool dataplane_timing(const struct dataplane *d, uint32_t service_id, struct shunt_timing *ret)
{
	*ret = (struct shunt_timing){ 0 };
	if (service_id >= d->maps[MAP_TIMINGS].capacity ||
	    !d->policies[service_id].rules.connect_timing)
		return false;
	for (size_t i = 0; i < SHUNT_TIMING_BUCKETS; i++)
		ret->count[i] = __atomic_load_n(&d->timings[service_id].count[i], __ATOMIC_RELAXED);
	ret->sum_ns = __atomic_load_n(&d->timings[service_id].sum_ns, __ATOMIC_RELAXED);
	return true;
}
