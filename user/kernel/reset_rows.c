/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of shunt_resets. */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "kernel/resetter.h"

#define NS_PER_MS 1000000ULL

static struct shunt_reset_key key_of(uint32_t service_id, const struct addr_port *backend)
{
	struct shunt_reset_key key = { .service_id = service_id, .port = backend->port };

	memcpy(key.backend.octets, backend->addr.octets, sizeof(key.backend.octets));
	return key;
}

static int generation_of(const struct dataplane *d, uint32_t service_id, uint32_t *ret)
{
	const union shunt_cell *cells = (const union shunt_cell *)d->cells;
	shunt_run run = service_id < d->maps[MAP_RUNS].capacity ? d->runs[service_id] : 0;

	if (run == 0 || SHUNT_RUN_BASE(run) >= d->maps[MAP_SLOTS].capacity)
		return -ESTALE;
	*ret = cells[SHUNT_RUN_BASE(run)].head.generation;
	return 0;
}

int reset_rows_put(const struct dataplane *d, const struct reset_due *due)
{
	struct shunt_reset_key key = key_of(due->service_id, &due->backend);
	struct shunt_reset row = {
		.reason = due->reason,
		.born = due->born,
		.due_ns = due->due_ms * NS_PER_MS,
	};
	int r = generation_of(d, due->service_id, &row.generation);

	if (r == 0 && bpf_map_update_elem(d->maps[MAP_RESETS].fd, &key, &row, BPF_ANY) < 0)
		r = -errno;
	return r;
}

int reset_rows_delete(const struct dataplane *d, uint32_t service_id,
		      const struct addr_port *backend)
{
	struct shunt_reset_key key = key_of(service_id, backend);

	return bpf_map_delete_elem(d->maps[MAP_RESETS].fd, &key) < 0 && errno != ENOENT ? -errno
											: 0;
}

struct reading {
	const struct dataplane *d;
	struct reset_schedule *schedule;
};

static int read_row(void *user, const void *key_bytes, const void *value)
{
	const struct reading *reading = user;
	struct shunt_reset_key key;
	struct shunt_reset row;
	struct reset_due due;
	uint32_t generation;

	memcpy(&key, key_bytes, sizeof(key));
	memcpy(&row, value, sizeof(row));
	due = (struct reset_due){
		.service_id = key.service_id,
		.backend.port = key.port,
		.reason = row.reason < RESETS ? row.reason : RESET_REMOVED,
		.born = row.born,
		.due_ms = row.due_ns / NS_PER_MS,
	};
	memcpy(due.backend.addr.octets, key.backend.octets, sizeof(due.backend.addr.octets));
	if (generation_of(reading->d, key.service_id, &generation) < 0 ||
	    generation != row.generation)
		return reset_rows_delete(reading->d, due.service_id, &due.backend);
	return reset_schedule_add(reading->schedule, &due);
}

int reset_rows_read(const struct dataplane *d, struct reset_schedule *ret)
{
	_cleanup_(reset_schedule_done) struct reset_schedule schedule = { 0 };
	struct reading reading = { d, &schedule };
	int r = map_walk(&d->maps[MAP_RESETS], read_row, &reading);

	if (r < 0)
		return r;
	*ret = schedule;
	schedule = (struct reset_schedule){ 0 };
	return 0;
}
