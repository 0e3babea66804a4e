/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each backend of a service is to be treated as, and why: the one place where all who have a
 * say meet (its source, the operator, probes). Of two the graver counts. It owns copies of the
 * endpoints with that state in them, and a note on each that is not healthy. Pure.
 */
#pragma once

#include "core/endpoints.h"

#define HEALTH_WHY_MAX 96

struct health_note {
	size_t index;	 /* of the backend */
	int64_t since_s; /* since the epoch; 0: nobody knows */
	char why[HEALTH_WHY_MAX];
};

struct health {
	struct endpoints backends;
	struct health_note *notes; /* owned; sorted by index */
	size_t n_notes, capacity;
};

void health_done(struct health *h);

/* Begins anew: these backends (normalised), all of them healthy so far. On -ENOMEM it is empty. */
int health_begin(struct health *h, const struct endpoints *backends);

/*
 * Somebody's say on one backend, counting if it is graver than what was said before: unhealthy,
 * then ejected, then draining. Backend by backend, in order. 0 or -ENOMEM.
 */
int health_say(struct health *h, size_t index, enum shunt_state state, int64_t since_s,
	       const char *format, ...) _printf_(5, 6);

/* Has this family a backend that new connections may go to at all? */
bool health_has_takers(const struct health *h, bool ipv4);
/* Has it only unhealthy ones to go to, so that they are used (shares_prefer_healthy)? */
bool health_uses_unhealthy(const struct health *h, bool ipv4);
