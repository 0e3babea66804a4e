/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people into their hashes, and out of them, as many in a system call as there are. */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

#define ROWS_MAX 256 /* in one call */

struct rows {
	const struct dataplane *dataplane;
	enum map_index map;
	enum plan_op_kind kind;
	uint32_t n, max;
	char *keys, *values; /* owned; room for `max` of any map's */
};

int rows_new(const struct dataplane *d, size_t most, struct rows **ret)
{
	size_t room = MIN(most, (size_t)ROWS_MAX);
	const struct map *services = &d->maps[MAP_SERVICES], *backends = &d->maps[MAP_BACKENDS];
	_cleanup_(rows_free_p) struct rows *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->dataplane = d;
	r->max = d->after_write ? 1 : (uint32_t)room; /* a test looks at each write */
	r->keys = calloc(room, MAX(services->key_size, backends->key_size));
	r->values = calloc(room, MAX(services->value_size, backends->value_size));
	if (!r->keys || !r->values)
		return -ENOMEM;
	*ret = TAKE_PTR(r);
	return 0;
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	free(r->keys);
	free(r->values);
	free(r);
}

static int put_all(const struct rows *r, const struct map *map)
{
	uint32_t n = r->n;

	return bpf_map_update_batch(map->fd, r->keys, r->values, &n, NULL) < 0 ? -errno : 0;
}

/* What is gone already is as it should be: the kernel stops at it, and tells how many went. */
static int delete_all(const struct rows *r, const struct map *map)
{
	for (uint32_t done = 0; done < r->n; done++) {
		uint32_t n = r->n - done;

		if (bpf_map_delete_batch(map->fd, r->keys + (size_t)done * map->key_size, &n,
					 NULL) == 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
		done += n;
	}
	return 0;
}

int rows_flush(struct rows *r)
{
	const struct dataplane *d = r->dataplane;
	const struct map *map = &d->maps[r->map];
	bool puts = r->kind == PLAN_BACKEND_PUT || r->kind == PLAN_SERVICE_PUT;
	int error;

	if (r->n == 0)
		return 0;
	error = puts ? put_all(r, map) : delete_all(r, map);
	r->n = 0;
	if (error == 0 && d->after_write)
		d->after_write(d->user);
	return error;
}

bool rows_has(const struct plan_op *op)
{
	return op->kind == PLAN_BACKEND_PUT || op->kind == PLAN_BACKEND_DELETE ||
	       op->kind == PLAN_SERVICE_PUT || op->kind == PLAN_SERVICE_DELETE;
}

static void append_backend(struct rows *r, const struct plan_op *op)
{
	const struct shunt_backend_key key = { .id = op->index };

	memcpy(r->keys + r->n * sizeof(key), &key, sizeof(key));
	if (op->kind == PLAN_BACKEND_PUT)
		memcpy(r->values + r->n * sizeof(*op->backend), op->backend, sizeof(*op->backend));
}

static void append_service(struct rows *r, const struct plan_op *op)
{
	const struct plan_service *row = op->service;
	struct shunt_service_key key = { 0 }; /* is compared to its last byte */

	(void)util_copy(key.name, sizeof(key.name), row->name);
	memcpy(r->keys + r->n * sizeof(key), &key, sizeof(key));
	memcpy(r->values + r->n * sizeof(row->info), &row->info, sizeof(row->info));
}

int rows_add(struct rows *r, const struct plan_op *op)
{
	int error = op->kind != r->kind || r->n == r->max ? rows_flush(r) : 0;

	if (error < 0)
		return error;
	r->kind = op->kind;
	if (op->kind == PLAN_BACKEND_PUT || op->kind == PLAN_BACKEND_DELETE) {
		r->map = MAP_BACKENDS;
		append_backend(r, op);
	} else {
		r->map = MAP_SERVICES;
		append_service(r, op);
	}
	r->n++;
	return 0;
}
