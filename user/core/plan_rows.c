/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the maps as they ought to be after a plan. */
#include "core/plan_internal.h"

#include <errno.h>

static int front_row(const struct decision *d, uint8_t protocol, struct plan_state *next)
{
	struct plan_front row = {
		.key = { .port = d->want->vip.port, .protocol = protocol },
		.service_id = d->id,
	};

	row.key.address = plan_address(&d->want->vip.addr);
	return PLAN_APPEND(next->fronts, row);
}

static int front_rows(const struct decision *d, struct plan_state *next)
{
	enum shunt_protocol protocol = d->want->protocol;
	int r = 0;

	if (protocol != PROTOCOL_UDP)
		r = front_row(d, PROTOCOL_TCP, next);
	if (r == 0 && protocol != PROTOCOL_TCP)
		r = front_row(d, PROTOCOL_UDP, next);
	return r;
}

static int service_row(const struct decision *d, struct plan_state *next)
{
	const struct table_service *want = d->want;
	struct plan_service row = {
		.info = {
			.id = d->id,
			.protocol = want->protocol,
			.port = want->vip.port,
			.on_empty = want->on_empty,
			.balance = want->balance,
			.backends = (uint32_t)want->n_backends,
			.generation = d->generation,
			.revision = d->revision,
		},
	};

	(void)util_copy(row.name, sizeof(row.name), want->name);
	(void)util_copy(row.info.zone, sizeof(row.info.zone), want->zone);
	if (addr_is_ipv4(&want->vip.addr)) {
		row.info.family = FAMILY_IPV4;
		memcpy(row.info.ipv4, want->vip.addr.octets + 12, 4);
	} else {
		row.info.family = FAMILY_IPV6;
		memcpy(row.info.ipv6, want->vip.addr.octets, 16);
	}
	return PLAN_APPEND(next->services, row);
}

static struct shunt_backend backend_info(const struct decision *d, const struct table_backend *b)
{
	const struct endpoint *e = &b->endpoint;
	struct shunt_backend info = {
		.service_id = d->id,
		.state = e->state,
		.port = e->at.port,
		.weight = e->weight,
		.parts = b->parts,
		.has_share = b->share > 0,
	};

	(void)util_copy(info.service, sizeof(info.service), d->want->name);
	(void)util_copy(info.zone, sizeof(info.zone), e->zone);
	plan_backend_set_addr(&info, &e->at.addr);
	return info;
}

static int backend_rows(const struct decision *d, struct plan_state *next)
{
	int r = 0;

	for (size_t i = 0; i < d->want->n_backends && r == 0; i++) {
		const struct table_backend *b = &d->want->backends[i];
		struct plan_backend row = { d->backends[i].id, backend_info(d, b) };

		row.info.born = d->backends[i].born;
		r = PLAN_APPEND(next->backends, row);
	}
	return r;
}

static int kept_rows(const struct planner *p, const struct decision *d, struct plan_state *next)
{
	const struct plan_state *have = &p->have;
	const struct plan_run *run = plan_state_run(have, d->id);
	struct plan_service row = { .info = { .id = d->id } };
	int r;

	if (d->had)
		row.info = d->had->info;
	if (d->renamed) { /* the run it leads to is not its own */
		row.info.generation = 0;
		row.info.backends = 0;
	}
	/* by its name of now: the name of then may be wanted elsewhere */
	(void)util_copy(row.name, sizeof(row.name), d->want->name);
	r = PLAN_APPEND(next->services, row);
	for (size_t i = 0; i < have->fronts.n && r == 0; i++) {
		if (have->fronts.list[i].service_id == d->id)
			r = PLAN_APPEND(next->fronts, have->fronts.list[i]);
	}
	for (size_t i = plan_state_backends(have, d->id); i < have->backends.n && r == 0; i++) {
		if (have->backends.list[i].info.service_id != d->id)
			break;
		r = PLAN_APPEND(next->backends, have->backends.list[i]);
	}
	if (r == 0 && run)
		r = PLAN_APPEND(next->runs, *run);
	return r;
}

/* Of others at the addresses of this plan. */
static int neighbour_rows(const struct planner *p, struct plan_state *next)
{
	const struct plan_state *have = &p->have;
	int r = 0;

	for (size_t i = 0; i < have->fronts.n && r == 0; i++) {
		if (plan_view_is_neighbour(p, have->fronts.list[i].service_id))
			r = PLAN_APPEND(next->fronts, have->fronts.list[i]);
	}
	return r;
}

int plan_rows(struct planner *p, const struct decisions *decisions, struct plan_state *next)
{
	int r = neighbour_rows(p, next);

	for (size_t i = 0; i < decisions->n && r == 0; i++) {
		const struct decision *d = &decisions->list[i];
		struct plan_run run = { .service_id = d->id, .run = d->run };

		if (d->kept) {
			r = d->id && !d->is_new ? kept_rows(p, d, next) : 0;
			continue;
		}
		r = service_row(d, next);
		if (r == 0)
			r = front_rows(d, next);
		if (r == 0)
			r = backend_rows(d, next);
		if (r == 0)
			r = PLAN_APPEND(next->runs, run);
	}
	plan_state_sort(next);
	return r;
}
