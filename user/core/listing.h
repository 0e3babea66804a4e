/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services a namespace has: those in force, how old that is, what failed since. It owns its
 * names. Pure: the time is an argument.
 *
 * What a whole list adds counts at once. What it lacks goes at once, too, if it came in one page;
 * of several, between which services may have come and gone, the next must lack it as well. A list
 * that is empty, or has fewer than half as many as are in force, is a shrink: what it lacks goes
 * only when shrinks have been repeated for confirm_ms. A failure changes nothing (I3).
 */
#pragma once

#include "core/cloudmap_lists.h"
#include "core/model.h"

struct listing_name {
	char *text;
	bool doubted; /* the last list lacked it */
};

struct listing {
	struct listing_name *names; /* owned; sorted, each once */
	size_t n;
	size_t doubted;	      /* of them */
	bool answered;	      /* there has been a whole list in this run */
	uint64_t answered_ms; /* when, on the monotonic clock */
	int64_t answered_s;   /* when, since the epoch; 0: never, not even in an earlier run */
	struct {
		uint32_t count; /* in a row; 0: the last list was good */
		uint64_t at_ms;
		char code[MODEL_CODE_MAX];
		char message[MODEL_MESSAGE_MAX];
	} failure;
	struct {
		bool held;
		uint64_t since_ms;
		size_t answered; /* services in the last list */
	} shrink;
};

struct listing_answer {
	struct cloudmap_names *names; /* whose texts are taken over */
	size_t pages;
	uint32_t confirm_ms;
	uint64_t now_ms; /* monotonic */
	int64_t now_s;	 /* since the epoch */
};

void listing_done(struct listing *l);

/* What an earlier run knew, `answered_s` ago or so. Takes the texts over. 0 or -ENOMEM. */
int listing_seed(struct listing *l, struct cloudmap_names *names, int64_t answered_s);

/* A whole list. *ret_changed: other services are in force. 0, or -ENOMEM and nothing has changed.
 */
int listing_take_answer(struct listing *l, const struct listing_answer *answer, bool *ret_changed);
/* The operator wants fewer of them: the others go at once. */
void listing_filter(struct listing *l, const struct config_namespace *wanted);
void listing_take_failure(struct listing *l, const char *code, const char *message,
			  uint64_t now_ms);
