/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/foreign.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>

#include "kernel/hooks.h"
#include "kernel/internal.h"

#define PROGRAMS_MAX 64 /* of one cgroup and hook: BPF_CGROUP_MAX_PROGS */

/* The programs on a hook of a cgroup. */
struct attached {
	uint32_t ids[PROGRAMS_MAX], n;
	uint32_t flags; /* of BPF_PROG_ATTACH */
};

void foreigners_done(struct foreigners *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].cgroup);
	free(f->list);
	*f = (struct foreigners){ 0 };
}

/* More may be in force than fit; the first of them will do. */
static int attached_query(int cgroup, const struct hook *hook, bool effective, struct attached *ret)
{
	struct attached found = { .n = PROGRAMS_MAX };

	if (bpf_prog_query(cgroup, (enum bpf_attach_type)hook->attach_type,
			   effective ? BPF_F_QUERY_EFFECTIVE : 0, &found.flags, found.ids,
			   &found.n) < 0 &&
	    errno != ENOSPC)
		return -errno;
	found.n = MIN(found.n, (uint32_t)PROGRAMS_MAX);
	*ret = found;
	return 0;
}

static bool attached_has(const struct attached *a, uint32_t id)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->ids[i] == id)
			return true;
	}
	return false;
}

static void program_name(uint32_t id, char name[static FOREIGN_NAME_MAX])
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	name[0] = '\0';
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0)
		(void)util_copy(name, FOREIGN_NAME_MAX, info.name);
}

/* --- up the hierarchy ------------------------------------------------------------------------- */

/* The cgroup and its ancestors as far as they are visible here. */
struct climb {
	char *path; /* owned; NULL: the end */
	int fd;	    /* owned */
};

static void climb_done(struct climb *c)
{
	free(TAKE_PTR(c->path));
	util_close_p(&c->fd);
	c->fd = -1;
}

static bool climb_look(struct climb *c)
{
	util_close_p(&c->fd);
	c->fd = open(*c->path ? c->path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd >= 0 && cgroup_is_v2(c->fd))
		return true;
	climb_done(c);
	return false;
}

static bool climb_begin(struct climb *c, const struct dataplane *d)
{
	c->fd = -1;
	c->path = realpath(d->cgroup, NULL);
	return c->path && climb_look(c);
}

static bool climb_on(struct climb *c)
{
	char *slash = strrchr(c->path, '/');

	if (!slash) {
		climb_done(c);
		return false;
	}
	*slash = '\0';
	return climb_look(c);
}

/* --- who is in the way ------------------------------------------------------------------------ */

/* An attachment without flags is exclusive: nothing can be added on its cgroup or below it. */
static bool is_blocked(const struct climb *at, const struct hook *hook, struct diag *problems)
{
	char name[FOREIGN_NAME_MAX];
	struct attached found;

	if (attached_query(at->fd, hook, false, &found) < 0 || found.n == 0 || found.flags != 0)
		return false;
	program_name(found.ids[0], name);
	diag_add(problems, at->path,
		 "program %u ('%s') is attached to %s exclusively (without BPF_F_ALLOW_MULTI), so "
		 "nothing can be attached beside it. Have its owner attach it by a link or with "
		 "the flag, or remove it: bpftool cgroup detach %s %s id %u",
		 found.ids[0], name, hook->name, at->path, hook->name, found.ids[0]);
	return true;
}

bool foreign_find_blocker(const struct dataplane *d, const struct hook *hook, struct diag *problems)
{
	_cleanup_(climb_done) struct climb at = { .fd = -1 };
	bool blocked = false;

	for (bool more = climb_begin(&at, d); more && !blocked; more = climb_on(&at))
		blocked = is_blocked(&at, hook, problems);
	return blocked;
}

/* --- who is beside us ------------------------------------------------------------------------- */

/* The id of our own program on the hook, as pinned; 0: none. */
static uint32_t own_program(const struct dataplane *d, const struct hook *hook)
{
	char path[PINS_PATH_MAX];
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/prog_%s", d->directory, hook->name);
	fd = bpf_obj_get(path);
	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 ? info.id : 0;
}

static int add(struct foreigners *to, const struct hook *hook, uint32_t id, const char *cgroup,
	       bool is_displaced)
{
	struct foreign f = { .program = id, .hook = hook->name, .is_displaced = is_displaced };
	int r = util_grow(&to->list, &to->capacity, to->n + 1, sizeof(f));

	if (r < 0)
		return r;
	f.cgroup = cgroup ? strdup(cgroup) : NULL;
	if (cgroup && !f.cgroup)
		return -ENOMEM;
	program_name(id, f.name);
	to->list[to->n++] = f;
	return 0;
}

/* Those attached to one cgroup; what is found in force is struck from *effective. */
static int add_of_cgroup(struct foreigners *to, const struct climb *at, const struct hook *hook,
			 uint32_t own, struct attached *effective)
{
	struct attached found;
	int r = attached_query(at->fd, hook, false, &found);

	for (uint32_t i = 0; r == 0 && i < found.n; i++) {
		uint32_t id = found.ids[i];

		if (id == own)
			continue;
		r = add(to, hook, id, *at->path ? at->path : "/", !attached_has(effective, id));
		for (uint32_t j = 0; j < effective->n; j++) {
			if (effective->ids[j] == id)
				effective->ids[j] = own;
		}
	}
	return r;
}

static int add_of_hook(struct foreigners *to, const struct dataplane *d, const struct hook *hook)
{
	_cleanup_(climb_done) struct climb at = { .fd = -1 };
	uint32_t own = own_program(d, hook);
	struct attached effective;
	int r = attached_query(d->cgroup_fd, hook, true, &effective);

	for (bool more = r == 0 && climb_begin(&at, d); more && r == 0; more = climb_on(&at))
		r = add_of_cgroup(to, &at, hook, own, &effective);
	for (uint32_t i = 0; r == 0 && i < effective.n; i++) {
		if (effective.ids[i] != own)
			r = add(to, hook, effective.ids[i], NULL, false);
	}
	return r;
}

int dataplane_find_foreign(const struct dataplane *d, struct foreigners *ret)
{
	_cleanup_(foreigners_done) struct foreigners found = { 0 };
	int r = 0;

	for (size_t i = 0; i < HOOKS && r == 0; i++) {
		if (hooks[i].attach_type != BPF_TRACE_RAW_TP)
			r = add_of_hook(&found, d, &hooks[i]);
	}
	if (r < 0)
		return r;
	*ret = found;
	found = (struct foreigners){ 0 };
	return 0;
}
