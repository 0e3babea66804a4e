/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own structures. agent.c opens and runs it; watch.h is one service; reconcile.c brings
 * what is wanted into the kernel; addresses.c keeps the book of VIPs, drain_book.c that of drained
 * backends; reload.c changes the configuration under way; status.c and serve.c show. All of it runs
 * on one loop, on one thread.
 */
#pragma once

#include <uv.h>

#include "agent/agenda.h"
#include "agent/agent.h"
#include "agent/drain_book.h"
#include "agent/ejections.h"
#include "agent/imports.h"
#include "agent/reconcile.h"
#include "agent/state_file.h"
#include "agent/usage.h"
#include "agent/region.h"
#include "agent/watch.h"
#include "core/plan_look.h"
#include "core/requests.h"
#include "io/credentials.h"
#include "io/http.h"
#include "io/resolver.h"
#include "io/server.h"
#include "kernel/dataplane.h"
#include "kernel/foreign.h"
#include "sources/source.h"

struct control;
struct exclude;
struct keeper;
struct resets;

struct agent {
	uv_loop_t loop;
	const struct agent_options *options;
	struct config *config;
	char *origin;	    /* where the configuration came from */
	char *config_error; /* of a reload that was refused, or NULL */
	uint64_t started_ms;

	struct dataplane *dataplane;
	struct planner *planner;
	struct watch **watches; /* sorted by name; each owned */
	size_t n_watches;
	struct imports imports;
	struct roster roster; /* of the services of the watches */
	struct usage usage;
	struct agenda agenda;		 /* of the next plan */
	size_t with_events, ramping;	 /* watches, as of the last plans */
	struct keeper *keeper;		 /* owned */
	struct drains drains;		 /* drain_book.h */
	char *state_faults[STATE_FILES]; /* of files that were set aside; or NULL */
	size_t probes_running;		 /* of all services */
	struct resets *resets;

	struct requests requests;
	struct source_env env;	   /* owns http, credentials and resolver */
	struct region region;	   /* found, not configured */
	struct exclude *exclude;   /* owned */
	struct foreigners foreign; /* as of the start, when their names could be told */
	struct server *server;
	struct control *control;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t check_timer, look_timer, retry_timer;

	uv_idle_t reconcile_idle; /* runs once, in the turn after something changed */
	uv_timer_t ramp_timer;	  /* runs while some backend ramps */
	uint64_t news;		  /* of the programs, as of the last look */
	uv_work_t grace;
	int grace_result;
	bool grace_running;
	bool grace_recovers; /* it began after the write that failed */
	bool deferred;	     /* the last plan left something for after the grace period */
	bool broken;	     /* a write failed: the planner no longer knows what the maps hold */
	struct log_repeat write_failures;

	bool events_wanted;	  /* some service in force asks for them */
	uint64_t events_since_ms; /* that it is so; 0: there was no plan yet */
	uint64_t events_retry_ms;
	struct log_repeat events_failures;
	struct diag unwatched; /* why what needs these events is not in force, if so */
	struct diag detached;  /* why the programs are not attached, if so */
	bool announced;	       /* READY=1 has been sent */
	bool stopping;
};

/* voices.c: brings what is in force, and w->health, up to date. 0 or -ENOMEM. */
int voices_hear(struct watch *w);

/* want.c: its backends, each with its share, by what voices_hear has heard. 0 or -ENOMEM. */
int want_backends(struct watch *w, struct table_service *s);

/* events.c: has the program for events of connections attached before the plan for `want`. */
void events_want(struct agent *agent, struct table *want);
/* Now and then: tries again, and takes it off when it is not wanted any more. */
void events_check(struct agent *agent);

/* addresses.c: gives every watch its VIP and keeps the book in state_dir. 0 or -ENOMEM. */
int addresses_assign(struct agent *agent);

int agent_open_env(struct agent *agent);
void agent_close_env(struct agent *agent);
void agent_announce(struct agent *agent);

/* reload.c: makes agent->watches, which go on with what an earlier run left. 0 or -ENOMEM. */
int watches_build(struct agent *agent, const struct seeds *seeds);
/* 0, or -EINVAL and the running configuration stays (agent->config_error says why). */
int agent_reload(struct agent *agent);

/* serve.c: /metrics, /healthz and /readyz, the control socket. */
int serve_open(struct agent *agent, struct diag *problems);
void serve_close(struct agent *agent);
bool agent_is_ready(const struct agent *agent);
