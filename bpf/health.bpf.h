/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which backends are avoided, by the maps alone, so that it goes on when the agent is dead.
 * Failures of connections count against successes within a window: those of one task make it avoid
 * a backend, those of several eject it for all, for a time that doubles. After that one connection
 * tries it.
 *
 * It costs nothing while nothing fails: counters.look says so in a cache line that is read anyway.
 */
#pragma once

#include "socket.bpf.h"
#include "tables.bpf.h"

#define NS_PER_MS 1000000ULL
#define EVIDENCE_FULL 4	      /* refused, timed out: in quarters of a failure */
#define EVIDENCE_HALF 2	      /* given up while the SYN was being repeated, or called unreachable */
#define EVIDENCE_WEAK 1	      /* given up, or reset later on */
#define SEVERAL_TASKS (~0ULL) /* as an accuser */
#define TRIAL_TO_COME (1ULL << 63) /* as a cookie: the track is being made */
#define BACKOFF_DOUBLINGS_MAX 16

static __always_inline __u32 ms_of(__u64 ns)
{
	return (__u32)(ns / NS_PER_MS);
}

/* The health of a backend, or NULL when another has its id. */
static __always_inline struct shunt_health *health_find(__u32 backend_id, __u32 born)
{
	struct shunt_health *health = bpf_map_lookup_elem(&shunt_health, &backend_id);

	return health && health->born == born ? health : NULL;
}

/* The same; a row that is of an earlier backend is made this one's. */
static __always_inline struct shunt_health *health_claim(__u32 backend_id, __u32 born)
{
	struct shunt_health *health = bpf_map_lookup_elem(&shunt_health, &backend_id);

	if (!health || (health->born && (__s32)(born - health->born) < 0))
		return NULL;
	if (health->born != born) {
		__builtin_memset((void *)health + sizeof(health->born), 0,
				 sizeof(*health) - sizeof(health->born));
		*(volatile __u32 *)&health->born = born;
	}
	return health;
}

/* --- windows ---------------------------------------------------------------------------------- */

static __always_inline void window_roll(struct shunt_window *window, __u32 within_ms, __u32 now_ms)
{
	if (window->failures && now_ms - window->since_ms <= within_ms)
		return;
	window->since_ms = now_ms;
	window->since_jiffies = (__u32)bpf_jiffies64();
	window->failures = 0;
	window->successes = 0;
}

/* True when there are enough, and successes do not outweigh them. */
static __always_inline bool window_fail(struct shunt_window *window,
					const struct shunt_rules *rules, __u32 evidence)
{
	__u32 failures = __sync_fetch_and_add(&window->failures, evidence) + evidence;

	return failures >= rules->ejection_failures * EVIDENCE_FULL &&
	       failures > window->successes * EVIDENCE_FULL;
}

/*
 * Only what began after the first failure speaks for the backend as it is now. Ages are compared: a
 * connection may be older than the window's 32 bits tell.
 */
static __always_inline void window_succeed(struct shunt_window *window,
					   const struct shunt_track *track)
{
	__u64 now = bpf_jiffies64();
	__u64 age = (now - track->since) & ((1ULL << SHUNT_TRACK_SINCE_BITS) - 1);
	__s32 span = (__s32)((__u32)now - window->since_jiffies);

	if (!window->failures || span < 0 || age > (__u64)span)
		return;
	if ((__sync_fetch_and_add(&window->successes, 1) + 1) * EVIDENCE_FULL < window->failures)
		return;
	window->failures = 0;
	window->successes = 0;
}

/* --- ejection --------------------------------------------------------------------------------- */

static __always_inline void look_set(__u32 service_id, __u64 look)
{
	for (__u32 cpu = 0; cpu < settings.cpus; cpu++) {
		struct shunt_counters *counters = counters_at(cpu, service_id);

		if (counters && (counters->look & look) != look)
			__sync_fetch_and_or(&counters->look, look);
	}
	news_add();
}

/* How long the next ejection lasts, in nanoseconds, when there have been so many in a row. */
static __always_inline __u64 backoff(const struct shunt_rules *rules, __u32 ejections)
{
	__u64 ms = (__u64)rules->ejection_base_ms
		   << (ejections < BACKOFF_DOUBLINGS_MAX ? ejections : BACKOFF_DOUBLINGS_MAX);

	if (ms > rules->ejection_max_ms)
		ms = rules->ejection_max_ms;
	ms += (__u32)(((__u64)bpf_get_prandom_u32() * (ms / 8 + 1)) >> 32); /* jitter */
	return ms * NS_PER_MS;
}

