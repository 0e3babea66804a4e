/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verdict.h"

#include <errno.h>

#define READ_TRIES_MAX 16 /* a run that changes while it is read is read again */

void verdict_done(struct verdict *v)
{
	free(v->turns);
	*v = (struct verdict){ 0 };
}

static int read_run(const struct dataplane *d, uint32_t service_id, struct shunt_head *ret_head,
		    struct endpoint **ret_slots, size_t *ret_n)
{
	int r = -ESTALE;

	for (unsigned int i = 0; i < READ_TRIES_MAX && r == -ESTALE; i++)
		r = dataplane_read_run(d, service_id, ret_head, ret_slots, ret_n);
	return r;
}

static struct table_backend *find_backend(const struct table_service *service,
					  const struct addr_port *at)
{
	size_t i = addr_port_place(at, service->backends, service->n_backends,
				   sizeof(*service->backends));
	struct table_backend *found = &service->backends[i];

	return i < service->n_backends && addr_port_compare(&found->endpoint.at, at) == 0 ? found
											  : NULL;
}

/* As wants_ipv6() in bpf/pick.bpf.h, for a socket that can do both. */
static bool picks_ipv6(const struct addr_port *to, uint32_t count4, uint32_t count6)
{
	return addr_is_ipv4(&to->addr) ? count4 == 0 && count6 > 0 : count6 > 0;
}

static void count_turns(struct verdict *v, const struct endpoint *slots, size_t n)
{
	uint32_t count4 = 0, count6;

	for (size_t i = 0; i < n; i++)
		count4 += addr_is_ipv4(&slots[i].at.addr);
	count6 = (uint32_t)n - count4;
	v->is_ipv6 = picks_ipv6(&v->to, count4, count6);
	v->slots = v->is_ipv6 ? count6 : count4;
	for (size_t i = 0; i < n; i++) {
		const struct table_backend *backend = find_backend(v->service, &slots[i].at);

		if (backend && addr_is_ipv4(&slots[i].at.addr) != v->is_ipv6)
			v->turns[backend - v->service->backends]++;
	}
}

/* As is_panic() in bpf/health.bpf.h. */
static bool is_panic(const struct shunt_policy *policy)
{
	uint32_t backends = policy->rules.backends, ejected = policy->ejected;

	return ejected >= backends ||
	       (backends - ejected) * 100 < backends * policy->rules.panic_percent;
}

/* The turns of ejected backends go to the others, if there are any of this family. */
static void pass_by_ejected(struct verdict *v, const struct shunt_policy *policy)
{
	uint32_t others = 0;

	for (size_t i = 0; i < v->service->n_backends; i++) {
		if (v->service->backends[i].endpoint.state != STATE_EJECTED)
			others += v->turns[i];
	}
	if (others == 0 || is_panic(policy))
		return;
	for (size_t i = 0; i < v->service->n_backends; i++) {
		if (v->service->backends[i].endpoint.state != STATE_EJECTED)
			continue;
		v->slots -= v->turns[i];
		v->turns[i] = 0;
	}
}

int verdict_make(const struct dataplane *d, const struct table *table, const struct addr_port *to,
		 enum shunt_protocol protocol, struct verdict *ret)
{
	_cleanup_(verdict_done) struct verdict v = { .to = *to, .protocol = protocol };
	uint32_t service_id = dataplane_lookup(d, to, protocol);
	_cleanup_free_ struct endpoint *slots = NULL;
	struct shunt_policy policy;
	struct shunt_head head;
	size_t n;
	int r;

	v.service = service_id ? table_find_id(table, service_id) : NULL;
	if (v.service) {
		r = read_run(d, service_id, &head, &slots, &n);
		if (r < 0)
			return r;
		v.turns = calloc(MAX(v.service->n_backends, 1U), sizeof(*v.turns));
		if (!v.turns)
			return -ENOMEM;
		count_turns(&v, slots, n);
		v.balance = (enum shunt_balance)head.balance;
		dataplane_policy(d, service_id, &policy);
		pass_by_ejected(&v, &policy);
		if (v.slots > 0)
			v.kind = VERDICT_REDIRECTED;
		else
			v.kind = head.on_empty == ON_EMPTY_PASS ? VERDICT_PASSED : VERDICT_REFUSED;
	}
	*ret = v;
	v.turns = NULL;
	return 0;
}

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_LEFT_ALONE] = "left alone",
		[VERDICT_REDIRECTED] = "redirected",
		[VERDICT_REFUSED] = "refused",
		[VERDICT_PASSED] = "passed",
	};

	return names[kind];
}
