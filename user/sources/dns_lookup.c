/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/dns_lookup.h"

#include <errno.h>

#include "io/resolver.h"

#define WORDS_MAX (SHUNT_NAME_MAX + 64)

/* A target without an address in the additional section: asked for A, and if it has none for AAAA,
 * or the other way round. */
struct target_question {
	struct dns_lookup *lookup;
	struct dns_wire_target *target;
	enum dns_wire_type type;
	struct resolver_query *query; /* under way, or NULL */
};

struct dns_lookup {
	struct dns_lookup_request request;
	dns_lookup_done_fn done;
	void *user;
	struct resolver_query *query; /* the first question, or NULL */
	struct dns_wire_answer answer;
	struct target_question *questions; /* owned; their targets are the answer's */
	size_t n_questions, n_started, n_asked;
	struct endpoints endpoints;
	size_t records;
	uint32_t ttl_s;
	bool nothing;
	unsigned int rejected;
	char rejected_why[WORDS_MAX];
};

void dns_lookup_cancel(struct dns_lookup *l)
{
	if (!l)
		return;
	resolver_cancel(l->query);
	for (size_t i = 0; i < l->n_questions; i++)
		resolver_cancel(l->questions[i].query);
	free(l->questions);
	dns_wire_done(&l->answer);
	endpoints_done(&l->endpoints);
	free(l);
}

static void lookup_fail(struct dns_lookup *l, const char *code, enum dns_wire_type type,
			const char *name, const char *why)
{
	_cleanup_(dns_lookup_cancel_p) struct dns_lookup *owned = l;
	char message[WORDS_MAX + 64];
	struct source_failure failure = { .code = code, .message = message };
	struct dns_lookup_result result = { .failure = &failure };

	snprintf(message, sizeof(message), "%s %s%s%s", dns_wire_type_name(type), name,
		 *why ? ": " : "", why);
	l->done(l->user, &result);
}

static void lookup_finish(struct dns_lookup *l)
{
	_cleanup_(dns_lookup_cancel_p) struct dns_lookup *owned = l;
	struct dns_lookup_result result = {
		.snapshot = { .endpoints = &l->endpoints,
			      .rejected = l->rejected,
			      .rejected_why = l->rejected ? l->rejected_why : NULL },
		.records = l->records,
		.ttl_s = l->ttl_s,
		.nothing = l->nothing,
	};

	endpoints_normalise(&l->endpoints);
	l->done(l->user, &result);
}

static void lookup_reject(struct dns_lookup *l, const char *what, const char *why)
{
	if (l->rejected++ == 0)
		snprintf(l->rejected_why, sizeof(l->rejected_why), "%s %s", what, why);
}

static int lookup_add(struct dns_lookup *l, const struct dns_wire_addresses *addresses,
		      uint16_t port, uint16_t weight)
{
	int r = 0;

	for (size_t i = 0; i < addresses->n && r == 0; i++) {
		struct endpoint endpoint = { .at = { addresses->list[i], port },
					     .weight = weight,
					     .state = STATE_HEALTHY };
		char text[ADDR_TEXT_MAX];

		if (addr_is_unicast(&endpoint.at.addr))
			r = endpoints_add(&l->endpoints, &endpoint);
		else
			lookup_reject(l, addr_format(&endpoint.at.addr, text),
				      "is not the address of a host");
	}
	l->ttl_s = addresses->n ? MIN(l->ttl_s, addresses->ttl_s) : l->ttl_s;
	return r;
}

/* What a packet, or the lack of one, says; counted. Fills *ret_code and *ret_why when it fails. */
static int read_answer(struct dns_lookup *l, const char *name, enum dns_wire_type type,
		       const struct resolver_answer *answer, struct dns_wire_answer *ret,
		       const char **ret_code, const char **ret_why)
{
	const char *code = answer->failure, *why = "";
	int r = code ? -EIO : dns_wire_read(answer->packet, answer->length, name, type, ret, &why);

	if (!code)
		code = r == -EBADMSG ? "garbled" : r < 0 ? "out_of_memory" : ret->code;
	if (l->request.requests)
		requests_count(l->request.requests, "dns", dns_wire_type_name(type), code);
	if (r == 0 && ret->verdict != DNS_WIRE_FAILURE)
		return 0;
	*ret_code = code;
	*ret_why = why;
	return -EIO;
}

