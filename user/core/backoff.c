/* SPDX-License-Identifier: Apache-2.0 */
#include "core/backoff.h"

#include "base/util.h"

uint32_t backoff_failed(struct backoff *b, uint32_t random)
{
	uint32_t half;

	b->step_ms = b->step_ms ? MIN((uint64_t)b->step_ms * 2, b->max_ms) : b->first_ms;
	half = b->step_ms / 2;
	return half + random % (b->step_ms - half + 1);
}

void backoff_recovered(struct backoff *b)
{
	b->step_ms = 0;
}
