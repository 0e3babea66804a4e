/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs onto the cgroup by pinned links. A link that a predecessor left is updated in place,
 * which the kernel does atomically: no connect() meets a moment without a program.
 */
#include "kernel/hooks.h"
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

const struct hook hooks[HOOKS] = {
	{ "sock_ops", "shunt_events", BPF_CGROUP_SOCK_OPS },
	{ "error", "shunt_error", BPF_TRACE_RAW_TP },
	{ "destroy", "shunt_destroy", BPF_TRACE_RAW_TP },
	{ "recvmsg4", "shunt_recvmsg4", BPF_CGROUP_UDP4_RECVMSG },
	{ "recvmsg6", "shunt_recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	{ "getpeername4", "shunt_getpeer4", BPF_CGROUP_INET4_GETPEERNAME },
	{ "getpeername6", "shunt_getpeer6", BPF_CGROUP_INET6_GETPEERNAME },
	{ "sendmsg4", "shunt_sendmsg4", BPF_CGROUP_UDP4_SENDMSG },
	{ "sendmsg6", "shunt_sendmsg6", BPF_CGROUP_UDP6_SENDMSG },
	{ "connect4", "shunt_connect4", BPF_CGROUP_INET4_CONNECT },
	{ "connect6", "shunt_connect6", BPF_CGROUP_INET6_CONNECT },
};

static const char *link_path(const struct dataplane *d, size_t hook,
			     char path[static PINS_PATH_MAX])
{
	(void)snprintf(path, PINS_PATH_MAX, "%s/link_%s", d->directory, hooks[hook].name);
	return path;
}

/* The cgroup that a link is attached to; 0: to one that is gone. */
static int link_cgroup(int fd, uint64_t *ret_id)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	*ret_id = info.cgroup.cgroup_id;
	return 0;
}

/* 1: updated; 0: there is none to update, or it is attached elsewhere; or an error. */
static int link_take_over(const struct dataplane *d, size_t hook, int program)
{
	char path[PINS_PATH_MAX];
	_cleanup_close_ int fd = bpf_obj_get(link_path(d, hook, path));
	uint64_t id = 0;
	int r;

	if (hooks[hook].attach_type == BPF_TRACE_RAW_TP)
		return 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = link_cgroup(fd, &id);
	if (r < 0 || id != d->cgroup_id)
		return r;
	if (bpf_link_update(fd, program, NULL) < 0)
		return errno == ENOLINK ? 0 : -errno;
	return 1;
}

/*
 * The new link is in force before the pin of an old one is given up: one on another cgroup, or on a
 * tracepoint, where links cannot be updated (of two that see one end, only the first counts).
 */
static int link_make(const struct dataplane *d, size_t hook, int program)
{
	bool tracepoint = hooks[hook].attach_type == BPF_TRACE_RAW_TP;
	char path[PINS_PATH_MAX];
	_cleanup_close_ int fd =
		tracepoint ? bpf_raw_tracepoint_open(NULL, program)
			   : bpf_link_create(program, d->cgroup_fd,
					     (enum bpf_attach_type)hooks[hook].attach_type, NULL);

	return fd < 0 ? -errno : pins_replace(fd, link_path(d, hook, path));
}

static int program_pin(const struct dataplane *d, size_t hook, int program)
{
	char path[PINS_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/prog_%s", d->directory, hooks[hook].name);
	return pins_replace(program, path);
}

static int attach_one(struct dataplane *d, size_t hook, int program, struct diag *problems)
{
	int r = link_take_over(d, hook, program);

	if (r == 0)
		r = link_make(d, hook, program);
	if (r >= 0)
		r = program_pin(d, hook, program);
	if (r == -EPERM && hooks[hook].attach_type != BPF_TRACE_RAW_TP &&
	    foreign_find_blocker(d, &hooks[hook], problems))
		return -EEXIST;
	if (r < 0)
		diag_add(problems, d->cgroup, "cannot attach to %s: %s", hooks[hook].name,
			 strerror(-r));
	return r;
}

int attach_all(struct dataplane *d, const struct programs *programs, struct diag *problems)
{
	int r = 0;

	for (size_t i = 0; i < HOOKS && r == 0; i++) {
		const struct bpf_program *program = program_find(programs, hooks[i].program);

		if (program)
			r = attach_one(d, i, bpf_program__fd(program), problems);
	}
	return r;
}

static size_t events_hook(void)
{
	size_t hook = 0;

	while (hooks[hook].attach_type != BPF_CGROUP_SOCK_OPS)
		hook++;
	return hook;
}

int attach_events(struct dataplane *d, int program, struct diag *problems)
{
	return attach_one(d, events_hook(), program, problems);
}

int attach_events_off(struct dataplane *d, struct diag *problems)
{
	static const char *const kinds[] = { "link", "prog" };
	const char *name = hooks[events_hook()].name;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		char pin[PINS_PATH_MAX];

		(void)snprintf(pin, sizeof(pin), "%s_%s", kinds[i], name);
		r = pins_remove_one(d->directory, pin);
	}
	if (r < 0)
		diag_add(problems, d->directory, "cannot detach from %s: %s", name, strerror(-r));
	return r;
}

/* --- whether it still is so --------------------------------------------------------------------
 */

static bool hook_is_wanted(const struct dataplane *d, const struct hook *hook)
{
	if (hook->attach_type == BPF_CGROUP_SOCK_OPS)
		return d->events > 0;
	return hook->attach_type != BPF_TRACE_RAW_TP || d->tracks;
}

static int link_check(const struct dataplane *d, size_t hook, struct diag *problems)
{
	char path[PINS_PATH_MAX];
	_cleanup_close_ int fd = bpf_obj_get(link_path(d, hook, path));
	uint64_t id = 0;

	if (fd < 0) {
		diag_add(problems, path, "the pinned link is gone: %s. Restart shuntd",
			 strerror(errno));
		return -ENOLINK;
	}
	if (hooks[hook].attach_type == BPF_TRACE_RAW_TP ||
	    (link_cgroup(fd, &id) == 0 && id == d->cgroup_id))
		return 0;
	diag_add(problems, path,
		 "the link is on the cgroup with id %llu, not on %s with id %llu. Restart shuntd",
		 (unsigned long long)id, d->cgroup, (unsigned long long)d->cgroup_id);
	return -ENOLINK;
}

int dataplane_check(const struct dataplane *d, struct diag *problems)
{
	int r = 0;

	for (size_t i = 0; i < HOOKS; i++) {
		if (hook_is_wanted(d, &hooks[i]) && link_check(d, i, problems) < 0)
			r = -ENOLINK;
	}
	return r;
}