/* Keeps the targets of the lowest priority number, the others released. */
static void keep_first_priority(struct dns_wire_answer *a)
{
	uint16_t lowest = UINT16_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < a->n_targets; i++)
		lowest = MIN(lowest, a->targets[i].priority);
	for (size_t i = 0; i < a->n_targets; i++) {
		if (a->targets[i].priority == lowest) {
			a->targets[kept++] = a->targets[i];
			continue;
		}
		dns_wire_addresses_done(&a->targets[i].ipv4);
		dns_wire_addresses_done(&a->targets[i].ipv6);
	}
	a->n_targets = kept;
}

/* 0 is "hardly ever" (RFC 2782): 1. Weights beyond
 * what an endpoint may have keep their proportions. */
static void scale_weights(struct dns_wire_answer *a)
{
	uint32_t heaviest = ENDPOINT_WEIGHT_MAX;

	for (size_t i = 0; i < a->n_targets; i++)
		heaviest = MAX(heaviest, a->targets[i].weight);
	for (size_t i = 0; i < a->n_targets; i++) {
		uint32_t weight = a->targets[i].weight * ENDPOINT_WEIGHT_MAX / heaviest;

		a->targets[i].weight = (uint16_t)MAX(weight, 1);
	}
}

static const struct dns_wire_addresses *target_addresses(const struct dns_wire_target *t,
							 bool ipv6_first)
{
	const struct dns_wire_addresses *first = ipv6_first ? &t->ipv6 : &t->ipv4;
	const struct dns_wire_addresses *second = ipv6_first ? &t->ipv4 : &t->ipv6;

	return first->n ? first : second;
}

static int add_targets(struct dns_lookup *l)
{
	int r = 0;

	for (size_t i = 0; i < l->answer.n_targets && r == 0; i++) {
		const struct dns_wire_target *t = &l->answer.targets[i];

		if (t->port == 0)
			lookup_reject(l, t->name, "has port 0");
		else /* one instance is one endpoint, not one for each of its families */
			r = lookup_add(l, target_addresses(t, l->request.ipv6_first), t->port,
				       t->weight);
	}
	return r;
}

static void on_target(void *user, const struct resolver_answer *answer);

static int question_ask(struct target_question *q, enum dns_wire_type type)
{
	q->type = type;
	return resolver_ask(q->lookup->request.resolver, q->target->name, (int)type, on_target, q,
			    &q->query);
}

static enum dns_wire_type first_type(const struct dns_lookup *l)
{
	return l->request.ipv6_first ? DNS_WIRE_AAAA : DNS_WIRE_A;
}

static enum dns_wire_type other_type(enum dns_wire_type type)
{
	return type == DNS_WIRE_A ? DNS_WIRE_AAAA : DNS_WIRE_A;
}

static int ask_more(struct dns_lookup *l)
{
	int r = 0;

	while (l->n_asked < DNS_LOOKUP_ASKED_MAX && l->n_started < l->n_questions && r == 0) {
		r = question_ask(&l->questions[l->n_started++], first_type(l));
		l->n_asked++;
	}
	return r;
}

/* Goes on: asks what may be asked, and ends the lookup when nothing is left to ask. */
static void lookup_proceed(struct dns_lookup *l)
{
	const char *name = l->request.name;
	int r = ask_more(l);

	if (r == 0 && l->n_asked > 0)
		return;
	if (r == 0)
		r = add_targets(l);
	if (r == 0)
		r = lookup_add(l, &l->answer.addresses, l->request.port, 1);
	if (r == 0)
		lookup_finish(l);
	else
		lookup_fail(l, r == -E2BIG ? "too_many" : "out_of_memory", l->request.type, name,
			    "");
}

