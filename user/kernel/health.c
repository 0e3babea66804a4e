/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs have found out of backends, and what they count against limits. */
#include "kernel/internal.h"

uint64_t dataplane_news(const struct dataplane *d)
{
	return __atomic_load_n(&d->prefixes->news, __ATOMIC_RELAXED);
}

bool dataplane_health(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		      struct shunt_health *ret)
{
	if (backend_id >= d->maps[MAP_HEALTH].capacity || d->health[backend_id].born != born)
		return false;
	*ret = d->health[backend_id];
	return true;
}

bool dataplane_load(const struct dataplane *d, uint32_t backend_id, uint32_t born,
		    struct shunt_load *ret)
{
	if (backend_id >= d->maps[MAP_LOADS].capacity || d->loads[backend_id].born != born)
		return false;
	*ret = d->loads[backend_id];
	return true;
}

void dataplane_policy(const struct dataplane *d, uint32_t service_id, struct shunt_policy *ret)
{
	*ret = service_id < d->maps[MAP_POLICIES].capacity ? d->policies[service_id]
							   : (struct shunt_policy){ 0 };
}

uint64_t dataplane_look(const struct dataplane *d, uint32_t service_id)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;
	uint64_t look = 0;

	for (unsigned int cpu = 0; cpu < d->cpus && service_id < stride; cpu++)
		look |= __atomic_load_n(&d->counters[cpu * stride + service_id].look,
					__ATOMIC_RELAXED);
	return look;
}

void dataplane_set_look(const struct dataplane *d, uint32_t service_id, uint64_t look)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;

	for (unsigned int cpu = 0; cpu < d->cpus && service_id < stride; cpu++)
		__atomic_store_n(&d->counters[cpu * stride + service_id].look, look,
				 __ATOMIC_RELAXED);
}

/* Backends that leave while they are ejected are counted by nobody else. */
void dataplane_settle_ejected(const struct dataplane *d, uint32_t service_id, uint32_t ejected)
{
	if (service_id < d->maps[MAP_POLICIES].capacity)
		__atomic_store_n(&d->policies[service_id].ejected, ejected, __ATOMIC_RELAXED);
}
