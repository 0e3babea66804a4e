/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/plan_seed.h"
#include "core/slots.h"
#include "imitation.h"

void imitation_init(struct imitation *m)
{
	*m = (struct imitation){ .front_let_go = -1 };
	memset(m->cells_let_go, -1, sizeof(m->cells_let_go));
	memset(m->addrs6_let_go, -1, sizeof(m->addrs6_let_go));
	memset(m->ids_let_go, -1, sizeof(m->ids_let_go));
	memset(m->backends_let_go, -1, sizeof(m->backends_let_go));
}

void imitation_grace_begin(struct imitation *m)
{
	assert_int_equal(m->begun, m->ended);
	m->begun++;
}

void imitation_grace_end(struct imitation *m)
{
	assert_int_equal(m->begun, m->ended + 1);
	m->ended++;
}

static bool is_held(const struct imitation *m, int let_go)
{
	return let_go >= 0 && m->ended <= let_go;
}

/* --- the programs' view ----------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ ((const uint8_t *)data)[i]) * 1099511628211ULL;
	return digest;
}

static uint64_t mix_slot(uint64_t digest, const struct shunt_address *address, uint16_t port)
{
	return mix(mix(digest, address, sizeof(*address)), &port, sizeof(port));
}

/* Fails when the run is not one: the front must never lead to such (I1). */
static outcome run_outcome(const struct imitation *m, shunt_run run)
{
	uint32_t base = SHUNT_RUN_BASE(run), count4 = SHUNT_RUN_COUNT4(run);
	uint32_t n = count4 + SHUNT_RUN_COUNT6(run);
	uint64_t digest = 14695981039346656037ULL;
	struct shunt_head head;

	assert_true(run != 0);
	assert_in_range(base + n, 0, IMITATION_CELLS - 1);
	head = m->cells[base].head;
	head.generation = 0; /* says whose the counters are, not where a connect goes */
	head.revision = 0;
	digest = mix(digest, &head, sizeof(head));
	for (uint32_t i = 0; i < n; i++) {
		struct shunt_slot slot = m->cells[base + 1 + i].slot;
		struct addr a = addr_from_ipv4(&slot.address);
		struct shunt_address address;

		assert_in_range(slot.backend_id, 1, IMITATION_BACKENDS);
		assert_int_equal(slot.born, m->born[slot.backend_id]);
		memcpy(&address, a.octets, sizeof(address));
		if (i >= count4) {
			assert_in_range(slot.address, 0, IMITATION_ADDRS6 - 1);
			address = m->addrs6[slot.address];
		}
		digest = mix_slot(digest, &address, slot.port);
	}
	return digest;
}

static const struct plan_front *front_at(const struct imitation *m,
					 const struct shunt_front_key *key)
{
	for (size_t i = 0; i < m->n_fronts; i++) {
		if (memcmp(&m->fronts[i].key, key, sizeof(*key)) == 0)
			return &m->fronts[i];
	}
	return NULL;
}

uint32_t imitation_find(const struct imitation *m, const struct addr_port *to, uint8_t protocol)
{
	struct shunt_front_key key = { .port = to->port, .protocol = protocol };
	bool ipv4 = addr_is_ipv4(&to->addr);
	const uint8_t *first = to->addr.octets + (ipv4 ? 12 : 0);
	unsigned int bit = (unsigned int)first[0] << 8 | first[1];
	const struct plan_front *front;

	if (!((ipv4 ? m->prefixes4 : m->prefixes6)[bit / 64] >> (bit % 64) & 1))
		return 0;
	memcpy(&key.address, to->addr.octets, sizeof(key.address));
	front = front_at(m, &key);
	if (!front) {
		key.port = 0;
		front = front_at(m, &key);
	}
	return front ? front->service_id : 0;
}

outcome imitation_resolve(const struct imitation *m, const struct addr_port *to, uint8_t protocol)
{
	uint32_t id = imitation_find(m, to, protocol);

	if (!id)
		return 0;
	assert_in_range(id, 1, IMITATION_IDS - 1);
	return run_outcome(m, m->runs[id]);
}

