/* SPDX-License-Identifier: Apache-2.0 */
/* What is wanted, into the kernel: once for all that was said in one turn of the loop. */
#pragma once

#include <stdbool.h>

struct agent;

void reconcile_open(struct agent *agent);
/* Makes the planner anew from what the maps hold; a grace period has passed since the last write.
 */
int reconcile_recover(struct agent *agent);
bool reconcile_is_pending(const struct agent *agent);
/* In the next turn of the loop, about what is on the agenda. */
void reconcile_schedule(struct agent *agent);
/* There is news of this service, or of all: on the agenda, and schedules. */
void reconcile_service(struct watch *w);
void reconcile_all(struct agent *agent);
/* Not in the next turn, but before it returns; agent->broken tells if it failed. */
void reconcile_now(struct agent *agent);
void reconcile_close(struct agent *agent);
