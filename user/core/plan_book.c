/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan_book.h"

#include <errno.h>

#include "core/plan_internal.h"

int plan_book_init(struct plan_book *b, uint32_t limit)
{
	*b = (struct plan_book){ .by_id = calloc(limit, sizeof(*b->by_id)), .limit = limit };
	return b->by_id ? 0 : -ENOMEM;
}

static void entry_free(struct plan_entry *e)
{
	if (!e)
		return;
	free(e->name);
	free(e->fronts);
	free(e->backends);
	free(e);
}

void plan_book_done(struct plan_book *b)
{
	for (uint32_t id = 0; b->by_id && id < b->limit; id++)
		entry_free(b->by_id[id]);
	free(b->by_id);
	plan_names_done(&b->names);
	free(b->fronts.list);
	free(b->nameless.list);
}

struct plan_entry *plan_book_entry(const struct plan_book *b, uint32_t id)
{
	return id > 0 && id < b->limit ? b->by_id[id] : NULL;
}

struct plan_entry *plan_book_find(const struct plan_book *b, const char *name)
{
	return plan_book_entry(b, plan_names_find(&b->names, name));
}

static struct plan_entry *entry_make(struct plan_book *b, uint32_t id)
{
	if (!b->by_id[id])
		b->by_id[id] = calloc(1, sizeof(struct plan_entry));
	return b->by_id[id];
}

/* --- to rows ---------------------------------------------------------------------------------- */

struct plan_member plan_member_of(const struct plan_backend *row)
{
	struct plan_member m = {
		.at = plan_backend_at(&row->info),
		.weight = row->info.weight,
		.state = (uint8_t)row->info.state,
		.parts = row->info.parts,
		.has_share = row->info.has_share,
		.id = row->id,
		.born = row->info.born,
	};

	(void)util_copy(m.zone, sizeof(m.zone), row->info.zone);
	return m;
}

static struct plan_backend row_of(const struct plan_entry *e, uint32_t service_id,
				  const struct plan_member *m)
{
	struct plan_backend row = {
		.id = m->id,
		.info = {
			.service_id = service_id,
			.state = (enum shunt_state)m->state,
			.port = m->at.port,
			.weight = m->weight,
			.born = m->born,
			.parts = m->parts,
			.has_share = m->has_share,
		},
	};

	(void)util_copy(row.info.service, sizeof(row.info.service), e->name ? e->name : "");
	(void)util_copy(row.info.zone, sizeof(row.info.zone), m->zone);
	plan_backend_set_addr(&row.info, &m->at.addr);
	return row;
}

static int view_service(const struct plan_entry *e, struct plan_state *to)
{
	struct plan_service row = { .info = e->info };

	(void)util_copy(row.name, sizeof(row.name), e->name);
	return PLAN_APPEND(to->services, row);
}

int plan_book_view(const struct plan_book *b, uint32_t id, struct plan_state *to)
{
	const struct plan_entry *e = b->by_id[id];
	const struct plan_run run = { id, e->run };
	int r = e->name ? view_service(e, to) : 0;

	if (r == 0 && e->run)
		r = PLAN_APPEND(to->runs, run);
	for (uint32_t i = 0; i < e->n_backends && r == 0; i++)
		r = PLAN_APPEND(to->backends, row_of(e, id, &e->backends[i]));
	return r;
}

/* --- fronts ----------------------------------------------------------------------------------- */

static bool same_front(const struct plan_front *a, const struct plan_front *b)
{
	return plan_front_compare(a, b) == 0 && a->service_id == b->service_id;
}

