/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timing.h"

#include <errno.h>

static const uint32_t bounds_us[] = { SHUNT_TIMING_BOUNDS };
_Static_assert(ARRAY_SIZE(bounds_us) == TIMING_BOUNDS, "a bucket more than bounds");

double timing_bound_s(size_t bucket)
{
	return bounds_us[bucket] / 1e6;
}

int timing_quantile(const struct shunt_timing *timing, double part, double *ret_s)
{
	double rank, below = 0, total = 0;
	size_t i = 0;

	for (size_t j = 0; j < SHUNT_TIMING_BUCKETS; j++)
		total += (double)timing->count[j];
	if (total == 0)
		return -ENOENT;
	rank = part * total;
	while (i < TIMING_BOUNDS && below + (double)timing->count[i] < rank)
		below += (double)timing->count[i++];
	if (i == TIMING_BOUNDS) {
		*ret_s = timing_bound_s(i - 1);
	} else {
		double low = i > 0 ? timing_bound_s(i - 1) : 0;
		double count = MAX((double)timing->count[i], 1);

		*ret_s = low + (timing_bound_s(i) - low) * (rank - below) / count;
	}
	return 0;
}