outcome imitation_run(const struct imitation *m, uint32_t id)
{
	return run_outcome(m, m->runs[id]);
}

outcome imitation_outcome(const struct table_service *service)
{
	_cleanup_(slots_done) struct slots slots = { 0 };
	struct shunt_head head = { 0 };
	uint64_t digest = 14695981039346656037ULL;

	assert_in_range(service->n_backends, 0, IMITATION_CELLS);
	assert_int_equal(
		slots_build(service->backends, service->n_backends, service->balance, &slots), 0);
	head.on_empty = (uint8_t)service->on_empty;
	head.protocol = (uint8_t)service->protocol;
	digest = mix(digest, &head, sizeof(head));
	for (size_t i = 0; i < slots.n; i++)
		digest = mix_slot(digest, (const void *)slots.order[i]->at.addr.octets,
				  slots.order[i]->at.port);
	return digest;
}

/* --- the writes ------------------------------------------------------------------------------- */

/* Nobody may write where a run in force lies, nor where a reader may still be. */
static void cell_is_free(const struct imitation *m, uint32_t index)
{
	assert_in_range(index, 0, IMITATION_CELLS - 1);
	assert_false(is_held(m, m->cells_let_go[index]));
	for (uint32_t id = 0; id < IMITATION_IDS; id++) {
		shunt_run run = m->runs[id];
		uint32_t base = SHUNT_RUN_BASE(run);

		assert_false(run && index >= base &&
			     index <= base + SHUNT_RUN_COUNT4(run) + SHUNT_RUN_COUNT6(run));
	}
}

static void cell_write(struct imitation *m, uint32_t index, const union shunt_cell *cell,
		       bool is_slot)
{
	uint32_t id = cell->slot.backend_id;

	cell_is_free(m, index);
	m->cells[index] = *cell;
	if (!is_slot || m->born[id] == cell->slot.born)
		return;
	assert_in_range(id, 1, IMITATION_BACKENDS);
	assert_false(is_held(m, m->backends_let_go[id])); /* it is another backend's now */
	m->born[id] = cell->slot.born;
}

static void addr6_is_free(const struct imitation *m, uint32_t index)
{
	assert_in_range(index, 0, IMITATION_ADDRS6 - 1);
	assert_false(is_held(m, m->addrs6_let_go[index]));
	for (uint32_t id = 0; id < IMITATION_IDS; id++) {
		shunt_run run = m->runs[id];
		uint32_t first = SHUNT_RUN_BASE(run) + 1 + SHUNT_RUN_COUNT4(run);

		for (uint32_t i = 0; run && i < SHUNT_RUN_COUNT6(run); i++)
			assert_int_not_equal(m->cells[first + i].slot.address, index);
	}
}

static void run_let_go(struct imitation *m, shunt_run run)
{
	uint32_t base = SHUNT_RUN_BASE(run), count4 = SHUNT_RUN_COUNT4(run);

	if (!run)
		return;
	for (uint32_t i = 0; i <= count4 + SHUNT_RUN_COUNT6(run); i++) {
		m->cells_let_go[base + i] = m->begun;
		if (i > count4)
			m->addrs6_let_go[m->cells[base + i].slot.address] = m->begun;
	}
}

static void run_put(struct imitation *m, uint32_t id, shunt_run run)
{
	assert_in_range(id, 1, IMITATION_IDS - 1);
	if (run && !m->runs[id])
		assert_false(is_held(m, m->ids_let_go[id]));
	if (!run)
		m->ids_let_go[id] = m->begun;
	run_let_go(m, m->runs[id]);
	m->runs[id] = run;
	if (run) {
		(void)run_outcome(m, run);
		m->counters_used[id] = true;
	}
}

