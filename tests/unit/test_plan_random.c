/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of want tables on an imitated kernel. After every single write every address
 * must lead to its old set or to its new one (I1); after every single write the agent dies once,
 * and its successor must bring the maps to exactly what is wanted, without a wrong answer on the
 * way (I4). A failure names seed and step.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "core/plan_look.h"
#include "imitation.h"
#include "wanted.h"
#include "wishes.h"

#define HISTORIES 60
#define STEPS 40
#define ROUNDS_MAX 12 /* of planning and grace periods until all is as wanted */

/* Addresses that are asked for after every write: all VIPs at these. */
static const uint16_t asked_ports[] = { 80, 81, 82 };
static const uint8_t asked_protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
#define PROBES (WISHES_VIPS * ARRAY_SIZE(asked_ports) * ARRAY_SIZE(asked_protocols))

struct question {
	struct addr_port to;
	uint8_t protocol;
};

static struct question question_at(size_t i)
{
	size_t per_vip = ARRAY_SIZE(asked_ports) * ARRAY_SIZE(asked_protocols);
	struct question p = { .to = wanted_address(wishes_vips[i / per_vip]) };

	p.to.port = asked_ports[i % ARRAY_SIZE(asked_ports)];
	p.protocol = asked_protocols[i / ARRAY_SIZE(asked_ports) % ARRAY_SIZE(asked_protocols)];
	return p;
}

/* --- what is allowed to be seen --------------------------------------------------------------- */

static const struct table_service *owner_of(const struct table *want, const struct question *p)
{
	for (size_t i = 0; i < want->n; i++) {
		const struct table_service *s = &want->services[i];

		if (addr_equal(&s->vip.addr, &p->to.addr) &&
		    (s->vip.port == 0 || s->vip.port == p->to.port) &&
		    (s->protocol == PROTOCOL_ANY || (uint8_t)s->protocol == p->protocol))
			return s;
	}
	return NULL;
}

/*
 * For each address: what it led to before, what it will, and, where it is about to move to another
 * service, what its service will be: it may be renewed before it goes.
 */
struct expectation {
	struct question question;
	const struct table_service *owner;
	outcome before, after, renewed;
};

static outcome renewed_outcome(const struct imitation *m, const struct table *want,
			       const struct question *p)
{
	uint32_t id = imitation_find(m, &p->to, p->protocol);

	for (size_t i = 0; id && i < m->n_services; i++) {
		const struct table_service *service = table_find(want, m->services[i].name);

		if (m->services[i].info.id == id && service)
			return imitation_outcome(service);
	}
	return 0;
}

static void expect(const struct imitation *m, const struct table *want,
		   struct expectation list[PROBES])
{
	for (size_t i = 0; i < PROBES; i++) {
		struct expectation *e = &list[i];

		e->question = question_at(i);
		e->owner = owner_of(want, &e->question);
		e->before = imitation_resolve(m, &e->question.to, e->question.protocol);
		e->after = e->owner ? imitation_outcome(e->owner) : 0;
		e->renewed = renewed_outcome(m, want, &e->question);
		if (e->renewed == 0)
			e->renewed = e->before;
	}
}

/* --- what a start would make of it -------------------------------------------------------------
 */

/* The backends of each name that is wanted, before a plan. */
struct seeds {
	struct table_service by_name[WISHES_NAMES];
};

static void seeds_done(struct seeds *s)
{
	for (size_t i = 0; i < WISHES_NAMES; i++)
		free(s->by_name[i].backends);
}

static struct seeds seeds_of(const struct imitation *m)
{
	struct seeds s;

	for (size_t i = 0; i < WISHES_NAMES; i++)
		s.by_name[i] = imitation_seed(m, wishes_names[i]);
	return s;
}

static bool same_backends(const struct table_service *a, const struct table_service *b)
{
	bool same = a->n_backends == b->n_backends;

	for (size_t i = 0; same && i < a->n_backends; i++)
		same = addr_port_compare(&a->backends[i].endpoint.at,
					 &b->backends[i].endpoint.at) == 0;
	return same;
}

