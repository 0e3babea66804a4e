/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service of the configuration: its parts, what is in force, and who uses it. The agent owns
 * its watches; a watch never writes to the kernel, it asks reconcile.c to.
 */
#pragma once

#include "agent/part.h"
#include "agent/prober.h"
#include "core/ejection.h"
#include "core/health.h"
#include "core/pace.h"

struct agent;

struct watch {
	struct agent *agent;
	const struct config_service *config; /* of agent->config */
	struct addr_port vip;
	bool has_vip;		 /* false: vips.cidr is used up */
	bool vip_moved;		 /* another name has the address that its hash asks for */
	struct parts parts;	 /* owned; at least one */
	struct parts next;	 /* while a reload is prepared: parts of above, and new ones */
	struct endpoints joined; /* what is in force in several parts; of one, its model has it */
	struct health health;	 /* of those in force, as of the last plan */
	struct prober *prober;	 /* NULL: its backends are not probed */
	struct ejections ejections; /* as of the last look */
	bool looking;		    /* the programs look at the health of its backends */
	uint64_t started_ms;
	enum pace_rank use;	     /* when a source of it last wanted to know */
	int refused;		     /* errno of the last plan that had no room for it, or 0 */
	bool is_due;		     /* on the agent's agenda */
	bool has_events, is_ramping; /* as of the last plan; counted by the agent */
};

/* What an earlier run left of all services; either may be NULL. */
struct seeds {
	const struct table *left; /* in the kernel */
	struct known *known;	  /* in state_dir; rows that are used are emptied */
};

/* 0 or -ENOMEM. */
int watch_new(struct agent *agent, const struct config_service *config, const struct seeds *seeds,
	      struct watch **ret);
void watch_free(struct watch *w);
/* Prepares for a new configuration, which changes nothing that others see. 0 or -ENOMEM. */
int watch_draft(struct watch *w, const struct config_service *config);
void watch_drop_draft(struct watch *w);
/* Goes over to it. Of a source that must ask another, what is in force stays until that answers. */
void watch_configure(struct watch *w, const struct config_service *config, bool same_servers);
/* Does it have a draft? */
bool watch_is_drafted(const struct watch *w);
void watch_start(struct watch *w);
/* Asks its sources now. */
void watch_refresh(struct watch *w);
/* Is something in force, or has each of its sources said anything, good or bad? */
bool watch_is_settled(const struct watch *w);
/* Has any of them answered? */
bool watch_is_answered(const struct watch *w);
/* When the one that answered longest ago did, since the epoch; 0: one never has. */
int64_t watch_answered_s(const struct watch *w);
/* Somebody uses it again. */
void watch_wake(struct watch *w);
/* Backends that had not all of their share in the last plan. */
size_t watch_ramping(const struct watch *w);
/* The backends of all its parts, brought up to date by watch_join. */
const struct endpoints *watch_in_force(const struct watch *w);
/* 0 or -ENOMEM. */
int watch_join(struct watch *w);
/* In a list that is sorted by name; NULL: not there. */
struct watch *watch_find(struct watch *const *list, size_t n, const char *name);
/* By its name or an alias. */
struct watch *agent_find_watch(const struct agent *agent, const char *name);
uint32_t watch_service_id(const struct watch *w);
