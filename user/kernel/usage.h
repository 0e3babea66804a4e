/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the door to the kernel for how much services are used: read often, of many services
 * at a time, in the order of memory. Owns nothing.
 */
#pragma once

#include "kernel/dataplane.h"

/* How often tasks connected to each of n services from `first` on, with or without a backend. */
void dataplane_connects(const struct dataplane *d, uint32_t first, size_t n, uint64_t *sums);
/* How many cells of memory it reads for a service. */
unsigned int dataplane_cpus(const struct dataplane *d);
