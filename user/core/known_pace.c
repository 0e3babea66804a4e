/* SPDX-License-Identifier: Apache-2.0 */
#include "core/known_pace.h"

void known_pace_changed(struct known_pace *p, uint64_t now_ms)
{
	if (p->changed_ms == 0)
		p->changed_ms = MAX(now_ms, 1U);
}

void known_pace_began(struct known_pace *p, uint64_t now_ms)
{
	p->changed_ms = 0;
	p->began_ms = MAX(now_ms, 1U);
}

void known_pace_ended(struct known_pace *p, bool well)
{
	p->failures = well ? 0 : p->failures + 1;
	if (!well)
		known_pace_changed(p, p->began_ms);
}

static uint64_t pause_ms(const struct known_pace *p)
{
	uint64_t pause = (uint64_t)KNOWN_PACE_EVERY_MS << MIN(p->failures, 8U);

	return MIN(pause, (uint64_t)KNOWN_PACE_REFRESH_MS);
}

uint64_t known_pace_due_ms(const struct known_pace *p)
{
	uint64_t settled_ms = p->changed_ms + KNOWN_PACE_SETTLE_MS;

	if (p->began_ms == 0)
		return p->changed_ms ? settled_ms : KNOWN_PACE_NEVER;
	if (p->changed_ms == 0)
		return p->began_ms + KNOWN_PACE_REFRESH_MS;
	return MAX(settled_ms, p->began_ms + pause_ms(p));
}