/* Is what the service is to be in force, by its run? */
static bool is_in_force(const struct imitation *m, const struct table_service *want)
{
	for (size_t i = 0; i < m->n_services; i++) {
		const struct plan_service *row = &m->services[i];
		shunt_run run = m->runs[row->info.id];

		if (streq(row->name, want->name))
			return run &&
			       m->cells[SHUNT_RUN_BASE(run)].head.generation ==
				       row->info.generation &&
			       imitation_run(m, row->info.id) == imitation_outcome(want);
	}
	return false;
}

/*
 * A start without news would find each name's old set or its new one: that which is in force. Or
 * nothing, where another has taken the place and there is no room yet for itself.
 */
static void check_seeds(const struct imitation *m, const struct table *want,
			const struct plan *plan, const struct seeds *before, const char *place)
{
	_cleanup_(seeds_done) struct seeds now = seeds_of(m);

	for (size_t i = 0; i < WISHES_NAMES; i++) {
		const struct table_service *wanted = table_find(want, wishes_names[i]);
		const struct table_service *seed = &now.by_name[i];

		if (wanted ? same_backends(seed, wanted) : seed->n_backends == 0)
			continue;
		if (seed->n_backends == 0 && (plan->deferred || plan->refused.n > 0))
			continue;
		if (!same_backends(seed, &before->by_name[i]))
			fail_msg("%s: %s would begin with %zu backends", place, wishes_names[i],
				 seed->n_backends);
		if (wanted && is_in_force(m, wanted))
			fail_msg("%s: %s would go back", place, wishes_names[i]);
	}
}

struct history {
	unsigned int seed, step;
	struct imitation maps;
	struct planner *planner;
	bool done;
};

static void complain(const struct history *h, size_t write, const struct expectation *e,
		     outcome seen)
{
	char text[ADDR_PORT_TEXT_MAX];

	fail_msg("seed %u step %u write %zu: %s protocol %u led to %llx, not from %llx to %llx",
		 h->seed, h->step, write, addr_port_format(&e->question.to, text),
		 e->question.protocol, (unsigned long long)seen, (unsigned long long)e->before,
		 (unsigned long long)e->after);
}

static bool is_refused(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->refused.n; i++) {
		if (streq(plan->refused.list[i].name, name))
			return true;
	}
	return false;
}

static bool covers(const struct shunt_service *row, const struct question *p)
{
	struct addr a = row->family == FAMILY_IPV6 ? addr_from_ipv6(row->ipv6)
						   : addr_from_ipv4(row->ipv4);

	return addr_equal(&a, &p->to.addr) && (row->port == 0 || row->port == p->to.port) &&
	       (row->protocol == PROTOCOL_ANY || (uint8_t)row->protocol == p->protocol);
}

/*
 * For whom the maps have no room yet keeps what it had: nothing, or an address that it was to
 * leave, where it may now be seen through an any-port front.
 */
static bool is_for_lack_of_room(const struct planner *p, const struct imitation *m,
				const struct plan *plan, const struct expectation *e, outcome seen)
{
	bool has_row = false;

	for (size_t i = 0; i < WISHES_NAMES; i++) {
		const struct shunt_service *row = planner_service(p, wishes_names[i]);

		if (!row || !covers(row, &e->question))
			continue;
		has_row |= e->owner && streq(wishes_names[i], e->owner->name);
		if ((plan->deferred || is_refused(plan, wishes_names[i])) && m->runs[row->id] &&
		    seen == imitation_run(m, row->id))
			return true;
	}
	return seen == 0 && e->owner &&
	       (is_refused(plan, e->owner->name) || (plan->deferred && !has_row));
}

static void write_and_check(const struct history *h, struct planner *p, struct imitation *m,
			    const struct plan *plan, size_t write,
			    const struct expectation list[PROBES])
{
	imitation_apply(m, &plan->ops.list[write]);
	for (size_t i = 0; i < PROBES; i++) {
		const struct expectation *e = &list[i];
		outcome seen = imitation_resolve(m, &e->question.to, e->question.protocol);

		if (seen == e->before || seen == e->after || seen == e->renewed)
			continue;
		if (!is_for_lack_of_room(p, m, plan, e, seen))
			complain(h, write, e, seen);
	}
}

/* --- histories -------------------------------------------------------------------------------- */

