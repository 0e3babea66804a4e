/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints known from answers that show only some of them: Route 53 answers a MULTIVALUE name, as
 * Cloud Map makes them, with at most eight records drawn by lot. What is there is their union, and
 * an endpoint is gone when it would have been drawn since, if it were there, 999 times in 1000. It
 * owns its endpoints. Pure: it counts answers, not time.
 */
#pragma once

#include "core/endpoints.h"

/* Records that an answer has when it may not have shown all: Route 53, multivalue answer routing.
 */
#define SIGHTINGS_DRAWN 8

struct sightings {
	struct sighting {
		struct endpoint endpoint;
		uint32_t missed; /* answers since that lacked it */
	} * list;		 /* owned; sorted as endpoints are */
	size_t n;
	uint32_t answers; /* that showed some */
};

void sightings_done(struct sightings *s);

/*
 * An answer (normalised) of so many records. *ret (empty before; the caller's) is what is there:
 * the union if the answer may not have shown all, else the answer itself. 0, -ENOMEM, or -E2BIG
 * beyond ENDPOINTS_MAX; then nothing has changed.
 */
int sightings_take(struct sightings *s, const struct endpoints *answer, size_t records,
		   struct endpoints *ret);

/* Has whoever is there been seen by now? Not in the first answers; of a whole answer it is true. */
bool sightings_are_settled(const struct sightings *s, size_t records);

/* After how many answers without it one of `n` endpoints is believed to be gone. */
uint32_t sightings_patience(size_t n);
