/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which id a wanted backend takes: its own if it stays in its service (what another service had at
 * the same address is another backend). Programs and open connections know a backend by id, so an
 * id rests before it is another's, and is born anew.
 */
#include "core/plan_internal.h"

#include <errno.h>

/* The row of a wanted backend from *at on, both lists being sorted; NULL: it is new. */
static const struct plan_backend *row_find(const struct plan_state *have, uint32_t service_id,
					   const struct addr_port *wanted, size_t *at)
{
	for (; *at < have->backends.n; (*at)++) {
		const struct plan_backend *row = &have->backends.list[*at];
		struct addr_port row_at = plan_backend_at(&row->info);
		int order;

		if (row->info.service_id != service_id)
			return NULL;
		order = addr_port_compare(&row_at, wanted);
		if (order > 0)
			return NULL;
		if (order == 0) {
			(*at)++;
			return row;
		}
	}
	return NULL;
}

static int backend_new(struct planner *p, struct decided_backend *b)
{
	int r = pool_take(&p->backend_ids, 1, &b->id);

	if (r < 0)
		return r;
	b->born = ++p->generation;
	b->is_new = true;
	return 0;
}

int plan_backends_decide(struct planner *p, struct decision *d)
{
	const struct table_service *want = d->want;
	size_t at = plan_state_backends(&p->have, d->id);
	int r = 0;

	d->backends = calloc(MAX(want->n_backends, 1U), sizeof(*d->backends));
	if (!d->backends)
		return -ENOMEM;
	for (size_t i = 0; i < want->n_backends && r == 0; i++) {
		const struct addr_port *wanted = &want->backends[i].endpoint.at;
		const struct plan_backend *row = d->renamed
							 ? NULL
							 : row_find(&p->have, d->id, wanted, &at);

		if (row)
			d->backends[i] = (struct decided_backend){ row->id, row->info.born, false };
		else
			r = backend_new(p, &d->backends[i]);
	}
	if (r < 0)
		plan_backends_undo(p, d);
	return r;
}

void plan_backends_undo(struct planner *p, struct decision *d)
{
	for (size_t i = 0; d->backends && i < d->want->n_backends; i++) {
		if (d->backends[i].is_new)
			pool_untake(&p->backend_ids, d->backends[i].id, 1);
		d->backends[i].is_new = false;
	}
}

int plan_backends_born(const struct planner *p, const struct decision *d, struct plan *plan)
{
	if (!(d->want->head_flags & SHUNT_HEAD_LOADS))
		return 0;
	for (size_t i = 0; i < d->want->n_backends; i++) {
		const struct decided_backend *b = &d->backends[i];
		struct plan_op *op;

		if (p->memory.loads[b->id].born == b->born)
			continue;
		op = plan_add(plan, PLAN_LOAD_BORN, b->id);
		if (!op)
			return -ENOMEM;
		op->word = b->born;
	}
	return 0;
}
