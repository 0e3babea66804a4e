/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pace.h"

void pace_init(struct pace *p, uint32_t poll_ms, bool always, uint64_t now_ms)
{
	uint32_t idle_ms = MAX(poll_ms, MIN((uint64_t)PACE_IDLE_POLLS * poll_ms, PACE_IDLE_MAX_MS));

	*p = (struct pace){
		.poll_ms = poll_ms,
		.idle_ms = idle_ms,
		.always = always,
		.backoff = { .first_ms = MIN((uint64_t)2 * poll_ms, PACE_BACKOFF_FIRST_MS),
			     .max_ms = PACE_BACKOFF_MAX_MS },
		.due_ms = now_ms,
		.rank = PACE_ASSUMED,
	};
}

enum pace_question pace_question(const struct pace *p, bool scarce, uint64_t now_ms)
{
	bool often = p->has_health && p->rank != PACE_IDLE && !scarce;
	uint8_t beats = often ? PACE_HEALTH_BEATS : PACE_REST_BEATS;
	bool all = !p->known || !p->has_revision || p->doubted || p->changed || p->awaited ||
		   now_ms < p->lacks_until_ms || p->beats + 1 >= beats;

	return all ? PACE_ASK_ALL : PACE_ASK_REVISION;
}

/*
 * Beats go by the schedule and not by when the answer came: a twentieth early at most, and never
 * late, so that news is in force within one poll and the time of an answer. The second one comes at
 * any time within the first period, since all services of a host, and the hosts of a deployment,
 * start together. What has fallen behind does not catch up.
 */
static void schedule(struct pace *p, enum pace_rank use, bool first, uint64_t now_ms,
		     uint32_t random)
{
	enum pace_rank rank = p->always ? PACE_IN_USE : use;
	uint32_t period_ms = rank == PACE_IDLE ? p->idle_ms : p->poll_ms;
	uint32_t early_ms = first ? period_ms : period_ms / 20;

	backoff_recovered(&p->backoff);
	p->rank = rank;
	p->due_ms = MAX(p->due_ms + period_ms - (early_ms ? random % early_ms : 0), now_ms);
}

/* It serves whoever has asked for news meanwhile, too. */
void pace_take_answer(struct pace *p, const struct pace_answer *answer, enum pace_rank use,
		      uint64_t now_ms, uint32_t random)
{
	bool first = !p->known;

	p->has_revision = answer->has_revision;
	p->revision = answer->revision;
	p->has_health = answer->has_health;
	p->doubted = false;
	p->beats = 0;
	p->known = true;
	p->changed = p->awaited = false;
	schedule(p, use, first, now_ms, random);
}

/* It is compared with that of the instances which are known, not with the last one heard: a full
 * answer that lags behind its revision is asked for again. */
bool pace_take_revision(struct pace *p, uint64_t revision, enum pace_rank use, uint64_t now_ms,
			uint32_t random)
{
	p->changed = !p->has_revision || revision != p->revision;
	p->lacks_until_ms = 0;
	p->beats++;
	if (p->changed || p->awaited)
		p->due_ms = now_ms;
	else
		schedule(p, use, false, now_ms, random);
	return !p->changed;
}

void pace_take_failure(struct pace *p, enum pace_question asked, enum pace_failure failure,
		       uint64_t now_ms, uint32_t random)
{
	if (asked == PACE_ASK_REVISION && failure == PACE_LACKS) {
		p->lacks_until_ms = now_ms + PACE_LACKS_MS + random % (PACE_LACKS_MS / 10);
		p->due_ms = now_ms;
		return;
	}
	/* news must not wait for a call that fails alone */
	if (asked == PACE_ASK_ALL || failure == PACE_FAILED)
		p->beats = PACE_REST_BEATS;
	else
		p->beats++;
	p->due_ms = now_ms + backoff_failed(&p->backoff, random);
}

void pace_doubt(struct pace *p, bool doubted)
{
	p->doubted = doubted;
}

bool pace_wake(struct pace *p, uint64_t now_ms)
{
	if (p->rank != PACE_IDLE && p->known)
		return false;
	p->rank = PACE_IN_USE;
	pace_refresh(p, now_ms);
	return true;
}

void pace_refresh(struct pace *p, uint64_t now_ms)
{
	p->awaited = true;
	p->due_ms = now_ms;
}

enum pace_rank pace_rank(const struct pace *p)
{
	if (p->awaited || (p->changed && p->rank != PACE_IDLE))
		return PACE_NEWS;
	return p->known ? p->rank : PACE_IN_USE; /* nothing is known: that cannot wait */
}