/* A new element may be the memory of one that was deleted, or replaced, a moment ago. */
static void front_put(struct imitation *m, const struct plan_op *op)
{
	struct plan_front *old = (struct plan_front *)front_at(m, &op->key);

	assert_false(is_held(m, m->front_let_go));
	if (old) {
		old->service_id = op->index;
		m->front_let_go = m->begun;
		return;
	}
	assert_in_range(m->n_fronts, 0, IMITATION_FRONTS - 1);
	m->fronts[m->n_fronts++] = (struct plan_front){ op->key, op->index };
}

static void front_delete(struct imitation *m, const struct shunt_front_key *key)
{
	struct plan_front *old = (struct plan_front *)front_at(m, key);

	assert_non_null(old);
	*old = m->fronts[--m->n_fronts];
	m->front_let_go = m->begun;
}

static void service_write(struct imitation *m, const struct plan_op *op)
{
	size_t at = 0;

	while (at < m->n_services && !streq(m->services[at].name, op->service->name))
		at++;
	if (op->kind == PLAN_SERVICE_DELETE) {
		assert_int_not_equal(at, m->n_services);
		m->services[at] = m->services[--m->n_services];
		return;
	}
	assert_in_range(at, 0, IMITATION_IDS - 1);
	m->services[at] = *op->service;
	m->n_services = MAX(m->n_services, at + 1);
}

static void backend_write(struct imitation *m, const struct plan_op *op)
{
	size_t at = 0;

	while (at < m->n_backends && m->backends[at].id != op->index)
		at++;
	if (op->kind == PLAN_BACKEND_DELETE) {
		/* a start may know a backend by its slot alone */
		if (at < m->n_backends)
			m->backends[at] = m->backends[--m->n_backends];
		m->backends_let_go[op->index] = m->begun;
		return;
	}
	assert_in_range(at, 0, IMITATION_BACKENDS - 1);
	m->backends[at] = (struct plan_backend){ op->index, *op->backend };
	m->n_backends = MAX(m->n_backends, at + 1);
}

void imitation_apply(struct imitation *m, const struct plan_op *op)
{
	switch (op->kind) {
	case PLAN_CELLS:
		for (uint32_t i = 0; i < op->n; i++)
			cell_write(m, op->index + i, &op->cells[i], i > 0);
		break;
	case PLAN_ADDR6:
		addr6_is_free(m, op->index);
		m->addrs6[op->index] = op->address;
		break;
	case PLAN_BACKEND_PUT:
	case PLAN_BACKEND_DELETE:
		backend_write(m, op);
		break;
	case PLAN_LOAD_BORN:
		assert_in_range(op->index, 1, IMITATION_BACKENDS);
		m->loads[op->index].born = (uint32_t)op->word;
		break;
	case PLAN_RULES:
		m->policies[op->index].rules = *op->rules;
		break;
	case PLAN_COUNTERS_ZERO:
		m->counters_used[op->index] = false;
		break;
	case PLAN_RUN:
		run_put(m, op->index, op->word);
		break;
	case PLAN_SERVICE_PUT:
	case PLAN_SERVICE_DELETE:
		service_write(m, op);
		break;
	case PLAN_PREFIX4:
		m->prefixes4[op->index] = op->word;
		break;
	case PLAN_PREFIX6:
		m->prefixes6[op->index] = op->word;
		break;
	case PLAN_FRONT_PUT:
		front_put(m, op);
		break;
	case PLAN_FRONT_DELETE:
		front_delete(m, &op->key);
		break;
	}
}

/* --- starts and ends -------------------------------------------------------------------------- */

#define COPY(rows, from, count)                                              \
	do {                                                                 \
		(rows).list = calloc((count) + 1, sizeof((rows).list[0]));   \
		assert_non_null((rows).list);                                \
		(rows).n = (rows).capacity = (count);                        \
		memcpy((rows).list, from, (count) * sizeof((rows).list[0])); \
	} while (0)

static const struct plan_limits limits_of = {
	.services = IMITATION_IDS,
	.slots = IMITATION_CELLS,
	.addrs6 = IMITATION_ADDRS6,
	.backends = IMITATION_BACKENDS,
};

