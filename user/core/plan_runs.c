/* SPDX-License-Identifier: Apache-2.0 */
/* The run of slots of one service: kept when its cells
 * are what is wanted, else taken and written anew. */
#include "core/plan_internal.h"

#include <errno.h>

struct shunt_address plan_address(const struct addr *a)
{
	struct shunt_address address;

	memcpy(address.octets, a->octets, sizeof(address.octets));
	return address;
}

static union shunt_cell head_cell(const struct decision *d)
{
	const struct table_service *want = d->want;

	return (union shunt_cell){
		.head = {
			.on_empty = (uint8_t)want->on_empty,
			.protocol = (uint8_t)want->protocol,
			.balance = (uint8_t)want->balance,
			.flags = want->head_flags,
			.generation = d->generation,
			.revision = d->revision,
		},
	};
}

/* What slots_build puts in order are the endpoints of backends. */
static const struct table_backend *backend_of(const struct endpoint *e)
{
	return (const struct table_backend *)((const char *)e -
					      offsetof(struct table_backend, endpoint));
}

/* `address6` is where its address lies if it is IPv6. */
static union shunt_cell slot_cell(const struct decision *d, const struct endpoint *e,
				  uint32_t address6)
{
	size_t i = (size_t)(backend_of(e) - d->want->backends);
	union shunt_cell cell = {
		.slot = {
			.address = address6,
			.port = e->at.port,
			.backend_id = d->backends[i].id,
			.born = d->backends[i].born,
		},
	};

	if (addr_is_ipv4(&e->at.addr))
		memcpy(&cell.slot.address, e->at.addr.octets + 12, 4);
	return cell;
}

static bool cell_equals(const union shunt_cell *a, const union shunt_cell *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

static bool cell_is(const struct planner *p, uint32_t index, const struct decision *d,
		    const struct endpoint *e)
{
	const union shunt_cell *cell = &p->memory.cells[index];
	union shunt_cell wanted = slot_cell(d, e, cell->slot.address);

	if (!cell_equals(cell, &wanted))
		return false;
	return addr_is_ipv4(&e->at.addr) ||
	       (cell->slot.address < p->limits.addrs6 &&
		memcmp(p->memory.addrs6[cell->slot.address].octets, e->at.addr.octets, 16) == 0);
}

static bool run_is_wanted(const struct planner *p, const struct decision *d)
{
	uint32_t base = SHUNT_RUN_BASE(d->run);
	union shunt_cell head = head_cell(d);

	if (d->run == 0 || SHUNT_RUN_COUNT4(d->run) != d->slots.count4 ||
	    SHUNT_RUN_COUNT6(d->run) != d->slots.count6)
		return false;
	if (!cell_equals(&p->memory.cells[base], &head))
		return false;
	for (size_t i = 0; i < d->slots.n; i++) {
		if (!cell_is(p, base + 1 + (uint32_t)i, d, d->slots.order[i]))
			return false;
	}
	return true;
}

/* Takes room for the cells and, if there are any, the IPv6 addresses: both or none. */
static int run_take(struct planner *p, struct decision *d)
{
	uint32_t length = (uint32_t)d->slots.n + 1;
	uint32_t base;
	int r = pool_take(&p->slots, length, &base);

	if (r < 0)
		return r;
	if (d->slots.count6 > 0) {
		r = pool_take(&p->addrs6, d->slots.count6, &d->addrs6);
		if (r < 0) {
			pool_untake(&p->slots, base, length);
			return r;
		}
	}
	d->run = SHUNT_RUN(base, d->slots.count4, d->slots.count6);
	d->revision = ++p->generation;
	d->writes_run = true;
	return 0;
}

/* A service keeps its generation; one that takes over the id of another begins a new one. */
static uint32_t generation_decide(struct planner *p, const struct decision *d)
{
	if (d->is_new || d->renamed || d->run == 0)
		return ++p->generation;
	return p->memory.cells[SHUNT_RUN_BASE(d->run)].head.generation;
}

int plan_run_decide(struct planner *p, struct decision *d)
{
	const struct table_service *want = d->want;
	int r = slots_build(want->backends, want->n_backends, want->balance, &d->slots);

	d->generation = generation_decide(p, d);
	if (d->run)
		d->revision = p->memory.cells[SHUNT_RUN_BASE(d->run)].head.revision;
	if (r < 0 || run_is_wanted(p, d))
		return r;
	return run_take(p, d);
}

static int addr6_write(struct plan *plan, uint32_t index, const struct addr *a)
{
	struct plan_op *op = plan_add(plan, PLAN_ADDR6, index);

	if (!op)
		return -ENOMEM;
	op->address = plan_address(a);
	return 0;
}

int plan_run_write(const struct decision *d, struct plan *plan)
{
	_cleanup_free_ union shunt_cell *cells = calloc(d->slots.n + 1, sizeof(*cells));
	uint32_t address6 = d->addrs6;
	struct plan_op *op;
	int r = 0;

	if (!cells)
		return -ENOMEM;
	cells[0] = head_cell(d);
	for (size_t i = 0; i < d->slots.n && r == 0; i++) {
		const struct endpoint *e = d->slots.order[i];

		cells[i + 1] = slot_cell(d, e, address6);
		if (!addr_is_ipv4(&e->at.addr))
			r = addr6_write(plan, address6++, &e->at.addr);
	}
	op = r == 0 ? plan_add(plan, PLAN_CELLS, SHUNT_RUN_BASE(d->run)) : NULL;
	if (!op)
		return -ENOMEM;
	op->n = (uint32_t)d->slots.n + 1;
	op->cells = TAKE_PTR(cells);
	return 0;
}
