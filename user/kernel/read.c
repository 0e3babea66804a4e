/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back what is in force: for people, for metrics, and for the planner that takes over. */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "core/plan_seed.h"

#define BATCH_MIN 1024

/* Room for a batch of keys and values. */
struct batch {
	char *keys, *values; /* owned */
	uint32_t n;
};

static void batch_done(struct batch *b)
{
	free(b->keys);
	free(b->values);
}

/* Begins anew with twice the room; zeroed, for valgrind does not know what bpf(2) writes. */
static int batch_grow(struct batch *b, const struct map *map)
{
	uint32_t n = MAX(2 * b->n, (uint32_t)BATCH_MIN);

	batch_done(b);
	*b = (struct batch){
		.keys = calloc(n, map->key_size),
		.values = calloc(n, map->value_size),
		.n = n,
	};
	return b->keys && b->values ? 0 : -ENOMEM;
}

static int batch_rows(const struct batch *b, uint32_t n, const struct map *map, map_row_fn row,
		      void *user)
{
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++)
		r = row(user, b->keys + (size_t)i * map->key_size,
			b->values + (size_t)i * map->value_size);
	return r;
}

int map_walk(const struct map *map, map_row_fn row, void *user)
{
	_cleanup_(batch_done) struct batch batch = { 0 };
	uint32_t place = 0, *from = NULL;
	int r = batch_grow(&batch, map);

	while (r == 0) {
		uint32_t next = 0, n = batch.n;
		int error = bpf_map_lookup_batch(map->fd, from, &next, batch.keys, batch.values, &n,
						 NULL) < 0
				    ? errno
				    : 0;

		if (error == ENOSPC) { /* one bucket of the hash has more than fit */
			r = batch_grow(&batch, map);
			continue;
		}
		if (error && error != ENOENT)
			return -error;
		r = batch_rows(&batch, n, map, row, user);
		if (error == ENOENT) /* that was the end */
			return r;
		place = next;
		from = &place;
	}
	return r;
}

#define APPEND(rows, row)                                                                    \
	(util_grow(&(rows).list, &(rows).capacity, (rows).n + 1, sizeof((rows).list[0])) < 0 \
		 ? -ENOMEM                                                                   \
		 : ((rows).list[(rows).n++] = (row), 0))

static int service_row(void *user, const void *key, const void *value)
{
	const struct shunt_service_key *name = key;
	struct plan_state *state = user;
	struct plan_service row;

	memcpy(&row.info, value, sizeof(row.info));
	(void)util_copy(row.name, sizeof(row.name), name->name);
	return APPEND(state->services, row);
}

static int backend_row(void *user, const void *key, const void *value)
{
	const struct shunt_backend_key *id = key;
	struct plan_state *state = user;
	struct plan_backend row = { .id = id->id };

	memcpy(&row.info, value, sizeof(row.info));
	return APPEND(state->backends, row);
}

