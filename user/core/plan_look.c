/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force, for those who ask the planner: by the book or, before the first plan, as found.
 */
#include "core/plan_look.h"

#include "core/plan_internal.h"

static const struct plan_service *row_find(const struct plan_state *have, const char *name)
{
	struct plan_service key = { 0 };

	(void)util_copy(key.name, sizeof(key.name), name);
	if (have->services.n == 0)
		return NULL;
	return bsearch(&key, have->services.list, have->services.n, sizeof(key),
		       plan_service_compare);
}

const struct shunt_service *planner_service(const struct planner *p, const char *name)
{
	const struct plan_service *row = p->is_new ? row_find(&p->have, name) : NULL;
	const struct plan_entry *e = p->is_new ? NULL : plan_book_find(&p->book, name);

	return row ? &row->info : e ? &e->info : NULL;
}

uint32_t planner_service_id(const struct planner *p, const char *name)
{
	const struct shunt_service *service = planner_service(p, name);

	return service ? service->id : 0;
}

const char *planner_service_name(const struct planner *p, uint32_t id)
{
	const struct plan_entry *e = plan_book_entry(&p->book, id);

	for (size_t i = 0; p->is_new && i < p->have.services.n; i++) {
		if (p->have.services.list[i].info.id == id)
			return p->have.services.list[i].name;
	}
	return e ? e->name : NULL;
}

bool planner_backend(const struct planner *p, uint32_t service_id, size_t i,
		     struct plan_member *ret)
{
	const struct plan_state *have = &p->have;
	const struct plan_entry *e = plan_book_entry(&p->book, service_id);
	size_t at;

	if (!p->is_new && (!e || i >= e->n_backends))
		return false;
	if (!p->is_new) {
		*ret = e->backends[i];
		return true;
	}
	at = plan_state_backends(have, service_id) + i;
	if (at >= have->backends.n || have->backends.list[at].info.service_id != service_id)
		return false;
	*ret = plan_member_of(&have->backends.list[at]);
	return true;
}

struct plan_use planner_use(const struct planner *p)
{
	const struct plan_book *b = &p->book;
	const struct plan_state *have = &p->have;
	struct plan_use use = { b->fronts.n, b->services, b->backends, b->runs, 0, 0 };

	if (p->is_new)
		use = (struct plan_use){
			have->fronts.n, have->services.n, have->backends.n, have->runs.n, 0, 0
		};
	use.slots = p->slots.used;
	use.addrs6 = p->addrs6.used;
	return use;
}
