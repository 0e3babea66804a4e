/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints from DNS in the place of those that Cloud Map's API told of: DNS knows addresses, often
 * not their ports, never their weights and zones. Pure.
 */
#pragma once

#include "core/endpoints.h"

/* The port that all of `known` have; the fallback when they have several, or there are none. */
uint16_t substitute_port(const struct endpoints *known, uint16_t fallback);

/*
 * *ret (empty before; the caller's, normalised): each of `found` (normalised), as `known`
 * (normalised) has it. `portless`: `found` tells addresses only; one that is known at several ports
 * is several. 0, -ENOMEM, -E2BIG.
 */
int substitute_make(const struct endpoints *found, const struct endpoints *known, bool portless,
		    struct endpoints *ret);
