/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to backends that have left a service, or are unhealthy, where it is configured that
 * they end: which backends these are, and when it is time. It owns the schedule and the resetter.
 * What takes time happens in the thread pool, one walk at a time.
 */
#pragma once

#include "agent/internal.h"

/* Takes over what a predecessor had on its schedule. 0 or a negative errno. */
int resets_open(struct agent *agent);
/* A configuration has come into force: has what it asks for, and says what is lacking. */
void resets_configure(struct agent *agent);
/*
 * Before a plan is carried out: notes whom it takes away or brings back. It never fails a plan:
 * what could not be noted is told in the log, and keeps its connections.
 */
void resets_follow(struct agent *agent, const struct plan *plan);
/* Closes its handles; a walk under way is waited for by the loop. */
void resets_close(struct agent *agent);
/* After the loop. */
void resets_free(struct resets *resets);
