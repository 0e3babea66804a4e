/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/plan_look.h"

static struct dataplane *dataplane_new(const char *bpffs)
{
	struct dataplane *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->directory_fd = d->cgroup_fd = d->grace_outer = d->grace_inner = -1;
	d->events = -1;
	for (int i = 0; i < MAP_COUNT; i++)
		d->maps[i].fd = -1;
	if (asprintf(&d->directory, "%s/%s", bpffs, PINS_DIRECTORY) < 0) {
		free(d);
		return NULL;
	}
	return d;
}

void dataplane_close(struct dataplane *d)
{
	if (!d)
		return;
	for (int i = 0; i < MAP_COUNT; i++) {
		if (d->maps[i].memory)
			(void)munmap(d->maps[i].memory, d->maps[i].mapped);
		util_close_p(&d->maps[i].fd);
	}
	util_close_p(&d->grace_inner);
	util_close_p(&d->grace_outer);
	util_close_p(&d->cgroup_fd);
	util_close_p(&d->directory_fd); /* and with it the lock */
	diag_done(&d->missing);
	exclusions_done(&d->excluded);
	free(d->cgroup);
	free(d->directory);
	free(d);
}

/* The programs on new maps or on those of a predecessor,
 * attached; in that order, so that none runs half. */
static int dataplane_start(struct dataplane *d, const struct dataplane_options *options,
			   struct diag *problems)
{
	_cleanup_(programs_free_p) struct programs *programs = NULL;
	int whole = pins_open(d, problems);
	int r = whole < 0 ? whole : 0;

	if (whole == 0)
		r = pins_remove(d->directory);
	if (r == 0)
		r = load_programs(d, options, whole == 0, &programs, problems);
	if (r == 0)
		r = pins_map(d, true);
	if (r == 0)
		r = exclude_read(d);
	if (r == 0)
		r = attach_all(d, programs, problems);
	if (r == 0)
		r = pins_write_meta(d);
	/* before anything of the predecessor's is used again, its last readers must have gone */
	if (r == 0)
		r = grace_open(d);
	if (r == 0)
		r = dataplane_wait_grace(d);
	/* a first start that fails leaves nothing */
	if (r < 0 && whole == 0)
		(void)pins_remove(d->directory);
	if (r < 0)
		(void)rmdir(d->directory); /* only if it is empty */
	return r;
}

int dataplane_open(const struct dataplane_options *options, struct dataplane **ret,
		   struct diag *problems)
{
	_cleanup_(dataplane_close_p) struct dataplane *d = dataplane_new(options->bpffs);
	size_t said = problems->total;
	int r;

	if (!d)
		return -ENOMEM;
	d->without_sock_destroy = options->without_sock_destroy;
	d->after_write = options->after_write;
	d->user = options->user;
	r = cgroup_find(options->cgroup, &d->cgroup, &d->cgroup_fd, &d->cgroup_id, problems);
	if (r == 0)
		r = pins_mount(options->bpffs, problems);
	d->cgroup_level = r == 0 ? cgroup_level(d->cgroup_fd) : -1;
	if (r == 0)
		r = pins_lock(d, problems);
	if (r == 0)
		r = dataplane_start(d, options, problems);
	if (r < 0) {
		if (problems->total == said)
			diag_add(problems, d->directory, "%s%s", strerror(-r),
				 r == -EPERM ? ". It needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
					     : "");
		return r;
	}
	*ret = TAKE_PTR(d);
	return 0;
}

int dataplane_open_reader(const char *bpffs, struct dataplane **ret, struct diag *problems)
{
	_cleanup_(dataplane_close_p) struct dataplane *d = dataplane_new(bpffs);
	int r;

	if (!d)
		return -ENOMEM;
	r = pins_open(d, problems);
	if (r == 0) {
		diag_add(
			problems, d->directory,
			"nothing is pinned here: shuntd has not run since the last boot or detach");
		return -ENOENT;
	}
	if (r > 0)
		r = pins_map(d, false);
	if (r < 0) {
		if (r != -EPROTO)
			diag_add(problems, d->directory, "cannot read the pinned maps: %s",
				 strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(d);
	return 0;
}

const struct diag *dataplane_missing(const struct dataplane *d)
{
	return &d->missing;
}

const char *dataplane_cgroup(const struct dataplane *d, uint64_t *ret_id)
{
	*ret_id = d->cgroup_id;
	return d->cgroup;
}

struct plan_memory dataplane_memory(const struct dataplane *d)
{
	return (struct plan_memory){
		.cells = d->cells,
		.addrs6 = d->addrs6,
		.policies = d->policies,
		.loads = d->loads,
	};
}

void dataplane_limits(const struct dataplane *d, struct plan_limits *ret)
{
	*ret = (struct plan_limits){
		.services = d->maps[MAP_RUNS].capacity,
		.slots = d->maps[MAP_SLOTS].capacity,
		.addrs6 = d->maps[MAP_ADDRS6].capacity,
		.backends = d->maps[MAP_BACKENDS].capacity,
	};
}

size_t dataplane_map_use(const struct dataplane *d, const struct planner *p,
			 struct dataplane_map_use rows[DATAPLANE_MAPS_MAX])
{
	const struct plan_use use = planner_use(p);
	const struct {
		enum map_index map;
		uint64_t entries;
	} used[] = {
		{ MAP_FRONT, use.fronts },	{ MAP_RUNS, use.runs },
		{ MAP_SLOTS, use.slots },	{ MAP_ADDRS6, use.addrs6 },
		{ MAP_SERVICES, use.services }, { MAP_BACKENDS, use.backends },
	};

	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		rows[i] = (struct dataplane_map_use){
			.map = map_names[used[i].map],
			.entries = used[i].entries,
			.capacity = d->maps[used[i].map].capacity,
		};
	return ARRAY_SIZE(used);
}

int dataplane_running_agent(const char *bpffs)
{
	char directory[PINS_PATH_MAX];

	(void)pins_path(bpffs, PINS_DIRECTORY, directory);
	return pins_agent_lives(directory) > 0 ? pins_agent_pid(directory) : 0;
}

int dataplane_detach(const char *bpffs, int *ret_agent_pid, struct diag *problems)
{
	char directory[PINS_PATH_MAX];
	int r;

	(void)pins_path(bpffs, PINS_DIRECTORY, directory);
	if (access(directory, F_OK) < 0)
		return -errno;
	*ret_agent_pid = dataplane_running_agent(bpffs);
	r = pins_remove(directory);
	if (r == 0 && rmdir(directory) < 0)
		r = -errno;
	if (r < 0)
		diag_add(problems, directory, "cannot remove it: %s", strerror(-r));
	return r;
}
