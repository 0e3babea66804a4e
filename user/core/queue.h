/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for their turn, the most urgent first. It owns its room and not the calls, each
 * of which knows its place. Room is reserved beforehand, so waiting cannot fail.
 */
#pragma once

#include "base/util.h"

/* The caller's; zeroed, it waits nowhere. */
struct queue_call {
	uint64_t order_ms; /* the smaller, the sooner */
	size_t place;	   /* from 1; 0: it does not wait */
};

struct queue {
	struct queue_call **list; /* a heap */
	size_t n, capacity;
};

void queue_done(struct queue *q);
/* 0 or -ENOMEM. */
int queue_reserve(struct queue *q, size_t n);
/* Of a call that does not wait, and there is room. */
void queue_add(struct queue *q, struct queue_call *call);
void queue_remove(struct queue *q, struct queue_call *call);
/* Stays; NULL: nobody waits. */
struct queue_call *queue_first(const struct queue *q);
