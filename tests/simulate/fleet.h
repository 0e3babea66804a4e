/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that watch the services of an account, in virtual time: each source of each is what
 * sources/cloudmap.c is, by the agent's own core/pace, core/budget (with quota and queue) and,
 * on some hosts, core/model. What happens is counted in phases.
 */
#pragma once

#include "cloud.h"
#include "core/model.h"
#include "core/queue.h"

struct fleet_options {
	uint32_t hosts, services, used, instances;
	uint32_t period_ms, calls_per_second;
	uint32_t changes_per_minute; /* of the account */
	uint32_t wakes_per_minute;   /* first connects to idle services, of all hosts */
	uint32_t models;	     /* hosts that keep what they are told, so that losses show */
	uint64_t seed;
};

/* Delays of news, in milliseconds. */
struct fleet_delays {
	uint32_t *list; /* owned */
	size_t n, capacity;
};

struct fleet_phase {
	const char *name;
	uint64_t from_ms, to_ms;
	uint64_t calls[BUDGET_KINDS], refused[BUDGET_KINDS];
	uint64_t most_of_account; /* calls in a second */
	uint32_t most_of_host;
	/* Of news to services in use: of the phase itself, and of before it, from its beginning;
	 * and of a full answer after the first connect to an idle one. */
	struct fleet_delays used, older, woken;
};

struct fleet_source {
	struct queue_call event; /* its timer, or its answer; neither while it waits */
	struct budget_call call;
	struct pace pace;
	struct cloud_answer answer;
	struct model *model; /* owned, or NULL */
	uint64_t seen;	     /* revision */
	uint64_t used_since_ms, used_until_ms, woken_ms;
	uint32_t host, service;
	bool asks;
};

struct fleet_host {
	struct queue_call event; /* the next turn */
	struct budget budget;
	uint64_t *began_ms; /* of the last calls, to check the budget: a ring; owned */
	uint64_t begun;
	uint32_t in_second;
};

struct fleet {
	struct fleet_options options;
	struct cloud cloud;
	struct fleet_host *hosts;
	struct fleet_source *sources; /* host by host */
	struct queue events;
	struct queue_call second, change;
	uint64_t now_ms, in_second;
	uint64_t exceeded; /* calls beyond the budget of a host */
	uint64_t lost;	   /* backends that were taken away though they are registered */
	struct fleet_phase *phase;
	/* A model has changed. */
	void (*changed)(struct fleet *f, struct fleet_source *s);
	void *user;
};

/* 0 or -ENOMEM. */
int fleet_init(struct fleet *f, const struct fleet_options *options);
void fleet_done(struct fleet *f);
/* Runs until then; what happens is counted in *phase. 0 or -ENOMEM. */
int fleet_run(struct fleet *f, struct fleet_phase *phase, uint64_t until_ms);
void fleet_phase_done(struct fleet_phase *p);
/* Kept backends that are not registered, or registered ones that are not kept, in used services. */
uint64_t fleet_differences(const struct fleet *f);
/* The delay that this share of 1000 is within; 0: there is none. */
uint32_t fleet_delay_at(struct fleet_delays *d, unsigned int permille);
