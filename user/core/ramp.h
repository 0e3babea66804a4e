/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow start: a backend that is new to a service that has others begins with a tenth of its share
 * and gets more of it, linearly, until the window is over. One that its source calls unhealthy has
 * not come yet: tasks are registered before they are ready. Remembers who came when. Pure: the time
 * is an argument.
 */
#pragma once

#include "core/endpoints.h"

#define RAMP_AWAY UINT64_MAX

struct ramp {
	struct ramp_row {
		struct addr_port at;
		uint64_t since_ms; /* 0: it was there when we began; or RAMP_AWAY */
	} * rows;		   /* owned; sorted as endpoints are */
	size_t n;
};

void ramp_done(struct ramp *r);

/*
 * These are the backends now (normalised), in the states that their source gives them. 0 or
 * -ENOMEM, and nothing has changed.
 */
int ramp_follow(struct ramp *r, const struct endpoints *e, uint64_t now_ms);

/* Takes from the shares, one for each endpoint followed last, what is not yet due. Returns how many
 * ramp. */
size_t ramp_apply(const struct ramp *r, uint32_t window_ms, uint64_t now_ms, uint32_t *shares);
