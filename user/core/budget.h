/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who of all that want to call Cloud Map begins next, and when. Never do more than
 * `calls_per_second` calls begin in one second, whichever second one looks at, nor are more than
 * `running_max` under way. Below that, each kind of call goes as fast as the account's quota for it
 * seems to allow (core/quota). Who is due longest is first; idle services come later than those in
 * use, but they come. It owns its room and not the calls. Pure: time is an argument.
 */
#pragma once

#include "core/pace.h"
#include "core/queue.h"
#include "core/quota.h"

#define BUDGET_CALLS_DEFAULT 100
#define BUDGET_CALLS_MAX 4000
/* For a second, and a little more, since calls are not all on their way for as long. */
#define BUDGET_WINDOW_MS 1050
#define BUDGET_NEVER UINT64_MAX

/* The account has a quota for each. */
enum budget_kind {
	BUDGET_INSTANCES, /* DiscoverInstances */
	BUDGET_REVISIONS, /* DiscoverInstancesRevision */
	BUDGET_LISTS,	  /* the control plane: ListServices ... */
	BUDGET_KINDS,
};

/* The caller's; zeroed, it does not wait. */
struct budget_call {
	struct queue_call queued; /* the first member */
	enum budget_kind kind;
};

struct budget {
	uint32_t calls_per_second, running_max;
	uint64_t *began_ms; /* of the last calls: a ring, as long as there may be calls in a second
			     */
	size_t last;	    /* in it */
	uint32_t running;
	uint64_t begun, refused; /* since the start */
	size_t members;
	struct queue queues[BUDGET_KINDS];
	struct quota quotas[BUDGET_KINDS];
};

/* 0 or -ENOMEM. */
int budget_init(struct budget *b, uint32_t calls_per_second, uint32_t running_max);
void budget_done(struct budget *b);
/* Another number of calls; what has begun lately counts. 0, or -ENOMEM and it is as it was. */
int budget_set(struct budget *b, uint32_t calls_per_second);

/* There will be one call more, or one less, that may wait at a time. 0 or -ENOMEM. */
int budget_join(struct budget *b);
void budget_leave(struct budget *b);

/* It wants to begin, since `due_ms`. If it waits already, it waits anew. */
void budget_wait(struct budget *b, struct budget_call *call, enum budget_kind kind,
		 enum pace_rank rank, uint64_t due_ms);
/* It does not any more. */
void budget_withdraw(struct budget *b, struct budget_call *call);
/*
 * The call that begins now: it waits no more, and budget_end is to follow. NULL: none; *ret_when_ms
 * is when to ask again, BUDGET_NEVER: not before a call waits or one under way ends.
 */
struct budget_call *budget_begin(struct budget *b, uint64_t now_ms, uint64_t *ret_when_ms);
void budget_end(struct budget *b, enum budget_kind kind, enum quota_outcome outcome,
		uint64_t now_ms);

/* "DiscoverInstances", "DiscoverInstancesRevision", "List". */
const char *budget_operation(enum budget_kind kind);
/* How many wait; how many began in the last second. */
size_t budget_waiting(const struct budget *b);
uint32_t budget_in_last_second(const struct budget *b, uint64_t now_ms);