static struct plan_state state_of(const struct imitation *m)
{
	struct plan_state have = { 0 };
	struct plan_run runs[IMITATION_IDS];
	size_t n_runs = 0;

	for (uint32_t id = 0; id < IMITATION_IDS; id++) {
		if (m->runs[id])
			runs[n_runs++] = (struct plan_run){ id, m->runs[id] };
	}
	COPY(have.fronts, m->fronts, m->n_fronts);
	COPY(have.services, m->services, m->n_services);
	COPY(have.backends, m->backends, m->n_backends);
	COPY(have.runs, runs, n_runs);
	memcpy(have.prefixes4, m->prefixes4, sizeof(have.prefixes4));
	memcpy(have.prefixes6, m->prefixes6, sizeof(have.prefixes6));
	plan_state_sort(&have);
	return have;
}

struct planner *imitation_planner(struct imitation *m)
{
	const struct plan_memory memory = { m->cells, m->addrs6, m->policies, m->loads };
	_cleanup_(plan_state_done) struct plan_state have = state_of(m);
	struct plan_limits limits = limits_of;
	struct planner *p = NULL;

	limits.generation = (uint32_t)++m->starts * 1000;
	m->begun++;
	m->ended = m->begun;
	assert_int_equal(planner_new(&limits, &memory, &have, &p), 0);
	return p;
}

static const struct plan_service *row_of(const struct imitation *m, const char *name)
{
	for (size_t i = 0; i < m->n_services; i++) {
		if (streq(m->services[i].name, name))
			return &m->services[i];
	}
	return NULL;
}

struct table_service imitation_seed(const struct imitation *m, const char *name)
{
	const struct plan_memory memory = { m->cells, m->addrs6, m->policies, m->loads };
	_cleanup_(plan_state_done) struct plan_state have = state_of(m);
	const struct plan_service *row = row_of(m, name);
	struct table_service seed = { 0 };

	if (row)
		assert_int_equal(plan_seed(&have, &memory, &limits_of, row, &seed), 0);
	return seed;
}

static void service_is(const struct imitation *m, const struct table_service *want)
{
	const struct plan_service *row = row_of(m, want->name);
	size_t backends = 0;

	assert_non_null(row);
	assert_int_equal(row->info.id,
			 imitation_find(m, &want->vip,
					want->protocol == PROTOCOL_UDP ? IPPROTO_UDP
								       : IPPROTO_TCP));
	assert_int_equal(row->info.port, want->vip.port);
	assert_int_equal(row->info.protocol, want->protocol);
	assert_int_equal(row->info.on_empty, want->on_empty);
	assert_int_equal(row->info.backends, want->n_backends);
	for (size_t i = 0; i < m->n_backends; i++) {
		if (m->backends[i].info.service_id != row->info.id)
			continue;
		backends++;
		assert_string_equal(m->backends[i].info.service, want->name);
	}
	assert_int_equal(backends, want->n_backends);
}

void imitation_is(const struct imitation *m, const struct table *want)
{
	size_t backends = 0, fronts = 0, runs = 0, bits = 0;

	assert_int_equal(m->n_services, want->n);
	for (size_t i = 0; i < want->n; i++) {
		service_is(m, &want->services[i]);
		backends += want->services[i].n_backends;
		fronts += want->services[i].protocol == PROTOCOL_ANY ? 2 : 1;
	}
	for (uint32_t id = 0; id < IMITATION_IDS; id++)
		runs += m->runs[id] != 0;
	for (size_t i = 0; i < SHUNT_PREFIX_WORDS; i++)
		bits += (m->prefixes4[i] != 0) + (m->prefixes6[i] != 0);
	assert_int_equal(runs, want->n);
	assert_int_equal(m->n_backends, backends);
	assert_int_equal(m->n_fronts, fronts);
	assert_in_range(bits, want->n ? 1 : 0, want->n);
}
