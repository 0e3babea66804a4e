/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where backends of a service come from: its one source, or one part of its split. A part owns its
 * source and what that says is in force; how much of the service it gets, want.c decides.
 */
#pragma once

#include "base/log.h"
#include "core/config.h"
#include "core/known.h"
#include "core/model.h"
#include "core/ramp.h"
#include "core/table.h"
#include "sources/source.h"

struct watch;

struct part {
	struct watch *watch;
	size_t index;		      /* in its service's split */
	struct config_service config; /* the service with this part alone; of agent->config */
	uint16_t weight;
	struct model model;
	struct source *source; /* NULL: not started */
	struct log_repeat failures;
	struct ramp ramp;  /* for slow_start */
	size_t ramping;	   /* backends that had not all of their share in the last plan */
	bool zone_has_all; /* as of the last plan: the preferred zone gets all connections */
};

/* Parts in the order of the configuration. */
struct parts {
	struct part *list[CONFIG_PARTS_MAX];
	size_t n;
};

/* 0 or -ENOMEM. */
int part_new(struct watch *w, const struct config_service *service, size_t index,
	     struct part **ret);
void part_free(struct part *p);
/*
 * Takes as in force what an earlier run left of this part in the kernel (NULL: nothing) or, of a
 * service that is not there, in a file; whose row is emptied. 0 or -ENOMEM.
 */
int part_seed(struct part *p, const struct table_service *left, struct known *known);
/* It becomes part `index` of that service: keeps its backends, and its source if that is the same.
 */
void part_configure(struct part *p, const struct config_service *service, size_t index,
		    bool same_servers);
/* Starts its source, unless it has one. */
void part_start(struct part *p);
/* Has its source said anything yet, good or bad? */
bool part_is_settled(const struct part *p);

/* parts.c: makes the parts of a service; of a watch that has some it takes over what it can. */
int parts_build(struct watch *w, const struct config_service *service, struct parts *ret);
/* Frees those of the list that are not in `kept`. */
void parts_done(struct parts *parts, const struct parts *kept);
