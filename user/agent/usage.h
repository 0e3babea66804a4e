/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services tasks on this host use: the agent looks at the counters of the programs once a
 * second. What nobody uses its source asks for seldom, and is woken when somebody does.
 */
#pragma once

#include "core/demand.h"

struct agent;
struct watch;

struct usage {
	struct demand demand; /* owned */
	size_t next;	      /* service id that the next look begins with */
};

/* PACE_IN_USE, PACE_ASSUMED or PACE_IDLE; a watch for which it is the last is woken. */
enum pace_rank usage_of(struct watch *w);
/* Once a second. */
void usage_look(struct agent *agent);
/* "in use", "assumed", "idle"; NULL: nobody wants to know. */
const char *usage_name(enum pace_rank rank);