static void question_take(struct target_question *q, struct dns_wire_answer *a)
{
	struct dns_lookup *l = q->lookup;
	struct dns_wire_addresses *to = q->type == DNS_WIRE_A ? &q->target->ipv4 : &q->target->ipv6;

	l->ttl_s = MIN(l->ttl_s, a->ttl_s);
	if (a->verdict == DNS_WIRE_NOTHING) {
		lookup_reject(l, q->target->name, "has no address");
		l->nothing = true;
		return;
	}
	*to = a->addresses;
	a->addresses = (struct dns_wire_addresses){ 0 };
}

static void on_target(void *user, const struct resolver_answer *answer)
{
	_cleanup_(dns_wire_done) struct dns_wire_answer a = { 0 };
	struct target_question *q = user;
	struct dns_lookup *l = q->lookup;
	char words[WORDS_MAX];
	const char *code, *why;

	q->query = NULL;
	if (read_answer(l, q->target->name, q->type, answer, &a, &code, &why) < 0) {
		snprintf(words, sizeof(words), "%s%s%s", code, *why ? ", " : "", why);
		lookup_fail(l, "partial", q->type, q->target->name, words);
		return;
	}
	if (a.verdict == DNS_WIRE_NOTHING && q->type == first_type(l)) {
		l->ttl_s = MIN(l->ttl_s, a.ttl_s);
		if (question_ask(q, other_type(q->type)) < 0)
			lookup_fail(l, "out_of_memory", q->type, q->target->name, "");
		return;
	}
	question_take(q, &a);
	l->n_asked--;
	lookup_proceed(l);
}

/* Notes which targets have to be asked for. 0, -ENOMEM, or -E2BIG when they are too many. */
static int collect_questions(struct dns_lookup *l)
{
	struct dns_wire_answer *a = &l->answer;

	l->questions = calloc(a->n_targets + 1, sizeof(*l->questions));
	if (!l->questions)
		return -ENOMEM;
	for (size_t i = 0; i < a->n_targets; i++) {
		struct dns_wire_target *t = &a->targets[i];

		if (t->ipv4.n == 0 && t->ipv6.n == 0 && t->port != 0)
			l->questions[l->n_questions++] = (struct target_question){ .lookup = l,
										   .target = t };
	}
	return l->n_questions > DNS_LOOKUP_TARGETS_MAX ? -E2BIG : 0;
}

static void on_question(void *user, const struct resolver_answer *answer);

static void ask_other_family(struct dns_lookup *l)
{
	struct dns_lookup_request *request = &l->request;

	request->either = false;
	request->type = other_type(request->type);
	dns_wire_done(&l->answer);
	if (resolver_ask(request->resolver, request->name, (int)request->type, on_question, l,
			 &l->query) < 0)
		lookup_fail(l, "out_of_memory", request->type, request->name, "");
}

static void on_question(void *user, const struct resolver_answer *answer)
{
	struct dns_lookup *l = user;
	const struct dns_lookup_request *request = &l->request;
	const char *code, *why;
	int r;

	l->query = NULL;
	if (read_answer(l, request->name, request->type, answer, &l->answer, &code, &why) < 0) {
		lookup_fail(l, code, request->type, request->name, why);
		return;
	}
	if (request->either && l->answer.verdict == DNS_WIRE_NOTHING) {
		ask_other_family(l);
		return;
	}
	l->records = l->answer.addresses.n + l->answer.n_targets + l->answer.n_unusable;
	l->ttl_s = l->answer.ttl_s;
	l->nothing = l->answer.verdict == DNS_WIRE_NOTHING;
	for (size_t i = 0; i < l->answer.n_unusable; i++)
		lookup_reject(l, request->name, "names a target that is no host name");
	keep_first_priority(&l->answer);
	scale_weights(&l->answer);
	r = collect_questions(l);
	if (r < 0)
		lookup_fail(l, r == -E2BIG ? "too_many" : "out_of_memory", request->type,
			    request->name, "");
	else
		lookup_proceed(l);
}

int dns_lookup_start(const struct dns_lookup_request *request, dns_lookup_done_fn done, void *user,
		     struct dns_lookup **ret)
{
	_cleanup_(dns_lookup_cancel_p) struct dns_lookup *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct dns_lookup){ .request = *request, .done = done, .user = user };
	r = resolver_ask(request->resolver, request->name, (int)request->type, on_question, l,
			 &l->query);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}
