/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When one service of Cloud Map is asked for next, and what: its revision, which is cheap, or all
 * of its instances. Pure: time and randomness are arguments; it asks nobody.
 *
 * In use, a service is asked for at every beat, one poll apart: its revision, and all as soon as
 * that has changed. Health moves no revision, so at every third beat it is all anyway where
 * instances have health, and now and then where they have none. What nobody uses is asked for
 * seldom, and at once when somebody does. After a failure it backs off until the first good answer.
 */
#pragma once

#include "base/util.h"
#include "core/backoff.h"

#define PACE_BACKOFF_FIRST_MS 1000
#define PACE_BACKOFF_MAX_MS 15000
#define PACE_IDLE_POLLS 12
#define PACE_IDLE_MAX_MS 300000
/* All instances are asked for at every so manyth beat at least. */
#define PACE_HEALTH_BEATS 3
#define PACE_REST_BEATS 12
/* An endpoint that lacks the call for revisions is tried again after so long. */
#define PACE_LACKS_MS (10 * 60 * 1000)

enum pace_question {
	PACE_ASK_ALL,
	PACE_ASK_REVISION,
};

/* How soon it should have its turn, if not all can. */
enum pace_rank {
	PACE_NEWS,    /* something has changed, or somebody waits for it */
	PACE_IN_USE,  /* connects have been seen */
	PACE_ASSUMED, /* nobody knows yet whether it is used */
	PACE_IDLE,
};

struct pace {
	uint32_t poll_ms, idle_ms; /* between beats */
	bool always;		   /* it counts as in use */
	struct backoff backoff;
	uint64_t due_ms;	 /* of the next question; what the schedule goes by */
	uint64_t lacks_until_ms; /* no question for revisions before; 0: they are answered */
	uint64_t revision;	 /* that the last full answer was of */
	bool has_revision;
	bool has_health;     /* as of that answer */
	bool doubted;	     /* its holder wants it repeated before it counts */
	bool known;	     /* there has been a full answer */
	bool changed;	     /* its revision is another than that of the last full answer */
	bool awaited;	     /* somebody wants a full answer now */
	enum pace_rank rank; /* by its use */
	uint8_t beats;	     /* since the last full answer; PACE_REST_BEATS: the next is for all */
};

/* What a full answer says of itself. */
struct pace_answer {
	bool has_revision, has_health;
	uint64_t revision;
};

enum pace_failure {
	PACE_FAILED,
	PACE_THROTTLED, /* the account asks too much: no dearer question now */
	PACE_LACKS,	/* the endpoint does not have this call, or not for us */
};

/* The first question is due at once. */
void pace_init(struct pace *p, uint32_t poll_ms, bool always, uint64_t now_ms);

enum pace_rank pace_rank(const struct pace *p);
/*
 * What to ask when it is due. `scarce`: the account's quota for full answers is reached; then they
 * are for news, and health has to wait, or the question for it would keep that for news waiting.
 */
enum pace_question pace_question(const struct pace *p, bool scarce, uint64_t now_ms);

/*
 * What came of it; p->due_ms is then that of the next question. `use`: PACE_IN_USE, PACE_ASSUMED or
 * PACE_IDLE. `random` is any number.
 */
void pace_take_answer(struct pace *p, const struct pace_answer *answer, enum pace_rank use,
		      uint64_t now_ms, uint32_t random);
/* true: it is the one that is known. Else all is to be asked for at once. */
bool pace_take_revision(struct pace *p, uint64_t revision, enum pace_rank use, uint64_t now_ms,
			uint32_t random);
void pace_take_failure(struct pace *p, enum pace_question asked, enum pace_failure failure,
		       uint64_t now_ms, uint32_t random);

/* Whether the last full answer has to be repeated before it counts. */
void pace_doubt(struct pace *p, bool doubted);

/* Somebody uses it, and it was idle, or nothing is known of it: all, now. false: no need. */
bool pace_wake(struct pace *p, uint64_t now_ms);
/* All, now. */
void pace_refresh(struct pace *p, uint64_t now_ms);