static uint64_t load(const uint64_t *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static int run_rows(const struct dataplane *d, struct plan_state *state)
{
	for (uint32_t id = 0; id < d->maps[MAP_RUNS].capacity; id++) {
		struct plan_run row = { .service_id = id, .run = load(&d->runs[id]) };

		if (row.run && APPEND(state->runs, row) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int people_rows(const struct dataplane *d, struct plan_state *state)
{
	int r = map_walk(&d->maps[MAP_SERVICES], service_row, state);

	if (r == 0)
		r = map_walk(&d->maps[MAP_BACKENDS], backend_row, state);
	return r;
}

int dataplane_read_state(struct dataplane *d, struct plan_state *ret)
{
	_cleanup_(plan_state_done) struct plan_state state = { 0 };
	int r = people_rows(d, &state);

	if (r == 0)
		r = front_read(d, &state);
	if (r == 0)
		r = run_rows(d, &state);
	if (r < 0)
		return r;
	memcpy(state.prefixes4, d->prefixes->ipv4, sizeof(state.prefixes4));
	memcpy(state.prefixes6, d->prefixes->ipv6, sizeof(state.prefixes6));
	plan_state_sort(&state);
	*ret = state;
	state = (struct plan_state){ 0 };
	return 0;
}

/* The programs eject without asking; the rows follow when the agent has noticed. */
static void tell_ejected(const struct dataplane *d, struct table_service *service)
{
	for (size_t i = 0; i < service->n_backends; i++) {
		struct table_backend *backend = &service->backends[i];
		struct shunt_health health;

		if (backend->endpoint.state == STATE_HEALTHY &&
		    dataplane_health(d, backend->id, backend->born, &health) && health.eject_until)
			backend->endpoint.state = STATE_EJECTED;
	}
}

static int table_row(const struct dataplane *d, const struct plan_state *state,
		     const struct plan_service *row, struct table *table)
{
	const struct plan_memory memory = dataplane_memory(d);
	struct plan_limits limits;
	const struct shunt_service *info = &row->info;
	struct table_service *service = table_add(table);
	int r;

	if (!service)
		return -ENOMEM;
	(void)util_copy(service->name, sizeof(service->name), row->name);
	service->vip.port = (uint16_t)info->port;
	service->vip.addr = info->family == FAMILY_IPV6 ? addr_from_ipv6(info->ipv6)
							: addr_from_ipv4(info->ipv4);
	service->protocol = info->protocol;
	service->on_empty = info->on_empty;
	service->balance = info->balance;
	(void)util_copy(service->zone, sizeof(service->zone), info->zone);
	service->id = info->id;
	service->run = info->id < d->maps[MAP_RUNS].capacity ? load(&d->runs[info->id]) : 0;
	dataplane_limits(d, &limits);
	r = plan_seed(state, &memory, &limits, row, service);
	if (r == 0)
		tell_ejected(d, service);
	return r;
}

int dataplane_read(struct dataplane *d, struct table *ret)
{
	_cleanup_(plan_state_done) struct plan_state state = { 0 };
	_cleanup_(table_done) struct table table = { 0 };
	int r = people_rows(d, &state);

	if (r == 0)
		r = run_rows(d, &state);
	plan_state_sort(&state);
	for (size_t i = 0; i < state.services.n && r == 0; i++)
		r = table_row(d, &state, &state.services.list[i], &table);
	if (r < 0)
		return r;
	table_sort(&table);
	*ret = table;
	table = (struct table){ 0 };
	return 0;
}

void dataplane_counters(const struct dataplane *d, uint32_t service_id, struct shunt_counters *ret)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;
	struct shunt_counters sum = { 0 };

	for (unsigned int cpu = 0; cpu < d->cpus && service_id < stride; cpu++) {
		const struct shunt_counters *row = &d->counters[cpu * stride + service_id];

		sum.redirected += __atomic_load_n(&row->redirected, __ATOMIC_RELAXED);
		sum.no_backend += __atomic_load_n(&row->no_backend, __ATOMIC_RELAXED);
		sum.active += __atomic_load_n(&row->active, __ATOMIC_RELAXED);
		sum.bytes_sent += __atomic_load_n(&row->bytes_sent, __ATOMIC_RELAXED);
		sum.bytes_received += __atomic_load_n(&row->bytes_received, __ATOMIC_RELAXED);
		sum.retransmits += __atomic_load_n(&row->retransmits, __ATOMIC_RELAXED);
	}
	*ret = sum;
}

void dataplane_failures(const struct dataplane *d, uint32_t service_id, struct shunt_failures *ret)
{
	*ret = (struct shunt_failures){ 0 };
	for (size_t i = 0; i < FAILURES && service_id < d->maps[MAP_FAILURES].capacity; i++)
		ret->count[i] = __atomic_load_n(&d->failures[service_id].count[i],
						__ATOMIC_RELAXED);
}

int dataplane_read_backend(const struct dataplane *d, uint32_t id, struct shunt_backend *ret)
{
	struct shunt_backend row = { 0 };

	if (bpf_map_lookup_elem(d->maps[MAP_BACKENDS].fd, &id, &row) < 0)
		return -errno;
	*ret = row;
	return 0;
}

void dataplane_resets(const struct dataplane *d, uint32_t service_id, uint64_t ret[static RESETS])
{
	bool known = service_id < d->maps[MAP_POLICIES].capacity;

	for (size_t i = 0; i < RESETS; i++)
		ret[i] = known ? __atomic_load_n(&d->policies[service_id].resets[i],
						 __ATOMIC_RELAXED)
			       : 0;
}

uint32_t dataplane_lookup(const struct dataplane *d, const struct addr_port *to,
			  enum shunt_protocol protocol)
{
	struct shunt_front_key key = { .port = to->port, .protocol = (uint8_t)protocol };
	uint32_t service_id;

	memcpy(key.address.octets, to->addr.octets, sizeof(key.address.octets));
	service_id = front_lookup(d, &key);
	key.port = 0; /* any port */
	return service_id ? service_id : front_lookup(d, &key);
}

static struct endpoint endpoint_in_slot(const struct dataplane *d, struct shunt_slot slot,
					bool ipv6)
{
	struct endpoint e = { .weight = 1, .state = STATE_HEALTHY };

	e.at.port = slot.port;
	if (!ipv6)
		e.at.addr = addr_from_ipv4(&slot.address);
	else if (slot.address < d->maps[MAP_ADDRS6].capacity)
		e.at.addr = addr_from_ipv6(d->addrs6[slot.address].octets);
	return e;
}

int dataplane_read_run(const struct dataplane *d, uint32_t service_id, struct shunt_head *ret_head,
		       struct endpoint **ret_slots, size_t *ret_n)
{
	shunt_run run = service_id < d->maps[MAP_RUNS].capacity ? load(&d->runs[service_id]) : 0;
	size_t count4 = SHUNT_RUN_COUNT4(run), n = count4 + SHUNT_RUN_COUNT6(run);
	uint64_t base = SHUNT_RUN_BASE(run);
	_cleanup_free_ struct endpoint *slots = calloc(MAX(n, 1U), sizeof(*slots));
	struct shunt_head head;

	if (!slots)
		return -ENOMEM;
	if (run == 0 || base + 1 + n > d->maps[MAP_SLOTS].capacity)
		return -ESTALE;
	head = d->cells[base].head;
	for (size_t i = 0; i < n; i++)
		slots[i] = endpoint_in_slot(d, d->cells[base + 1 + i].slot, i >= count4);
	if (load(&d->runs[service_id]) != run) /* changed while we read */
		return -ESTALE;
	*ret_head = head;
	*ret_slots = TAKE_PTR(slots);
	*ret_n = n;
	return 0;
}