/* One that has lost its share meanwhile is not counted any more: the agent has seen to that. */
static __always_inline void ejected_less(struct shunt_policy *policy)
{
	if (policy->ejected)
		__sync_fetch_and_add(&policy->ejected, -1);
}

/* At most so many percent of the service's backends, but always one. */
static __always_inline bool ejection_is_allowed(struct shunt_policy *policy)
{
	__u32 before = __sync_fetch_and_add(&policy->ejected, 1);

	if (before == 0 ||
	    (before + 1) * 100 <= policy->rules.backends * policy->rules.ejection_max_percent)
		return true;
	ejected_less(policy);
	return false;
}

static __always_inline void eject(struct shunt_policy *policy, struct shunt_health *health,
				  __u32 service_id, __u64 now)
{
	const struct shunt_rules *rules = &policy->rules;
	__u32 now_ms = ms_of(now);
	__u64 until = health->eject_until;

	if (!until && !ejection_is_allowed(policy))
		return;
	if (!until && now_ms - health->returned_ms > rules->ejection_max_ms)
		health->ejections = 0;
	if (__sync_val_compare_and_swap(&health->eject_until, until,
					now + backoff(rules, health->ejections)) != until) {
		if (!until)
			ejected_less(policy);
		return;
	}
	health->ejections++;
	health->trial = 0;
	health->window.failures = 0;
	__sync_fetch_and_add(&policy->ejections, 1);
	look_set(service_id, SHUNT_LOOK_AVOID);
}

/* The trial has come through. The order matters: who is ejected without a trial is tried. */
static __always_inline void readmit(struct shunt_policy *policy, struct shunt_health *health)
{
	__u64 until = health->eject_until;

	health->returned_ms = ms_of(bpf_ktime_get_ns());
	health->window.failures = 0;
	if (until && __sync_val_compare_and_swap(&health->eject_until, until, 0) == until)
		ejected_less(policy);
	health->trial = 0;
	news_add();
}

/* A trial that said nothing, if it is the one that goes on: the next connection tries. */
static __always_inline void trial_drop(struct shunt_health *health, __u64 cookie)
{
	(void)__sync_val_compare_and_swap(&health->trial, cookie, 0);
}

/* --- what a connection has to say at its end -------------------------------------------------- */

static __always_inline void accuse(const struct shunt_rules *rules, struct shunt_health *health,
				   const struct shunt_track *track, __u64 task, __u32 evidence,
				   __u64 now)
{
	struct shunt_accusation_key key = { task, track->backend_id, track->born };
	struct shunt_accusation *accusation = bpf_map_lookup_elem(&shunt_accusations, &key);
	struct shunt_accusation none = { 0 };

	if (!accusation) {
		(void)bpf_map_update_elem(&shunt_accusations, &key, &none, BPF_NOEXIST);
		accusation = bpf_map_lookup_elem(&shunt_accusations, &key);
	}
	if (!accusation || accusation->eject_until > now)
		return;
	window_roll(&accusation->window, rules->ejection_within_ms, ms_of(now));
	if (!window_fail(&accusation->window, rules, evidence))
		return;
	accusation->eject_until = now + backoff(rules, accusation->ejections++);
	/* when that is over one more failure is enough */
	accusation->window.since_ms = ms_of(accusation->eject_until);
	accusation->window.failures = rules->ejection_failures * EVIDENCE_FULL - EVIDENCE_FULL;
	health->accused_ms = ms_of(now) | 1;
	look_set(track->service_id, SHUNT_LOOK_AVOID);
}

/* The task has seen for itself, or is about to. */
static __always_inline void accusation_drop(__u64 task, __u32 backend_id, __u32 born)
{
	struct shunt_accusation_key key = { task, backend_id, born };

	(void)bpf_map_delete_elem(&shunt_accusations, &key);
}

/* One task may lack the way to a backend that others have: until several agree it is its own. */
static __always_inline bool is_found_by_several(struct shunt_health *health, __u64 task,
						__u32 evidence, bool is_first)
{
	if (is_first)
		health->accuser = task;
	else if (health->accuser != task && evidence >= EVIDENCE_HALF)
		health->accuser = SEVERAL_TASKS;
	return health->accuser == SEVERAL_TASKS;
}

