/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start makes of the maps. Everything in them was written by a planner, but perhaps by one
 * that died, or by a bug: what cannot be right is marked (id 0, run 0), and the first plan writes
 * it anew or removes it. What the programs read counts, not what people do.
 */
#include "core/plan_internal.h"

#include <errno.h>

/* Where a run's IPv6 addresses begin, if they lie in a row as this planner writes them. */
static bool run_addrs6(const struct planner *p, shunt_run run, uint32_t *ret_start)
{
	uint32_t first = SHUNT_RUN_BASE(run) + 1 + SHUNT_RUN_COUNT4(run);
	uint32_t start = p->memory.cells[first].slot.address;

	for (uint32_t i = 0; i < SHUNT_RUN_COUNT6(run); i++) {
		if (p->memory.cells[first + i].slot.address != start + i)
			return false;
	}
	*ret_start = start;
	return true;
}

/* Takes a run that is in force out of the pools; false if it cannot be one. */
static bool run_claim(struct planner *p, shunt_run run)
{
	uint32_t base = SHUNT_RUN_BASE(run), count6 = SHUNT_RUN_COUNT6(run);
	uint32_t length = 1 + SHUNT_RUN_COUNT4(run) + count6;
	uint32_t start;

	if (pool_claim(&p->slots, base, length) < 0)
		return false;
	if (count6 == 0)
		return true;
	if (run_addrs6(p, run, &start) && pool_claim(&p->addrs6, start, count6) == 0)
		return true;
	pool_untake(&p->slots, base, length);
	return false;
}

/* An id is in use if any row names it; repeats are as they should be. */
static uint32_t id_claim(struct planner *p, uint32_t id)
{
	if (id == 0 || id >= p->limits.services)
		return 0;
	(void)pool_claim(&p->ids, id, 1);
	return id;
}

static void ids_claim(struct planner *p)
{
	struct plan_state *have = &p->have;

	for (size_t i = 0; i < have->services.n; i++) {
		struct shunt_service *info = &have->services.list[i].info;

		info->id = id_claim(p, info->id);
	}
	for (size_t i = 0; i < have->fronts.n; i++)
		(void)id_claim(p, have->fronts.list[i].service_id);
}

static void runs_claim(struct planner *p)
{
	for (size_t i = 0; i < p->have.runs.n; i++) {
		struct plan_run *run = &p->have.runs.list[i];

		(void)id_claim(p, run->service_id);
		if (!run_claim(p, run->run))
			run->run = 0;
		if (run->run)
			p->generation =
				MAX(p->generation,
				    p->memory.cells[SHUNT_RUN_BASE(run->run)].head.revision);
	}
}

/* The row that a slot in force ought to have; its state says that it was not read from the map. */
static struct shunt_backend row_of_slot(const struct planner *p, uint32_t service_id,
					const struct shunt_slot *slot, bool ipv6)
{
	struct shunt_backend info = {
		.service_id = service_id,
		.state = STATE_UNSET,
		.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.port = slot->port,
		.weight = 1,
		.born = slot->born,
		.has_share = 1,
	};

	if (!ipv6)
		memcpy(info.ipv4, &slot->address, sizeof(info.ipv4));
	else if (slot->address < p->limits.addrs6)
		memcpy(info.ipv6, p->memory.addrs6[slot->address].octets, sizeof(info.ipv6));
	return info;
}

/* `rows` is by backend id one more than the index of its row; 0: it has none. */
static int slot_claim(struct planner *p, uint32_t service_id, const struct shunt_slot *slot,
		      bool ipv6, uint32_t *rows)
{
	struct shunt_backend info = row_of_slot(p, service_id, slot, ipv6);
	uint32_t *row;

	if (slot->backend_id == 0 || slot->backend_id >= p->limits.backends)
		return 0;
	row = &rows[slot->backend_id];
	if (*row == 0) {
		if (util_grow(&p->have.backends.list, &p->have.backends.capacity,
			      p->have.backends.n + 1, sizeof(struct plan_backend)) < 0)
			return -ENOMEM;
		p->have.backends.list[p->have.backends.n] = (struct plan_backend){ slot->backend_id,
										   info };
		*row = (uint32_t)++p->have.backends.n;
		return 0;
	}
	if (p->have.backends.list[*row - 1].info.service_id != service_id ||
	    p->have.backends.list[*row - 1].info.born != slot->born)
		p->have.backends.list[*row - 1].info = info;
	return 0;
}

static int run_slots_claim(struct planner *p, const struct plan_run *run, uint32_t *rows)
{
	uint32_t first = SHUNT_RUN_BASE(run->run) + 1, count4 = SHUNT_RUN_COUNT4(run->run);
	uint32_t n = count4 + SHUNT_RUN_COUNT6(run->run);
	int r = 0;

	for (uint32_t i = 0; run->run && i < n && r == 0; i++)
		r = slot_claim(p, run->service_id, &p->memory.cells[first + i].slot, i >= count4,
			       rows);
	return r;
}

static int backends_claim(struct planner *p)
{
	_cleanup_free_ uint32_t *rows = calloc(p->limits.backends, sizeof(*rows));
	struct plan_state *have = &p->have;
	int r = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < have->backends.n; i++) {
		if (have->backends.list[i].id < p->limits.backends)
			rows[have->backends.list[i].id] = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < have->runs.n && r == 0; i++)
		r = run_slots_claim(p, &have->runs.list[i], rows);
	for (size_t i = 0; i < have->backends.n && r == 0; i++) {
		(void)pool_claim(&p->backend_ids, have->backends.list[i].id, 1);
		p->generation = MAX(p->generation, have->backends.list[i].info.born);
	}
	plan_state_sort(have);
	return r;
}

int plan_claim(struct planner *p)
{
	ids_claim(p);
	runs_claim(p);
	return backends_claim(p);
}
