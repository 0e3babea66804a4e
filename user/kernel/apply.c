/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan, one write an operation. A word that makes something visible is stored with
 * release order, so whoever sees a run sees its cells.
 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

static int row_put(const struct dataplane *d, enum map_index map, const void *key,
		   const void *value)
{
	return bpf_map_update_elem(d->maps[map].fd, key, value, BPF_ANY) < 0 ? -errno : 0;
}

/* What is gone already is as it should be. */
static int row_delete(const struct dataplane *d, enum map_index map, const void *key)
{
	return bpf_map_delete_elem(d->maps[map].fd, key) < 0 && errno != ENOENT ? -errno : 0;
}

static void store(uint64_t *place, uint64_t word)
{
	__atomic_store_n(place, word, __ATOMIC_RELEASE);
}

static void key_of(const char *name, struct shunt_service_key *ret)
{
	memset(ret, 0, sizeof(*ret)); /* a hash key is compared to its last byte */
	(void)util_copy(ret->name, sizeof(ret->name), name);
}

static int put_service(const struct dataplane *d, const struct plan_op *op)
{
	struct shunt_service_key key;

	key_of(op->service->name, &key);
	return row_put(d, MAP_SERVICES, &key, &op->service->info);
}

static int delete_service(const struct dataplane *d, const struct plan_op *op)
{
	struct shunt_service_key key;

	key_of(op->service->name, &key);
	return row_delete(d, MAP_SERVICES, &key);
}

static void zero_counters(const struct dataplane *d, uint32_t service_id)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;

	for (unsigned int cpu = 0; cpu < d->cpus; cpu++)
		d->counters[cpu * stride + service_id] = (struct shunt_counters){ 0 };
	d->failures[service_id] = (struct shunt_failures){ 0 };
	d->policies[service_id] = (struct shunt_policy){ .rules = d->policies[service_id].rules };
}

static int apply_one(const struct dataplane *d, const struct plan_op *op)
{
	switch (op->kind) {
	case PLAN_CELL:
		d->cells[op->index] = op->cell;
		return 0;
	case PLAN_ADDR6:
		d->addrs6[op->index] = op->address;
		return 0;
	case PLAN_BACKEND_PUT:
		return row_put(d, MAP_BACKENDS, &op->index, &op->backend);
	case PLAN_BACKEND_BORN:
		d->health[op->index] = (struct shunt_health){ .born = (uint32_t)op->word };
		d->loads[op->index] = (struct shunt_load){ .born = (uint32_t)op->word };
		return 0;
	case PLAN_RULES:
		d->policies[op->index].rules = op->rules;
		return 0;
	case PLAN_COUNTERS_ZERO:
		zero_counters(d, op->index);
		return 0;
	case PLAN_RUN:
		store(&d->runs[op->index], op->word);
		return 0;
	case PLAN_SERVICE_PUT:
		return put_service(d, op);
	case PLAN_PREFIX4:
		store(&d->prefixes->ipv4[op->index], op->word);
		return 0;
	case PLAN_PREFIX6:
		store(&d->prefixes->ipv6[op->index], op->word);
		return 0;
	case PLAN_FRONT_PUT:
		return front_put(d, &op->key, op->index);
	case PLAN_FRONT_DELETE:
		return front_delete(d, &op->key);
	case PLAN_SERVICE_DELETE:
		return delete_service(d, op);
	case PLAN_BACKEND_DELETE:
		return row_delete(d, MAP_BACKENDS, &op->index);
	}
	return -EINVAL;
}

int dataplane_apply(struct dataplane *d, const struct plan *plan)
{
	for (size_t i = 0; i < plan->ops.n; i++) {
		int r = apply_one(d, &plan->ops.list[i]);

		if (r < 0)
			return r;
		if (d->after_write)
			d->after_write(d->user);
	}
	return 0;
}
