/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of excluded cgroups, and the words that tell the programs at which levels to ask. A row
 * is there before the word that leads to it, and goes after it.
 */
#include "kernel/exclude.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "kernel/internal.h"

static struct shunt_excluded_key key_of(const struct exclusion *row)
{
	return (struct shunt_excluded_key){ row->cgroup_id, row->service_id, 0 };
}

static int row_read(void *user, const void *key, const void *value)
{
	const struct shunt_excluded_key *excluded = key;
	const struct exclusion row = { .cgroup_id = excluded->cgroup_id,
				       .service_id = excluded->service_id };

	(void)value;
	return exclusions_add(user, &row);
}

int exclude_read(struct dataplane *d)
{
	_cleanup_(exclusions_done) struct exclusions rows = { 0 };
	int r = map_walk(&d->maps[MAP_EXCLUDED], row_read, &rows);

	if (r < 0)
		return r;
	exclusions_sort(&rows);
	exclusions_done(&d->excluded);
	d->excluded = rows;
	rows = (struct exclusions){ 0 };
	return 0;
}

static int row_put(const struct dataplane *d, const struct exclusion *row)
{
	struct shunt_excluded_key key = key_of(row);
	struct shunt_excluded value = { 0 };

	(void)util_copy(value.cgroup, sizeof(value.cgroup), row->cgroup);
	if (bpf_map_update_elem(d->maps[MAP_EXCLUDED].fd, &key, &value, BPF_ANY) == 0)
		return 0;
	return errno == E2BIG ? -ENOSPC : -errno;
}

static int row_delete(const struct dataplane *d, const struct exclusion *row)
{
	struct shunt_excluded_key key = key_of(row);

	if (bpf_map_delete_elem(d->maps[MAP_EXCLUDED].fd, &key) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* `more`: besides those that are in force. */
static void levels_set(const struct dataplane *d, const struct exclusions *want, bool more)
{
	struct shunt_prefixes *p = d->prefixes;
	uint32_t all, some;

	exclusions_levels(want, &all, &some);
	if (more) {
		all |= p->excluded_all;
		some |= p->excluded_some;
	}
	__atomic_store_n(&p->excluded_all, all, __ATOMIC_RELEASE);
	__atomic_store_n(&p->excluded_some, some, __ATOMIC_RELEASE);
}

static int put_missing(const struct dataplane *d, const struct exclusions *want,
		       struct exclusions *added)
{
	int r = 0;

	for (size_t i = 0; i < want->n && r == 0; i++) {
		if (exclusions_contain(&d->excluded, &want->list[i]))
			continue;
		r = row_put(d, &want->list[i]);
		if (r == 0)
			r = exclusions_add(added, &want->list[i]);
	}
	return r;
}

int dataplane_exclude(struct dataplane *d, const struct exclusions *want)
{
	_cleanup_(exclusions_done) struct exclusions added = { 0 };
	int r = put_missing(d, want, &added);

	levels_set(d, want, true);
	for (size_t i = 0; i < added.n; i++) {
		added.list[i].cgroup = NULL; /* borrowed for the writing only */
		if (exclusions_add(&d->excluded, &added.list[i]) < 0)
			r = -ENOMEM;
	}
	exclusions_sort(&d->excluded);
	return r;
}

int dataplane_include_others(struct dataplane *d, const struct exclusions *want)
{
	size_t n = 0;
	int r = 0;

	levels_set(d, want, false);
	for (size_t i = 0; i < d->excluded.n; i++) {
		const struct exclusion *row = &d->excluded.list[i];
		bool wanted = exclusions_contain(want, row);
		int e = wanted ? 0 : row_delete(d, row);

		if (wanted || e < 0)
			d->excluded.list[n++] = *row;
		r = e < 0 ? e : r;
	}
	d->excluded.n = n;
	return r;
}

/* --- for people ------------------------------------------------------------------------------- */

struct shown {
	struct dataplane_excluded *list; /* owned */
	size_t n, capacity;
};

static void shown_done(struct shown *s)
{
	free(s->list);
}

static int shown_add(void *user, const void *key, const void *value)
{
	const struct shunt_excluded_key *excluded = key;
	struct dataplane_excluded *row;
	struct shown *s = user;

	if (util_grow(&s->list, &s->capacity, s->n + 1, sizeof(*s->list)) < 0)
		return -ENOMEM;
	row = &s->list[s->n++];
	row->service_id = excluded->service_id;
	memcpy(row->cgroup, value, sizeof(row->cgroup));
	row->cgroup[sizeof(row->cgroup) - 1] = '\0';
	return 0;
}

static int compare_shown(const void *a, const void *b)
{
	const struct dataplane_excluded *left = a, *right = b;

	if (left->service_id != right->service_id)
		return left->service_id < right->service_id ? -1 : 1;
	return strcmp(left->cgroup, right->cgroup);
}

int dataplane_excluded(const struct dataplane *d, struct dataplane_excluded **ret, size_t *ret_n)
{
	_cleanup_(shown_done) struct shown s = { 0 };
	int r = map_walk(&d->maps[MAP_EXCLUDED], shown_add, &s);

	if (r < 0)
		return r;
	if (s.n > 0)
		qsort(s.list, s.n, sizeof(*s.list), compare_shown);
	*ret = TAKE_PTR(s.list);
	*ret_n = s.n;
	return 0;
}
