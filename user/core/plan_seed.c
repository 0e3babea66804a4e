/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backends of a service were in force, for a start without news and for people. Rows are
 * written after the run that they tell of; when the agent died between the two, the run counts: it
 * is what connects have gone to.
 */
#include "core/plan_seed.h"

#include "core/plan_internal.h"

#include <errno.h>

struct seed {
	const struct plan_state *have;
	const struct plan_memory *memory;
	const struct plan_limits *limits;
	const struct plan_service *row;
	struct table_backend *list; /* owned */
	size_t n, capacity;
};

static void seed_done(struct seed *s)
{
	free(s->list);
}

static int seed_add(struct seed *s, const struct table_backend *backend)
{
	if (util_grow(&s->list, &s->capacity, s->n + 1, sizeof(*s->list)) < 0)
		return -ENOMEM;
	s->list[s->n++] = *backend;
	return 0;
}

static struct table_backend of_row(const struct plan_backend *row)
{
	struct table_backend b = {
		.endpoint = {
			.at = plan_backend_at(&row->info),
			.weight = row->info.weight,
			.state = (uint8_t)row->info.state,
		},
		.id = row->id,
		.born = row->info.born,
		.parts = row->info.parts,
	};

	(void)util_copy(b.endpoint.zone, sizeof(b.endpoint.zone), row->info.zone);
	return b;
}

/* An id may have been another service's a moment ago, whose rows are still there. */
static bool is_named(const struct plan_backend *row, const char *service)
{
	return strncmp(row->info.service, service, sizeof(row->info.service) - 1) == 0;
}

static int add_rows(struct seed *s)
{
	const struct plan_state *have = s->have;
	uint32_t id = s->row->info.id;
	int r = 0;

	for (size_t i = plan_state_backends(have, id); i < have->backends.n && r == 0; i++) {
		const struct plan_backend *row = &have->backends.list[i];
		struct table_backend backend = of_row(row);

		if (row->info.service_id != id)
			break;
		if (is_named(row, s->row->name))
			r = seed_add(s, &backend);
	}
	return r;
}

/* The run of the row's service; 0: there is none, or the id's run is that of another. */
static shunt_run run_of(const struct seed *s)
{
	const struct plan_run *found = plan_state_run(s->have, s->row->info.id);
	shunt_run run = found ? found->run : 0;
	uint64_t base = SHUNT_RUN_BASE(run);

	if (run == 0 || base + SHUNT_RUN_COUNT4(run) + SHUNT_RUN_COUNT6(run) >= s->limits->slots ||
	    s->memory->cells[base].head.generation != s->row->info.generation)
		return 0;
	return run;
}

/* Do the rows tell of `run` or, where that is 0, of one that is gone? */
static bool rows_are_whole(const struct seed *s, shunt_run run)
{
	const struct shunt_service *info = &s->row->info;

	return s->n == info->backends &&
	       (!run || s->memory->cells[SHUNT_RUN_BASE(run)].head.revision == info->revision);
}

static struct table_backend of_slot(const struct seed *s, const struct shunt_slot *slot, bool ipv6)
{
	struct table_backend b = {
		.endpoint = { .weight = 1, .state = STATE_HEALTHY },
		.id = slot->backend_id,
		.born = slot->born,
	};

	b.endpoint.at.port = slot->port;
	if (!ipv6)
		b.endpoint.at.addr = addr_from_ipv4(&slot->address);
	else if (slot->address < s->limits->addrs6)
		b.endpoint.at.addr = addr_from_ipv6(s->memory->addrs6[slot->address].octets);
	return b;
}

static int add_slots(struct seed *s, shunt_run run)
{
	uint32_t first = SHUNT_RUN_BASE(run) + 1, count4 = SHUNT_RUN_COUNT4(run);
	uint32_t n = count4 + SHUNT_RUN_COUNT6(run);
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		const struct shunt_slot *slot = &s->memory->cells[first + i].slot;
		struct table_backend backend = of_slot(s, slot, i >= count4);

		r = seed_add(s, &backend);
	}
	return r;
}

static int compare_at(const void *a, const void *b)
{
	return addr_port_compare(&((const struct table_backend *)a)->endpoint.at,
				 &((const struct table_backend *)b)->endpoint.at);
}

/* One of each: a backend has as many slots as its weight wants. */
static void sort_unique(struct seed *s)
{
	size_t n = 0;

	if (s->n > 0)
		qsort(s->list, s->n, sizeof(*s->list), compare_at);
	for (size_t i = 0; i < s->n; i++) {
		if (n == 0 || compare_at(&s->list[n - 1], &s->list[i]) != 0)
			s->list[n++] = s->list[i];
	}
	s->n = n;
}

/* What only a row knows of a backend, that it was healthy when it was given slots excepted. */
static void learn_from_rows(struct seed *s, const struct seed *rows)
{
	for (size_t i = 0; i < s->n; i++) {
		struct endpoint *e = &s->list[i].endpoint;
		const struct table_backend *row = NULL;

		if (rows->n > 0)
			row = bsearch(&s->list[i], rows->list, rows->n, sizeof(*row), compare_at);
		if (!row)
			continue;
		e->weight = row->endpoint.weight;
		(void)util_copy(e->zone, sizeof(e->zone), row->endpoint.zone);
	}
}

int plan_seed(const struct plan_state *have, const struct plan_memory *memory,
	      const struct plan_limits *limits, const struct plan_service *row,
	      struct table_service *ret)
{
	_cleanup_(seed_done) struct seed rows = { have, memory, limits, row, NULL, 0, 0 };
	_cleanup_(seed_done) struct seed slots = { have, memory, limits, row, NULL, 0, 0 };
	struct seed *seed = &rows;
	shunt_run run = run_of(&rows);
	int r = add_rows(&rows);

	if (r == 0 && !rows_are_whole(&rows, run)) {
		sort_unique(&rows);
		if (run)
			r = add_slots(&slots, run);
		sort_unique(&slots);
		learn_from_rows(&slots, &rows);
		seed = &slots;
	}
	if (r < 0)
		return r;
	ret->n_backends = seed->n;
	ret->backends = TAKE_PTR(seed->list);
	return 0;
}