/* The index of the first front that is not before this one. */
static size_t front_place(const struct plan_book *b, const struct plan_front *front)
{
	size_t low = 0, high = b->fronts.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (plan_front_compare(&b->fronts.list[middle], front) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t plan_book_fronts_at(const struct plan_book *b, const struct shunt_address *address)
{
	const struct plan_front first = { .key = { .address = *address } };

	return front_place(b, &first);
}

/* Where an address has its bit. */
static uint64_t *prefix_word(struct plan_book *b, const struct plan_front *front, uint64_t *ret_bit)
{
	struct addr a = addr_from_ipv6(front->key.address.octets);
	bool ipv4 = addr_is_ipv4(&a);
	const uint8_t *first = a.octets + (ipv4 ? 12 : 0);
	unsigned int bit = (unsigned int)first[0] << 8 | first[1];

	*ret_bit = 1ULL << (bit % 64);
	return &(ipv4 ? b->prefixes4 : b->prefixes6)[bit / 64];
}

/* Has any front such a prefix? They stand together, but for the IPv4 ones in the midst of ::/16. */
static bool prefix_is_used(struct plan_book *b, const struct plan_front *front)
{
	struct plan_front first = { 0 };
	uint64_t bit, other;
	const uint64_t *word = prefix_word(b, front, &bit);
	bool ipv4 = word >= b->prefixes4 && word < b->prefixes4 + SHUNT_PREFIX_WORDS;
	size_t known = ipv4 ? 14 : 2; /* octets */

	memcpy(first.key.address.octets, front->key.address.octets, known);
	for (size_t i = front_place(b, &first); i < b->fronts.n; i++) {
		const struct plan_front *found = &b->fronts.list[i];

		if (memcmp(found->key.address.octets, first.key.address.octets, known) != 0)
			return false;
		if (prefix_word(b, found, &other) == word && other == bit)
			return true;
	}
	return false;
}

/* What a start has found is not in the book yet. */
static void front_drop(struct plan_book *b, const struct plan_front *front)
{
	struct plan_entry *e = plan_book_entry(b, front->service_id);
	size_t at = front_place(b, front);
	uint64_t bit, *word = prefix_word(b, front, &bit);

	if (at == b->fronts.n || !same_front(&b->fronts.list[at], front))
		return;
	b->fronts.n--;
	memmove(&b->fronts.list[at], &b->fronts.list[at + 1],
		(b->fronts.n - at) * sizeof(b->fronts.list[0]));
	for (uint32_t i = 0; e && i < e->n_fronts; i++) {
		if (same_front(&e->fronts[i], front))
			e->fronts[i--] = e->fronts[--e->n_fronts];
	}
	if (!prefix_is_used(b, front)) {
		*word &= ~bit;
		b->prefixes_changed = true;
	}
}

/* A start may have found one that leads to an id that cannot be, and has to leave it for a while.
 */
static int entry_add_front(struct plan_book *b, const struct plan_front *front)
{
	bool is_led = front->service_id > 0 && front->service_id < b->limit;
	struct plan_entry *e = is_led ? entry_make(b, front->service_id) : NULL;
	struct plan_front *larger;

	if (!is_led)
		return 0;
	larger = e ? realloc(e->fronts, (e->n_fronts + 1) * sizeof(*larger)) : NULL;
	if (!larger)
		return -ENOMEM;
	e->fronts = larger;
	e->fronts[e->n_fronts++] = *front;
	return 0;
}

static int front_put(struct plan_book *b, const struct plan_front *front)
{
	size_t at = front_place(b, front);
	uint64_t bit, *word = prefix_word(b, front, &bit);

	if (entry_add_front(b, front) < 0 ||
	    util_grow(&b->fronts.list, &b->fronts.capacity, b->fronts.n + 1,
		      sizeof(b->fronts.list[0])) < 0)
		return -ENOMEM;
	memmove(&b->fronts.list[at + 1], &b->fronts.list[at],
		(b->fronts.n - at) * sizeof(b->fronts.list[0]));
	b->fronts.list[at] = *front;
	b->fronts.n++;
	b->prefixes_changed |= !(*word & bit);
	*word |= bit;
	return 0;
}

static bool has_front(const struct plan_state *s, const struct plan_front *front)
{
	const struct plan_front *found = plan_state_front(s, front);

	return found && found->service_id == front->service_id;
}

int plan_book_move_fronts(struct plan_book *b, const struct plan_state *old,
			  const struct plan_state *now)
{
	int r = 0;

	for (size_t i = old->fronts.n; i-- > 0;) { /* from the end less has to move */
		if (!has_front(now, &old->fronts.list[i]))
			front_drop(b, &old->fronts.list[i]);
	}
	for (size_t i = 0; i < now->fronts.n && r == 0; i++) {
		const struct plan_front *front = &now->fronts.list[i];
		size_t at = front_place(b, front);

		if (at == b->fronts.n || !same_front(&b->fronts.list[at], front))
			r = front_put(b, front);
	}
	return r;
}

/* --- the other rows --------------------------------------------------------------------------- */

/* All but its fronts. Not of one that is here only because it has the same address. */
static void entry_clear(struct plan_book *b, uint32_t id)
{
	struct plan_entry *e = plan_book_entry(b, id);

	if (!e || !e->in_view)
		return;
	if (e->name)
		plan_names_remove(&b->names, e->name);
	b->services -= e->name != NULL;
	b->runs -= e->run != 0;
	b->backends -= e->n_backends;
	free(TAKE_PTR(e->name));
	free(TAKE_PTR(e->backends));
	e->n_backends = 0;
	e->run = 0;
	e->in_view = false;
}

static int entry_name(struct plan_book *b, const struct plan_service *row)
{
	struct plan_entry *e = entry_make(b, row->info.id);

	if (!e)
		return -ENOMEM;
	e->info = row->info;
	e->name = strdup(row->name);
	b->services++;
	return e->name ? plan_names_add(&b->names, e->name, row->info.id) : -ENOMEM;
}

static int entry_run(struct plan_book *b, const struct plan_run *row)
{
	struct plan_entry *e = entry_make(b, row->service_id);

	if (!e)
		return -ENOMEM;
	e->run = row->run;
	b->runs += row->run != 0;
	return 0;
}

/* `rows` are the n backends of one service. */
static int entry_members(struct plan_book *b, const struct plan_backend *rows, size_t n)
{
	struct plan_entry *e = entry_make(b, rows[0].info.service_id);

	if (!e)
		return -ENOMEM;
	e->backends = malloc(n * sizeof(*e->backends));
	if (!e->backends)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		e->backends[i] = plan_member_of(&rows[i]);
	e->n_backends = (uint32_t)n;
	b->backends += n;
	return 0;
}

static int members_put(struct plan_book *b, const struct plan_state *now)
{
	const struct plan_backend *rows = now->backends.list;
	int r = 0;

	for (size_t i = 0, n; i < now->backends.n && r == 0; i += n) {
		for (n = 1; i + n < now->backends.n &&
			    rows[i + n].info.service_id == rows[i].info.service_id;)
			n++;
		r = entry_members(b, &rows[i], n);
	}
	return r;
}

/* Calls for each id that a row names, for some of them more than once. */
static void each_id(struct plan_book *b, const struct plan_state *s,
		    void (*call)(struct plan_book *, uint32_t id))
{
	for (size_t i = 0; i < s->services.n; i++)
		call(b, s->services.list[i].info.id);
	for (size_t i = 0; i < s->runs.n; i++)
		call(b, s->runs.list[i].service_id);
	for (size_t i = 0; i < s->backends.n; i++)
		call(b, s->backends.list[i].info.service_id);
	for (size_t i = 0; i < s->fronts.n; i++)
		call(b, s->fronts.list[i].service_id);
}

static void forget_empty(struct plan_book *b, uint32_t id)
{
	const struct plan_entry *e = plan_book_entry(b, id);

	if (e && !e->name && !e->run && !e->n_fronts && !e->n_backends)
		entry_free(TAKE_PTR(b->by_id[id]));
}

/* All of them have been in the view. Some may be listed twice. */
static int nameless_list(struct plan_book *b, const struct plan_state *now)
{
	int r = 0;

	b->nameless.n = 0;
	for (size_t i = 0; i < now->runs.n && r == 0; i++) {
		uint32_t id = now->runs.list[i].service_id;

		if (!b->by_id[id]->name)
			r = PLAN_APPEND(b->nameless, id);
	}
	for (size_t i = 0; i < now->fronts.n && r == 0; i++) {
		uint32_t id = now->fronts.list[i].service_id;
		const struct plan_entry *e = plan_book_entry(b, id);

		if (e && !e->name && !e->run)
			r = PLAN_APPEND(b->nameless, id);
	}
	return r;
}

int plan_book_replace(struct plan_book *b, const struct plan_state *old,
		      const struct plan_state *now)
{
	int r = 0;

	each_id(b, old, entry_clear);
	for (size_t i = 0; i < now->services.n && r == 0; i++)
		r = entry_name(b, &now->services.list[i]);
	for (size_t i = 0; i < now->runs.n && r == 0; i++)
		r = entry_run(b, &now->runs.list[i]);
	if (r == 0)
		r = members_put(b, now);
	if (r == 0)
		r = nameless_list(b, now);
	each_id(b, old, forget_empty);
	return r;
}