static __always_inline void health_failed(const struct shunt_track *track, __u64 task,
					  __u32 evidence)
{
	struct shunt_policy *policy = policy_of(track->service_id);
	struct shunt_health *health = health_claim(track->backend_id, track->born);
	__u64 now = bpf_ktime_get_ns();
	bool several;

	if (!policy || !health || !policy->rules.ejection_failures)
		return;
	if (health->trial == track->cookie) {
		if (evidence >= EVIDENCE_HALF)
			eject(policy, health, track->service_id, now);
		else
			trial_drop(health, track->cookie);
		return;
	}
	if (health->eject_until) /* it began before that */
		return;
	look_set(track->service_id, SHUNT_LOOK_SUSPECT);
	accuse(&policy->rules, health, track, task, evidence, now);
	window_roll(&health->window, policy->rules.ejection_within_ms, ms_of(now));
	several = is_found_by_several(health, task, evidence, health->window.failures == 0);
	if (window_fail(&health->window, &policy->rules, evidence) && several)
		eject(policy, health, track->service_id, now);
}

/* A trial came through that was reset later on, as many a server ends each connection. */
static __always_inline void health_came_through(const struct shunt_track *track)
{
	struct shunt_policy *policy = policy_of(track->service_id);
	struct shunt_health *health = health_find(track->backend_id, track->born);

	if (policy && health && health->trial == track->cookie)
		readmit(policy, health);
}

static __always_inline void health_succeeded(const struct shunt_track *track, __u64 task)
{
	struct shunt_accusation_key key = { task, track->backend_id, track->born };
	struct shunt_policy *policy = policy_of(track->service_id);
	struct shunt_health *health = health_find(track->backend_id, track->born);
	struct shunt_accusation *accusation;

	if (!policy || !health)
		return;
	if (health->trial == track->cookie) {
		readmit(policy, health);
		return;
	}
	window_succeed(&health->window, track);
	accusation = bpf_map_lookup_elem(&shunt_accusations, &key);
	if (!accusation)
		return;
	window_succeed(&accusation->window, track);
	if (!accusation->window.failures)
		accusation->ejections = 0;
}

/* --- what a pick asks ------------------------------------------------------------------------- */

enum fitness {
	FITNESS_GOOD,
	FITNESS_AVOID,
	FITNESS_TRIAL, /* this connection is to try it */
};

/* Who is to try it again: one connection at a time. `tracked`: its end will be seen. */
static __always_inline enum fitness trial(struct shunt_policy *policy, struct shunt_health *health,
					  bool tracked)
{
	__u64 old = health->trial;
	enum socket_stage stage = SOCKET_GONE;

	if (old == TRIAL_TO_COME)
		return FITNESS_AVOID;
	if (old)
		stage = socket_stage(health->trial_socket, old);
	if (stage == SOCKET_ESTABLISHED) {
		readmit(policy, health);
		return FITNESS_GOOD;
	}
	if (stage == SOCKET_CONNECTING)
		return FITNESS_AVOID;
	if (!tracked || __sync_val_compare_and_swap(&health->trial, old, TRIAL_TO_COME) != old)
		return FITNESS_AVOID;
	return FITNESS_TRIAL;
}

/* With too few left, those that are ejected are used like the rest. */
static __always_inline bool is_panic(const struct shunt_policy *policy)
{
	__u32 backends = policy->rules.backends, ejected = policy->ejected;

	return ejected >= backends ||
	       (backends - ejected) * 100 < backends * policy->rules.panic_percent;
}

static __always_inline enum fitness health_of(struct shunt_policy *policy, __u32 backend_id,
					      __u32 born, __u64 task, bool tracked)
{
	struct shunt_accusation_key key = { task, backend_id, born };
	struct shunt_health *health = health_find(backend_id, born);
	const struct shunt_accusation *accusation;
	enum fitness fitness;

	if (!health || !policy->rules.ejection_failures)
		return FITNESS_GOOD;
	if (health->eject_until) {
		if (bpf_ktime_get_ns() >= health->eject_until) {
			fitness = trial(policy, health, tracked);
			if (fitness == FITNESS_TRIAL)
				accusation_drop(task, backend_id, born);
			return fitness;
		}
		return is_panic(policy) ? FITNESS_GOOD : FITNESS_AVOID;
	}
	if (!health->accused_ms)
		return FITNESS_GOOD;
	accusation = bpf_map_lookup_elem(&shunt_accusations, &key);
	return accusation && accusation->eject_until > bpf_ktime_get_ns() ? FITNESS_AVOID
									  : FITNESS_GOOD;
}

/* The connection that a pick has named FITNESS_TRIAL. */
static __always_inline void health_tried_by(__u32 backend_id, __u32 born, __u64 cookie,
					    __u64 socket)
{
	struct shunt_health *health = health_find(backend_id, born);

	if (!health)
		return;
	health->trial_socket = socket;
	health->trial = cookie;
}

/* A trial that will say nothing, if it is the one that goes on. */
static __always_inline void health_untried(__u32 backend_id, __u32 born, __u64 cookie)
{
	struct shunt_health *health = health_find(backend_id, born);

	if (health)
		trial_drop(health, cookie);
}
