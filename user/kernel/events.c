/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of events.bpf.c, which every TCP socket of the machine pays for while it is attached:
 * so it is loaded and attached when a service asks, and taken off when none does.
 */
#include "kernel/events.h"
#include "kernel/internal.h"

#include <errno.h>

static int events_on(struct dataplane *d, struct diag *problems)
{
	_cleanup_close_ int program = load_events(d, problems);

	return program < 0 ? program : attach_events(d, program, problems);
}

/* A socket that is still to be given back its own timeout would keep ours. */
static int events_off(struct dataplane *d, struct diag *problems)
{
	if (__atomic_load_n(&d->prefixes->given, __ATOMIC_RELAXED) != 0)
		return -EAGAIN;
	return attach_events_off(d, problems);
}

int dataplane_events(struct dataplane *d, bool wanted, struct diag *problems)
{
	int r;

	if (d->events == wanted)
		return 0;
	r = wanted ? events_on(d, problems) : events_off(d, problems);
	if (r < 0)
		return r;
	d->events = wanted;
	return 0;
}

bool dataplane_timing(const struct dataplane *d, uint32_t service_id, struct shunt_timing *ret)
{
	*ret = (struct shunt_timing){ 0 };
	if (service_id >= d->maps[MAP_TIMINGS].capacity ||
	    !d->policies[service_id].rules.connect_timing)
		return false;
	for (size_t i = 0; i < SHUNT_TIMING_BUCKETS; i++)
		ret->count[i] = __atomic_load_n(&d->timings[service_id].count[i], __ATOMIC_RELAXED);
	ret->sum_ns = __atomic_load_n(&d->timings[service_id].sum_ns, __ATOMIC_RELAXED);
	return true;
}
