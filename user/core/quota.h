/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast calls of one kind may go, as far as the account's quota for them allows, which nobody
 * tells and which all hosts share. Once a second it goes down by the share of calls that were
 * refused, to half at most, or up if none was: soon to where it went well, then carefully beyond.
 * Pure: time is an argument.
 */
#pragma once

#include "base/util.h"

#define QUOTA_RATE_MIN 0.5 /* calls a second; below the highest there is */

enum quota_outcome {
	QUOTA_OK,
	QUOTA_REFUSED, /* the account has reached its quota */
	QUOTA_BROKEN,  /* an error of the server: counts when most calls end so */
	QUOTA_OTHER,   /* says nothing of the account */
};

struct quota {
	double rate; /* calls a second; `max`: it does not hold anything back */
	double max;
	double knee;	  /* near which it went well */
	uint64_t next_ms; /* no call before, while it holds back */
	struct {
		uint64_t since_ms;
		uint32_t ended, refused, broken;
	} second;	   /* of outcomes, a second at least */
	unsigned int calm; /* so many in a row in which none was refused */
};

void quota_init(struct quota *q, uint32_t max);
/* Another limit; the quota of the account stays what it is. */
void quota_set_max(struct quota *q, uint32_t max);
/* When the next call may begin; a time that has passed: now. */
uint64_t quota_next_ms(const struct quota *q);
void quota_begin(struct quota *q, uint64_t now_ms);
void quota_end(struct quota *q, enum quota_outcome outcome, uint64_t now_ms);
bool quota_holds_back(const struct quota *q);
