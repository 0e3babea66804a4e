/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision: from a destination to a backend. It knows maps and numbers, not the context it runs
 * in, so that tests can run it by BPF_PROG_TEST_RUN.
 *
 * Reading order is what makes it safe (I1, I2): the front names the service, one load takes its
 * run, and everything else lies in that run, which is not reused before a grace period.
 */
#pragma once

#include "choose.bpf.h"

enum verdict {
	VERDICT_NOT_OURS,   /* leave it alone: no service, or who asks is exempt */
	VERDICT_REDIRECTED, /* to pick.address, pick.port */
	VERDICT_REFUSED,    /* no backend: fail at once */
	VERDICT_PASSED,	    /* no backend, on_empty is "pass": leave it alone */
	VERDICT_LIMITED,    /* the service, or each of its backends, has all it may: fail at once */
};

/* Turns the slot into the destination. */
static __always_inline bool slot_take(struct pick *pick, const union shunt_cell *cell, bool is_ipv6)
{
	const struct shunt_address *address6;
	struct shunt_slot slot;

	if (!cell)
		return false;
	slot = cell->slot;
	if (is_ipv6) {
		address6 = bpf_map_lookup_elem(&shunt_addrs6, &slot.address);
		if (!address6)
			return false;
		pick->address = *address6;
	} else {
		__u32 *words = (__u32 *)pick->address.octets;

		words[0] = 0;
		words[1] = 0;
		words[2] = bpf_htonl(0xffff);
		words[3] = slot.address;
	}
	if (slot.port)
		pick->port = slot.port;
	pick->backend_id = slot.backend_id;
	pick->born = slot.born;
	return true;
}

/* The family that was asked for, if it has backends; else the other one, if the socket can. */
static __always_inline bool wants_ipv6(const struct pick *pick, shunt_run run)
{
	if (pick->ipv4_only)
		return false;
	if (address_is_ipv4(&pick->address))
		return SHUNT_RUN_COUNT4(run) == 0;
	return SHUNT_RUN_COUNT6(run) != 0;
}

/*
 * A UDP connect() on a service of any protocol may be no more than a resolver's lookup of its
 * source address (RFC 6724 sorting): it is not counted, and does not move the round robin.
 */
static __always_inline bool is_source_lookup(const struct pick *pick, struct shunt_head head)
{
	return pick->protocol == IPPROTO_UDP && pick->asker == ASKER_CONNECT &&
	       head.protocol == PROTOCOL_ANY;
}

static __always_inline enum verdict pick_backend(struct pick *pick, pick_key_fn *key,
						 pick_exempt_fn *exempt, pick_end_fn *end_earlier)
{
	__u32 service_id = front_find(&pick->address, pick->protocol, pick->port);
	__u32 cpu = bpf_get_smp_processor_id(); /* once: before Linux 6.10 it is a call */
	struct choice choice;
	struct shunt_counters *counters;
	const union shunt_cell *cell;
	const shunt_run *place;
	struct shunt_head head;
	bool is_ipv6, lookup, counted;
	__u32 base;
	shunt_run run;

	if (!service_id || exempt(pick->context, service_id))
		return VERDICT_NOT_OURS;
	place = bpf_map_lookup_elem(&shunt_runs, &service_id);
	counters = counters_at(cpu, service_id);
	if (!place || !counters)
		return VERDICT_NOT_OURS;
	run = *(const volatile shunt_run *)place;
	if (!run) /* the service is just going */
		return VERDICT_NOT_OURS;
	pick->service_id = service_id;

	base = SHUNT_RUN_BASE(run);
	cell = cell_at(base);
	if (!cell)
		return VERDICT_NOT_OURS;
	head = cell->head;
	pick->generation = head.generation;
	lookup = is_source_lookup(pick, head);
	counted = !lookup && pick->asker != ASKER_SEND_AGAIN;
	is_ipv6 = wants_ipv6(pick, run);
	choice.head = head;
	choice.first = base + 1 + (is_ipv6 ? SHUNT_RUN_COUNT4(run) : 0);
	choice.count = is_ipv6 ? SHUNT_RUN_COUNT6(run) : SHUNT_RUN_COUNT4(run);
	if (choice.count &&
	    slot_take(pick, choose(pick, &choice, counters, cpu, key, end_earlier, lookup),
		      is_ipv6)) {
		if (counted)
			__sync_fetch_and_add(&counters->redirected, 1);
		pick->flags = choice.flags;
		pick->head_flags = head.flags;
		return VERDICT_REDIRECTED;
	}
	if (choice.count && choice.limited)
		return VERDICT_LIMITED;
	if (counted)
		__sync_fetch_and_add(&counters->no_backend, 1);
	return head.on_empty == ON_EMPTY_PASS ? VERDICT_PASSED : VERDICT_REFUSED;
}
