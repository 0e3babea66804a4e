/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which id a wanted service takes. An id belongs to an address first and to a name second: a
 * service that is renamed keeps its id, so that its front need not change. What the fronts say
 * counts, for it is what connects follow: after a death in mid-plan the rows may say otherwise.
 */
#include "core/plan_internal.h"

#include <errno.h>

static void decision_done(struct decision *d)
{
	slots_done(&d->slots);
	free(d->backends);
}

void decisions_done(struct decisions *d)
{
	for (size_t i = 0; i < d->n; i++)
		decision_done(&d->list[i]);
	free(d->list);
	*d = (struct decisions){ 0 };
}

/* What is known of the ids in use. */
struct known {
	const struct plan_state *have;
	const union shunt_cell *cells;
	uint32_t limit;
	struct known_id *ids; /* the planner's */
};

/* Only what was written is cleared: a plan may be about one service of many. */
static void known_done(struct known *k)
{
	const struct plan_state *have = k->have;

	for (size_t i = 0; i < have->services.n; i++)
		k->ids[have->services.list[i].info.id] = (struct known_id){ 0 };
	for (size_t i = 0; i < have->fronts.n; i++) {
		if (have->fronts.list[i].service_id < k->limit)
			k->ids[have->fronts.list[i].service_id] = (struct known_id){ 0 };
	}
}

static struct known known_of(const struct planner *p)
{
	struct known k = { &p->have, p->memory.cells, p->limits.services, p->known };

	for (size_t i = 0; i < k.have->services.n; i++)
		k.ids[k.have->services.list[i].info.id].row = &k.have->services.list[i];
	for (size_t i = 0; i < k.have->fronts.n; i++) {
		uint32_t id = k.have->fronts.list[i].service_id;

		if (id >= k.limit)
			continue;
		k.ids[id].fronts++;
		k.ids[id].taken |= plan_view_is_neighbour(p, id);
	}
	return k;
}

/* Nobody has id 0. */
static bool is_taken(const struct known *k, uint32_t id)
{
	return id == 0 || k->ids[id].taken;
}

static int compare_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct plan_service *)row)->name);
}

static const struct plan_service *find_by_name(const struct plan_state *have, const char *name)
{
	if (have->services.n == 0)
		return NULL;
	return bsearch(name, have->services.list, have->services.n, sizeof(struct plan_service),
		       compare_name);
}

/* The id that a wanted key leads to now; 0: to none. */
static uint32_t key_id(const struct known *k, const struct table_service *want, uint8_t protocol)
{
	struct plan_front row = { .key = { .port = want->vip.port, .protocol = protocol } };
	const struct plan_front *front = NULL;

	if (want->protocol != PROTOCOL_ANY && (uint8_t)want->protocol != protocol)
		return 0;
	row.key.address = plan_address(&want->vip.addr);
	if (k->have->fronts.n > 0)
		front = bsearch(&row, k->have->fronts.list, k->have->fronts.n, sizeof(row),
				plan_front_compare);
	return front && front->service_id < k->limit ? front->service_id : 0;
}

/* Is the run the one of this row? A row may be written before its run, and be left by one of then.
 */
static bool is_of(const struct known *k, const struct plan_service *row, shunt_run run)
{
	return run && k->cells[SHUNT_RUN_BASE(run)].head.generation == row->info.generation;
}

static void take_over(struct known *k, struct decision *d, uint32_t id)
{
	const struct plan_service *named = find_by_name(k->have, d->want->name);
	const struct plan_run *run = plan_state_run(k->have, id);

	/* a start after a crash in the middle of a renaming finds the id under both names */
	d->had = named && named->info.id == id ? named : k->ids[id].row;
	d->id = id;
	d->run = run ? run->run : 0;
	d->renamed = !d->had || !streq(d->had->name, d->want->name) || !is_of(k, d->had, d->run);
	k->ids[id].taken = true;
}

static int match_new(struct planner *p, struct decision *d, struct plan *plan)
{
	int r = pool_take(&p->ids, 1, &d->id);

	if (r == 0) {
		d->is_new = true;
		return 0;
	}
	d->kept = true;
	if (r == -EAGAIN) {
		plan->deferred = true;
		return 0;
	}
	return plan_refuse(plan, d->want->name, r);
}

/* The service is where it was, under the name it had. */
static uint32_t id_unchanged(const struct known *k, const struct table_service *want)
{
	const struct plan_service *named = find_by_name(k->have, want->name);
	uint32_t id = named ? named->info.id : 0;

	return id && (id == key_id(k, want, PROTOCOL_TCP) || id == key_id(k, want, PROTOCOL_UDP))
		       ? id
		       : 0;
}

/* It is at this address already, and changes its port or protocol. */
static bool is_there(const struct known *k, const struct table_service *want)
{
	const struct plan_service *named = find_by_name(k->have, want->name);
	struct shunt_address address = plan_address(&want->vip.addr);
	const struct plan_state *have = k->have;

	if (!named || named->info.id == 0)
		return false;
	for (size_t i = plan_fronts_at(have, &address); i < have->fronts.n; i++) {
		const struct plan_front *front = &have->fronts.list[i];

		if (memcmp(&front->key.address, &address, sizeof(address)) != 0)
			break;
		if (front->service_id == named->info.id)
			return true;
	}
	return false;
}

/* Another name was there. Not if it is elsewhere too: there it must not lead to this service. */
static uint32_t id_by_address(const struct known *k, const struct table_service *want)
{
	uint32_t tcp = key_id(k, want, PROTOCOL_TCP), udp = key_id(k, want, PROTOCOL_UDP);

	if (is_there(k, want))
		return 0;
	if (!is_taken(k, tcp) && k->ids[tcp].fronts == 1U + (udp == tcp))
		return tcp;
	if (!is_taken(k, udp) && k->ids[udp].fronts == 1)
		return udp;
	return 0;
}

/* It moves to another address. */
static uint32_t id_by_name(const struct known *k, const struct table_service *want)
{
	const struct plan_service *named = find_by_name(k->have, want->name);

	return named ? named->info.id : 0;
}

static void match_old(struct known *k, struct decisions *made)
{
	static uint32_t (*const rules[])(const struct known *, const struct table_service *) = {
		id_unchanged,
		id_by_address,
		id_by_name,
	};

	for (size_t rule = 0; rule < ARRAY_SIZE(rules); rule++) {
		for (size_t i = 0; i < made->n; i++) {
			struct decision *d = &made->list[i];
			uint32_t id = d->id ? 0 : rules[rule](k, d->want);

			if (!is_taken(k, id))
				take_over(k, d, id);
		}
	}
}

int plan_match(struct planner *p, const struct table *want, struct decisions *ret,
	       struct plan *plan)
{
	_cleanup_(decisions_done) struct decisions made = { 0 };
	_cleanup_(known_done) struct known known = known_of(p);
	int r = 0;

	made.list = calloc(MAX(want->n, 1U), sizeof(*made.list));
	if (!made.list)
		return -ENOMEM;
	made.n = want->n;
	for (size_t i = 0; i < want->n; i++)
		made.list[i].want = &want->services[i];
	match_old(&known, &made);
	for (size_t i = 0; i < made.n && r == 0; i++) {
		if (made.list[i].id == 0)
			r = match_new(p, &made.list[i], plan);
	}
	if (r < 0)
		return r;
	*ret = made;
	made = (struct decisions){ 0 };
	return 0;
}
