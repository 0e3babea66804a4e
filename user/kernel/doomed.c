/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of shunt_doomed. */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "kernel/terminate.h"

#define NS_PER_MS 1000000ULL

static struct shunt_doomed_key key_of(uint32_t service_id, const struct addr_port *backend)
{
	struct shunt_doomed_key key = { .service_id = service_id, .port = backend->port };

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

int doomed_put(const struct dataplane *d, const struct doom *doom)
{
	struct shunt_doomed_key key = key_of(doom->service_id, &doom->backend);
	struct shunt_doomed row = {
		.reason = doom->reason,
		.born = doom->born,
		.due_ns = doom->due_ms * NS_PER_MS,
	};
	int r = generation_of(d, doom->service_id, &row.generation);

	if (r == 0 && bpf_map_update_elem(d->maps[MAP_DOOMED].fd, &key, &row, BPF_ANY) < 0)
		r = -errno;
	return r;
}

int doomed_delete(const struct dataplane *d, uint32_t service_id, const struct addr_port *backend)
{
	struct shunt_doomed_key key = key_of(service_id, backend);

	return bpf_map_delete_elem(d->maps[MAP_DOOMED].fd, &key) < 0 && errno != ENOENT ? -errno
											: 0;
}

struct reading {
	const struct dataplane *d;
	struct dooms *dooms;
};

static int read_row(void *user, const void *key_bytes, const void *value)
{
	const struct reading *reading = user;
	struct shunt_doomed_key key;
	struct shunt_doomed row;
	struct doom doom;
	uint32_t generation;

	memcpy(&key, key_bytes, sizeof(key));
	memcpy(&row, value, sizeof(row));
	doom = (struct doom){
		.service_id = key.service_id,
		.backend.port = key.port,
		.reason = row.reason < RESETS ? row.reason : RESET_REMOVED,
		.born = row.born,
		.due_ms = row.due_ns / NS_PER_MS,
	};
	memcpy(doom.backend.addr.octets, key.backend.octets, sizeof(doom.backend.addr.octets));
	if (generation_of(reading->d, key.service_id, &generation) < 0 ||
	    generation != row.generation)
		return doomed_delete(reading->d, doom.service_id, &doom.backend);
	return dooms_add(reading->dooms, &doom);
}

int doomed_read(const struct dataplane *d, struct dooms *ret)
{
	_cleanup_(dooms_done) struct dooms dooms = { 0 };
	struct reading reading = { d, &dooms };
	int r = map_walk(&d->maps[MAP_DOOMED], read_row, &reading);

	if (r < 0)
		return r;
	*ret = dooms;
	dooms = (struct dooms){ 0 };
	return 0;
}
