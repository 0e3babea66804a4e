/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan: stores one by one, the rows for people in batches (rows.c). A word that makes
 * something visible is stored with release order, so whoever sees a run sees its cells.
 */
#include "kernel/internal.h"

#include <errno.h>

#define FETCHED_MAX 16 /* writes */

static void store(void *place, uint64_t word)
{
	__atomic_store_n((uint64_t *)place, word, __ATOMIC_RELEASE);
}

static void zero_counters(const struct dataplane *d, uint32_t service_id)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;

	for (unsigned int cpu = 0; cpu < d->cpus; cpu++)
		d->counters[cpu * stride + service_id] = (struct shunt_counters){ 0 };
	d->failures[service_id] = (struct shunt_failures){ 0 };
	d->timings[service_id] = (struct shunt_timing){ 0 };
	d->policies[service_id] = (struct shunt_policy){ .rules = d->policies[service_id].rules };
}

static int apply_one(const struct dataplane *d, const struct plan_op *op)
{
	switch (op->kind) {
	case PLAN_CELLS:
		memcpy(&d->cells[op->index], op->cells, op->n * sizeof(*op->cells));
		return 0;
	case PLAN_ADDR6:
		d->addrs6[op->index] = op->address;
		return 0;
	case PLAN_LOAD_BORN:
		d->loads[op->index] = (struct shunt_load){ .born = (uint32_t)op->word };
		return 0;
	case PLAN_RULES:
		d->policies[op->index].rules = *op->rules;
		return 0;
	case PLAN_COUNTERS_ZERO:
		zero_counters(d, op->index);
		return 0;
	case PLAN_RUN:
		store(&d->runs[op->index], op->word);
		return 0;
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
	case PLAN_BACKEND_PUT:
	case PLAN_BACKEND_DELETE:
	case PLAN_SERVICE_PUT:
	case PLAN_SERVICE_DELETE:
		break; /* rows.c */
	}
	return -EINVAL;
}

/*
 * What a small change writes is in no cache. Asked for at once, it comes in the time that one line
 * takes. Of a larger change the machine sees the order by itself.
 */
static void fetch(const struct dataplane *d, const struct plan *plan)
{
	for (size_t i = 0; i < MIN(plan->ops.n, (size_t)FETCHED_MAX); i++) {
		const struct plan_op *op = &plan->ops.list[i];

		if (op->kind == PLAN_RUN)
			__builtin_prefetch(&d->runs[op->index], 1);
		for (uint32_t at = 0; op->kind == PLAN_CELLS && at < MIN(op->n, 64U); at += 4)
			__builtin_prefetch(&d->cells[op->index + at], 1);
	}
}

int dataplane_apply(struct dataplane *d, const struct plan *plan)
{
	_cleanup_(rows_free_p) struct rows *rows = NULL;
	int r = 0;

	fetch(d, plan);
	for (size_t i = 0; i < plan->ops.n && r == 0; i++) {
		const struct plan_op *op = &plan->ops.list[i];

		if (rows_has(op)) {
			r = rows ? 0 : rows_new(d, plan->ops.n - i, &rows);
			if (r == 0)
				r = rows_add(rows, op);
			continue;
		}
		r = rows ? rows_flush(rows) : 0;
		if (r == 0)
			r = apply_one(d, op);
		if (r == 0 && d->after_write)
			d->after_write(d->user);
	}
	return r == 0 && rows ? rows_flush(rows) : r;
}
