/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told of the connect times that the programs have counted into buckets. Pure. */
#pragma once

#include "base/util.h"
#include "shunt/layout.h"

#define TIMING_BOUNDS (SHUNT_TIMING_BUCKETS - 1)

/* The upper bound of any bucket but the last, in seconds. */
double timing_bound_s(size_t bucket);

/*
 * The time, in seconds, that this part of the connects (0 to 1) did not exceed: within a bucket
 * they are thought of as spread evenly, as Prometheus's histogram_quantile() does; in the last
 * bucket all took as long as its lower bound. -ENOENT: nothing was counted.
 */
int timing_quantile(const struct shunt_timing *timing, double part, double *ret_s);
