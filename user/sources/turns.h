/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns to call Cloud Map, of everybody in the agent who wants to: core/budget on the loop. It
 * owns the budget and its timer; a turn is its user's.
 */
#pragma once

#include <uv.h>

#include "core/budget.h"

struct turns;

/* Zeroed but for go and user, it is no member yet. */
struct turn {
	struct budget_call call; /* the first member */
	/* It begins now, and turn_end is to follow. Called from within turn_wait, or later. */
	void (*go)(void *user);
	void *user;
	struct turns *turns; /* that it is a member of, or NULL */
	bool running;
};

int turns_new(uv_loop_t *loop, uint32_t calls_per_second, struct turns **ret);
/* No turn is a member any more. Takes NULL. */
void turns_free(struct turns *turns);
/* 0, or -ENOMEM and it is as it was. */
int turns_set(struct turns *turns, uint32_t calls_per_second);
const struct budget *turns_budget(const struct turns *turns);

/* 0 or -ENOMEM. */
int turn_join(struct turn *turn, struct turns *turns);
/* Whether it waits or runs: that is over. Of no member: nothing. */
void turn_leave(struct turn *turn);

/* See budget_wait. Not while it runs. */
void turn_wait(struct turn *turn, enum budget_kind kind, enum pace_rank rank, uint64_t due_ms);
/* Not any more, if it does. */
void turn_withdraw(struct turn *turn);
/* What came of it. */
void turn_end(struct turn *turn, enum quota_outcome outcome);
