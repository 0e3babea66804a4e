/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows a plan is about: all, or those that a change of some services can concern. That are
 * their own and, where an address comes or goes, the fronts of others at that address: these others
 * stay as they are, but what is theirs must not be taken, and who moves may have to wait for them.
 */
#include "core/plan_internal.h"

#include <errno.h>

struct addresses {
	PLAN_ROWS(struct shunt_address) rows; /* owned */
};

static void addresses_done(struct addresses *a)
{
	free(a->rows.list);
}

static int addresses_add(struct addresses *a, const struct shunt_address *added)
{
	return PLAN_APPEND(a->rows, *added);
}

static int addresses_of_entry(struct addresses *a, const struct plan_entry *e)
{
	int r = 0;

	for (uint32_t i = 0; i < e->n_fronts && r == 0; i++)
		r = addresses_add(a, &e->fronts[i].key.address);
	return r;
}

static int view_entry(struct planner *p, uint32_t id)
{
	struct plan_entry *e = plan_book_entry(&p->book, id);

	if (!e)
		return 0;
	e->in_view = true;
	return plan_book_view(&p->book, id, &p->have);
}

static int view_with_fronts(struct planner *p, uint32_t id)
{
	const struct plan_entry *e = plan_book_entry(&p->book, id);
	int r = 0;

	if (!e || e->in_view)
		return 0;
	for (uint32_t i = 0; i < e->n_fronts && r == 0; i++)
		r = PLAN_APPEND(p->have.fronts, e->fronts[i]);
	return r < 0 ? r : view_entry(p, id);
}

/* Has it exactly the fronts that it is to have? Then it has nothing to do with its neighbours. */
static bool stays_where_it_is(const struct plan_entry *e, const struct table_service *want)
{
	struct shunt_address address = plan_address(&want->vip.addr);

	if (e->n_fronts != (want->protocol == PROTOCOL_ANY ? 2 : 1))
		return false;
	for (uint32_t i = 0; i < e->n_fronts; i++) {
		const struct shunt_front_key *key = &e->fronts[i].key;

		if (key->port != want->vip.port ||
		    memcmp(&key->address, &address, sizeof(address)) != 0 ||
		    (want->protocol != PROTOCOL_ANY && key->protocol != (uint8_t)want->protocol))
			return false;
	}
	return true;
}

static int view_wanted(struct planner *p, const struct table_service *want, struct addresses *a)
{
	uint32_t id = plan_names_find(&p->book.names, want->name);
	struct plan_entry *e = plan_book_entry(&p->book, id);
	struct shunt_address address = plan_address(&want->vip.addr);
	int r = 0;

	if (!e || !stays_where_it_is(e, want))
		r = addresses_add(a, &address);
	if (r == 0 && e && !stays_where_it_is(e, want))
		r = addresses_of_entry(a, e);
	return r < 0 ? r : view_with_fronts(p, id);
}

static int view_gone(struct planner *p, uint32_t id, struct addresses *a)
{
	const struct plan_entry *e = plan_book_entry(&p->book, id);
	int r = e ? addresses_of_entry(a, e) : 0;

	return r < 0 ? r : view_with_fronts(p, id);
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct shunt_address));
}

/* Of services that are not in the view themselves; those have brought their fronts. */
static int view_neighbours(struct planner *p, struct addresses *a)
{
	const struct shunt_address *list = a->rows.list;
	int r = 0;

	if (a->rows.n > 0)
		qsort(a->rows.list, a->rows.n, sizeof(*list), compare_addresses);
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct plan_book *b = &p->book;

		if (i > 0 && compare_addresses(&list[i - 1], &list[i]) == 0)
			continue;
		for (size_t at = plan_book_fronts_at(b, &list[i]); at < b->fronts.n && r == 0;
		     at++) {
			const struct plan_front *front = &b->fronts.list[at];
			const struct plan_entry *e = plan_book_entry(b, front->service_id);

			if (compare_addresses(&front->key.address, &list[i]) != 0)
				break;
			if (!e || !e->in_view)
				r = PLAN_APPEND(p->have.fronts, *front);
		}
	}
	return r;
}

int plan_view_some(struct planner *p, const struct table *want, const struct plan_gone *gone)
{
	_cleanup_(addresses_done) struct addresses addresses = { 0 };
	const struct plan_book *b = &p->book;
	int r = 0;

	for (size_t i = 0; i < want->n && r == 0; i++)
		r = view_wanted(p, &want->services[i], &addresses);
	for (size_t i = 0; i < gone->n && r == 0; i++)
		r = view_gone(p, plan_names_find(&b->names, gone->names[i]), &addresses);
	for (size_t i = 0; i < b->nameless.n && r == 0; i++)
		r = view_gone(p, b->nameless.list[i], &addresses);
	if (r == 0)
		r = view_neighbours(p, &addresses);
	plan_state_sort(&p->have);
	return r;
}

int plan_view_all(struct planner *p)
{
	int r = 0;

	for (size_t i = 0; i < p->book.fronts.n && r == 0; i++)
		r = PLAN_APPEND(p->have.fronts, p->book.fronts.list[i]);
	for (uint32_t id = 1; id < p->book.limit && r == 0; id++)
		r = view_entry(p, id);
	plan_state_sort(&p->have);
	return r;
}

bool plan_view_is_neighbour(const struct planner *p, uint32_t id)
{
	const struct plan_entry *e = plan_book_entry(&p->book, id);

	return e && !e->in_view;
}
