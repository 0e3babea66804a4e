/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/usage.h"

#include "kernel/internal.h"

void dataplane_connects(const struct dataplane *d, uint32_t first, size_t n, uint64_t *sums)
{
	uint32_t stride = d->maps[MAP_RUNS].capacity;

	memset(sums, 0, n * sizeof(*sums));
	for (unsigned int cpu = 0; cpu < d->cpus; cpu++) {
		const struct shunt_counters *rows = &d->counters[cpu * stride];

		for (size_t i = 0; i < n && first + i < stride; i++)
			sums[i] += __atomic_load_n(&rows[first + i].redirected, __ATOMIC_RELAXED) +
				   __atomic_load_n(&rows[first + i].no_backend, __ATOMIC_RELAXED);
	}
}

unsigned int dataplane_cpus(const struct dataplane *d)
{
	return d->cpus;
}
