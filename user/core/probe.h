/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of active probes of one service: who is probed next and when, and what the outcomes say
 * of a backend. It owns its rows, one for each backend that has a port; it connects to nobody.
 * Pure: time and randomness are arguments.
 */
#pragma once

#include "core/endpoints.h"

/* Steps are not shorter than this: of many backends several are probed in one. */
#define PROBE_STEP_MIN_MS 20
#define PROBE_WHY_MAX 80

struct probe_rules {
	uint32_t interval_ms, timeout_ms;
	uint16_t failures, successes; /* in a row, to change the mind about a backend */
};

struct probe_row {
	struct addr_port at; /* first */
	bool running, unhealthy;
	uint32_t in_a_row; /* of the last kind of outcome */
	bool last_failed;
	int error;	   /* of the last failure, an errno; 0: none, or of an earlier run */
	uint32_t failures; /* in the last row of them */
	int64_t since_s;   /* unhealthy since */
};

enum probe_news {
	PROBE_NO_NEWS,
	PROBE_NEW_REASON, /* it is unhealthy as before, but for another reason */
	PROBE_NEW_STATE,
};

struct probe {
	struct probe_row *rows; /* owned; sorted by address and port */
	size_t n, unhealthy;
	size_t portless; /* backends without a port of their own, which cannot be probed */
	size_t next;	 /* in turn */
	uint64_t round_began_ms, round_ms; /* how long the last round over all rows took */
	int blocked; /* errno of our own that kept the last probe from saying anything; or 0 */
};

void probe_done(struct probe *p);

/*
 * These are the backends now (normalised); of those that left nothing is remembered. *as_left: the
 * unhealthy among the new ones are so for an earlier run's probes. 0 or -ENOMEM, and nothing has
 * changed.
 */
int probe_follow(struct probe *p, const struct endpoints *e, bool as_left, int64_t now_s);

/*
 * The wait before the next step, with jitter, so that steps over all rows take the interval;
 * *ret_batch is how many to probe in one. 0: there is nobody to probe. `random` is any number.
 */
uint32_t probe_pace(const struct probe *p, const struct probe_rules *rules, uint32_t random,
		    size_t *ret_batch);
/* Who is to be probed now, marked as running; NULL: the next in turn still is. */
struct probe_row *probe_next(struct probe *p, uint64_t now_ms);

/*
 * An outcome: 0, or the errno of connect(). An error of our own, such as no port left, says nothing
 * of the backend, and one that left is none.
 */
enum probe_news probe_take(struct probe *p, const struct probe_rules *rules,
			   const struct addr_port *at, int error, int64_t now_s);

/* More than half of the backends fail: then the probes are ignored. */
bool probe_panics(const struct probe *p);
/* NULL: there is none. */
const struct probe_row *probe_find(const struct probe *p, const struct addr_port *at);
/* "probe: connection refused, 3 in a row". Returns `text`. */
const char *probe_describe(const struct probe_row *row, char text[static PROBE_WHY_MAX]);
