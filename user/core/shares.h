/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a service's connections each backend is to have: its weight, and what the rules of
 * the service make of it. Pure numbers, a share for each endpoint of a list; core/slots turns them
 * into slots. A rule never leaves a family without a share, but that of the operator: draining.
 */
#pragma once

#include "core/endpoints.h"

#define SHARES_OF_WEIGHT_1 20 /* so that 5 % of it is a whole number */

/* A service of one zone in several: its backends there are preferred. */
struct shares_zone {
	const char *prefer; /* NULL: no preference */
	uint16_t min;	    /* healthy backends it must have there */
};

/* Fills shares[e->n] with what the weights ask for. */
void shares_weigh(const struct endpoints *e, uint32_t *shares);

/*
 * Those that drain get nothing. Family by family, the unhealthy get nothing while one is healthy;
 * when none is, all are as good as any.
 */
void shares_prefer_healthy(const struct endpoints *e, uint32_t *shares);

/*
 * Family by family: with at least `min` healthy backends in the zone they get everything, with
 * fewer nothing changes. True if the zone has everything, in each family that has backends.
 */
bool shares_prefer_zone(const struct endpoints *e, const struct shares_zone *zone,
			uint32_t *shares);
