/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service of the configuration: its source, what is in force, and who uses it. The agent owns
 * its watches; a watch never writes to the kernel, it asks reconcile.c to.
 */
#pragma once

#include "agent/prober.h"
#include "base/log.h"
#include "core/config.h"
#include "core/ejection.h"
#include "core/health.h"
#include "core/model.h"
#include "core/ramp.h"
#include "core/table.h"
#include "sources/source.h"

struct agent;

struct watch {
	struct agent *agent;
	const struct config_service *config; /* of agent->config */
	struct addr_port vip;
	bool has_vip;	/* false: vips.cidr is used up */
	bool vip_moved; /* another name has the address that its hash asks for */
	struct model model;
	struct health health;	    /* of those in force, as of the last plan */
	struct prober *prober;	    /* NULL: its backends are not probed */
	struct source *source;	    /* NULL: could not be started */
	struct ejections ejections; /* as of the last look */
	bool looking;		    /* the programs look at the health of its backends */
	struct log_repeat failures;
	uint64_t connects; /* as last counted, to see whether it is used */
	uint64_t used_ms;
	struct ramp ramp;  /* for slow_start */
	size_t ramping;	   /* backends that had not all of their share in the last plan */
	bool zone_has_all; /* as of the last plan: the preferred zone gets all connections */
	int refused;	   /* errno of the last plan that had no room for it, or 0 */
};

/* *left is what the kernel held of that name, or NULL. 0 or -ENOMEM. */
int watch_new(struct agent *agent, const struct config_service *config,
	      const struct table_service *left, struct watch **ret);
void watch_free(struct watch *w);
void watch_start(struct watch *w);
/* Has its source said anything yet, good or bad? */
bool watch_is_settled(const struct watch *w);
struct watch *agent_find_watch(const struct agent *agent, const char *name);
uint32_t watch_service_id(const struct watch *w);
