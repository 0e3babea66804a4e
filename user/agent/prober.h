/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The active probes of one service: connects to its backends in turn, spread over the interval, and
 * has the maps planned anew when the mind about one changes. It owns the outcomes and the probes
 * under way; the rules are core/probe's.
 */
#pragma once

#include "core/probe.h"

struct prober;
struct watch;

/* Of all services together: what is more has to wait, so a round takes longer than the interval. */
#define PROBER_RUNNING_MAX 128

/* Makes it or ends it by the configuration of its watch, and tells it who the backends are now;
 * `as_left`: by an earlier run. 0 or -ENOMEM. */
int prober_follow(struct watch *w, bool as_left);
void prober_free(struct prober *p);

/* Good until the next turn of the loop. */
const struct probe *prober_outcomes(const struct prober *p);