static void rest(struct planner *p, struct imitation *m)
{
	planner_grace_begin(p);
	imitation_grace_begin(m);
	planner_grace_end(p);
	imitation_grace_end(m);
}

/* Plans and applies until nothing is put off; returns how many services were refused. */
static size_t converge(const struct history *h, struct planner *p, struct imitation *m,
		       const struct table *want)
{
	struct expectation list[PROBES];

	for (int round = 0; round < ROUNDS_MAX; round++) {
		_cleanup_(plan_done) struct plan plan = { 0 };

		expect(m, want, list);
		assert_int_equal(planner_make(p, want, &plan), 0);
		for (size_t i = 0; i < plan.ops.n; i++)
			write_and_check(h, p, m, &plan, i, list);
		if (!plan.deferred)
			return plan.refused.n;
		if (!planner_wants_grace(p) && plan.refused.n) /* waits for one that has no room */
			return plan.refused.n;
		rest(p, m);
	}
	fail_msg("seed %u step %u: still not as wanted after %d rounds", h->seed, h->step,
		 ROUNDS_MAX);
	return 0;
}

static void all_is_as_wanted(const struct history *h, struct planner *p, struct imitation *m,
			     const struct table *want)
{
	_cleanup_(plan_done) struct plan again = { 0 };
	struct expectation list[PROBES];

	expect(m, want, list);
	for (size_t i = 0; i < PROBES; i++) {
		if (list[i].before != list[i].after)
			complain(h, 0, &list[i], list[i].before);
	}
	imitation_is(m, want);
	assert_int_equal(planner_make(p, want, &again), 0);
	assert_int_equal(again.ops.n, 0);
}

/* The agent died just now: its successor finds a copy of the maps. */
static void start_anew(const struct history *h, const struct imitation *dead,
		       const struct table *want)
{
	struct imitation maps = *dead;
	_cleanup_(planner_free_p) struct planner *p = imitation_planner(&maps);

	if (converge(h, p, &maps, want) == 0)
		all_is_as_wanted(h, p, &maps, want);
}

static void step(struct history *h, const struct table *want, bool with_grace)
{
	_cleanup_(plan_done) struct plan plan = { 0 };
	_cleanup_(seeds_done) struct seeds before = seeds_of(&h->maps);
	struct expectation list[PROBES];
	char place[64];

	expect(&h->maps, want, list);
	assert_int_equal(planner_make(h->planner, want, &plan), 0);
	for (size_t i = 0; i < plan.ops.n; i++) {
		write_and_check(h, h->planner, &h->maps, &plan, i, list);
		(void)snprintf(place, sizeof(place), "seed %u step %u write %zu", h->seed, h->step,
			       i);
		check_seeds(&h->maps, want, &plan, &before, place);
		start_anew(h, &h->maps, want);
	}
	if (!with_grace) /* the next news comes first */
		return;
	rest(h->planner, &h->maps);
	if (converge(h, h->planner, &h->maps, want) == 0)
		all_is_as_wanted(h, h->planner, &h->maps, want);
}

static void every_write_leaves_old_or_new_and_every_death_is_repaired(void **state)
{
	struct history *h = *state;

	for (h->seed = 1; h->seed <= HISTORIES; h->seed++) {
		unsigned int seed = h->seed;
		struct wishes wishes = { 0 };

		imitation_init(&h->maps);
		h->planner = imitation_planner(&h->maps);
		for (h->step = 0; h->step < STEPS; h->step++) {
			_cleanup_(table_done) struct table want = { 0 };

			wishes_mutate(&wishes, &seed, false);
			want = wishes_table(&wishes);
			step(h, &want, wishes_below(&seed, 3) != 0);
		}
		planner_free(h->planner);
		h->planner = NULL;
	}
	h->done = true;
}

static int begin(void **state)
{
	*state = calloc(1, sizeof(struct history));
	return *state ? 0 : -1;
}

static int end(void **state)
{
	struct history *h = *state;

	if (!h->done)
		print_error("in the history of seed %u, step %u\n", h->seed, h->step);
	planner_free(h->planner);
	free(h);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_write_leaves_old_or_new_and_every_death_is_repaired, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
