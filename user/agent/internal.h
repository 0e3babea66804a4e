/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own structures. agent.c opens and runs it; watch.c is one service; reconcile.c brings
 * what is wanted into the kernel; addresses.c keeps the book of VIPs; reload.c changes the
 * configuration under way; status.c and serve.c show. All of it runs on one loop, on one thread.
 */
#pragma once

#include <uv.h>

#include "agent/agent.h"
#include "base/log.h"
#include "core/config.h"
#include "core/model.h"
#include "core/plan.h"
#include "core/ramp.h"
#include "core/requests.h"
#include "io/credentials.h"
#include "io/http.h"
#include "io/resolver.h"
#include "io/server.h"
#include "kernel/dataplane.h"
#include "sources/source.h"

struct control;

/* One service of the configuration: its source, what is in force, and who uses it. */
struct watch {
	struct agent *agent;
	const struct config_service *config; /* of agent->config */
	struct addr_port vip;
	bool has_vip;	/* false: vips.cidr is used up */
	bool vip_moved; /* another name has the address that its hash asks for */
	struct model model;
	struct source *source; /* NULL: could not be started */
	struct log_repeat failures;
	uint64_t connects; /* as last counted, to see whether it is used */
	uint64_t used_ms;
	struct ramp ramp;  /* for slow_start */
	size_t ramping;	   /* backends that had not all of their share in the last plan */
	bool zone_has_all; /* as of the last plan: the preferred zone gets all connections */
	int refused;	   /* errno of the last plan that had no room for it, or 0 */
};

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

	struct requests requests;
	struct source_env env; /* owns http, credentials and resolver */
	struct server *server;
	struct control *control;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t check_timer;

	uv_idle_t reconcile_idle; /* runs once, in the turn after something changed */
	uv_timer_t retry_timer;
	uv_timer_t ramp_timer; /* runs while some backend ramps */
	uv_work_t grace;
	int grace_result;
	bool grace_running;
	bool grace_recovers; /* it began after the write that failed */
	bool deferred;	     /* the last plan left something for after the grace period */
	bool broken;	     /* a write failed: the planner no longer knows what the maps hold */
	struct log_repeat write_failures;

	struct diag detached; /* why the programs are not attached, if so */
	bool announced;	      /* READY=1 has been sent */
	bool stopping;
};

/* watch.c: *left is what the kernel held of that name, or NULL. 0 or -ENOMEM. */
int watch_new(struct agent *agent, const struct config_service *config,
	      const struct table_service *left, struct watch **ret);
void watch_free(struct watch *w);
void watch_start(struct watch *w);
/* Has its source said anything yet, good or bad? */
bool watch_is_settled(const struct watch *w);
struct watch *agent_find_watch(const struct agent *agent, const char *name);
uint32_t watch_service_id(const struct watch *w);

/* reconcile.c */
void reconcile_open(struct agent *agent);
/* Makes the planner anew from what the maps hold; a grace period has passed since the last write.
 */
int reconcile_recover(struct agent *agent);
bool reconcile_is_pending(const struct agent *agent);
void reconcile_schedule(struct agent *agent);
void reconcile_close(struct agent *agent);

/* addresses.c: gives every watch its VIP and keeps the book in state_dir. 0 or -ENOMEM. */
int addresses_assign(struct agent *agent);

/* agent.c */
int agent_open_env(struct agent *agent);
void agent_close_env(struct agent *agent);
void agent_announce(struct agent *agent);

/* reload.c: makes agent->watches from agent->config,
 * taking over what can be of `old`. 0 or -ENOMEM. */
int watches_build(struct agent *agent, const struct table *left);
/* 0, or -EINVAL and the running configuration stays (agent->config_error says why). */
int agent_reload(struct agent *agent);

/* serve.c: /metrics and the probes, the control socket. */
int serve_open(struct agent *agent, struct diag *problems);
void serve_close(struct agent *agent);
bool agent_is_ready(const struct agent *agent);

/* status.c: the caller's; NULL: out of memory. */
struct cJSON *status_build(struct agent *agent);
