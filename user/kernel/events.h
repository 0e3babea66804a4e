/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the door to the kernel for events of connections: whether the program that sees them
 * is attached, and what it has measured. Owns nothing; a reader may ask for the latter.
 */
#pragma once

#include "kernel/dataplane.h"

/*
 * Attaches the program, before the plan with SHUNT_HEAD_EVENTS, or takes it off, after the last
 * one. 0; -EAGAIN: connects are under way that it must see the end of; or an error with its reason
 * in *problems.
 */
int dataplane_events(struct dataplane *d, bool wanted, struct diag *problems);
/* Are connects of the service timed? *ret is what was measured. */
bool dataplane_timing(const struct dataplane *d, uint32_t service_id, struct shunt_timing *ret);
