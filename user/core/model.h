/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force for one service, and why: the last good answer of its source or what an earlier
 * run left, its age, what failed since, and whether a shrink is being held. It owns its endpoints
 * and texts. Pure: the time is an argument.
 *
 * An answer that is empty, or has fewer than half as many endpoints as are in force, is a shrink:
 * what it adds counts at once, what it lacks goes only when shrinks have been repeated for
 * confirm_ms. A failure changes nothing (I3).
 */
#pragma once

#include "core/endpoints.h"

#define MODEL_CODE_MAX 64
#define MODEL_MESSAGE_MAX 512
#define MODEL_NOTE_MAX 384
#define MODEL_TEXT_MAX 96

/* Where it learned what is in force. */
enum model_from {
	MODEL_FROM_SOURCE,
	MODEL_FROM_KERNEL, /* an earlier run left it there */
	MODEL_FROM_FILE,   /* the last known good in state_dir */
};

struct model {
	struct endpoints in_force; /* owned, normalised */
	enum model_from from;
	bool answered;	      /* there has been a good answer of the source it has now */
	bool new_source;      /* there has not, and another was asked before */
	uint64_t answered_ms; /* when, on the monotonic clock, which may wrap: of an earlier boot */
	int64_t answered_s; /* when, since the epoch; 0: never, or nobody knows of an earlier run */
	unsigned int rejected;	  /* instances that the last answer had and nobody can use */
	char *rejected_why;	  /* owned, as all texts here; NULL: there is nothing to say */
	unsigned int misweighted; /* and those whose weight is bad, so 1 */
	char *misweighted_why;
	char *note;    /* what else the last answer has to tell */
	bool stood_in; /* it was somebody else's, while the source fails */
	struct {
		uint32_t count; /* in a row; 0: the last answer was good */
		uint64_t at_ms;
		char *code, *message;
	} failure;
	struct {
		bool held;
		uint64_t since_ms;
		size_t answered; /* endpoints in the last answer */
	} shrink;
};

struct model_answer {
	const struct endpoints *endpoints; /* normalised */
	unsigned int rejected;
	const char *rejected_why; /* or NULL */
	unsigned int misweighted;
	const char *misweighted_why; /* or NULL */
	const char *note;	     /* or NULL */
	bool adds_only;		     /* what it lacks stays, and that is no shrink */
	bool again;	 /* the last one, with other endpoints: it is as old as it was */
	bool stands_in;	 /* not the source's own: its age and its failures stay as they are */
	bool never_held; /* a static source: what it says is what the operator says */
	uint32_t confirm_ms;
	uint64_t now_ms; /* monotonic */
	int64_t now_s;	 /* since the epoch */
};

void model_done(struct model *m);

/* What an earlier agent left in force; *left is empty afterwards. */
void model_seed(struct model *m, struct endpoints *left, enum model_from from);
/* When the source gave that, if it is known; a clock that was set back makes it no younger than
 * now.
 */
void model_seed_age(struct model *m, int64_t answered_s, uint64_t now_ms, int64_t now_s);
/* The operator chose another source: its first answer that is not empty counts whole. */
void model_new_source(struct model *m);

/* A good answer. *ret_changed: in_force is not what it was. 0, or -ENOMEM and nothing has changed.
 */
int model_take_answer(struct model *m, const struct model_answer *answer, bool *ret_changed);
/* The source says that its last answer still holds. */
void model_take_same(struct model *m, uint64_t now_ms, int64_t now_s);
void model_take_failure(struct model *m, const char *code, const char *message, uint64_t now_ms);

/* What else is to be told of the source; the next answer has another note. */
void model_take_note(struct model *m, const char *note);

/* "3 backends of 40 s ago", for the log and status. */
void model_describe(const struct model *m, uint64_t now_ms, char text[static MODEL_TEXT_MAX]);
