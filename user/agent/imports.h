/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces whose services are imported: a listing of each, and the services that come of it.
 * What changes becomes a draft first, which reload.c makes count together with what is written;
 * nothing else here touches a service in force.
 */
#pragma once

#include "base/log.h"
#include "core/listing.h"
#include "core/roster.h"
#include "core/table.h"
#include "sources/namespace.h"

struct agent;
struct seeds;

#define IMPORT_WHY_MAX 320
#define IMPORT_NAME_MAX 128

/* One namespace, the same over all configurations that want it. */
struct import {
	struct agent *agent;
	const struct config_namespace *config; /* of agent->config */
	struct listing listing;
	struct cloudmap_namespace of;	       /* as found last; all NULL: never */
	struct imported_list services;	       /* owned; sorted by their names in the namespace */
	struct namespace_source *source;       /* NULL: not started */
	size_t unwanted;		       /* services that the filters leave out */
	size_t unnamed;			       /* services whose names are no DNS names */
	char unnamed_why[IMPORT_WHY_MAX];      /* of the first */
	char unnamed_service[IMPORT_NAME_MAX]; /* which that is */
	struct log_repeat failures;
};

struct imports {
	struct import **list; /* owned, in the order of the configuration */
	size_t n;
	/*
	 * Services that an earlier run or configuration had in force and nobody claims now: they
	 * stay until every namespace that they may be of has been listed.
	 */
	struct imported_list left;
};

/* What one namespace will be. */
struct import_draft {
	struct import *import;
	bool is_new;
	const struct config_namespace *config;
	struct imported_list services; /* those that stay are import->services', too */
	size_t unnamed;
	char unnamed_why[IMPORT_WHY_MAX];
	char unnamed_service[IMPORT_NAME_MAX];
};

struct imports_draft {
	struct import_draft *list;
	size_t n;
	struct imported_list left;
	struct import **imports;     /* room for those of the list, for when it counts */
	struct imported_list *lists; /* for roster_make: n of the namespaces, and what is left */
};

/* imports_draft.c */

/*
 * Drafts what `config` and the listings make of the namespaces. The seeds are empty but at a start.
 * A service that stays as it is keeps its address. 0 or -ENOMEM.
 */
int imports_draft_make(struct agent *agent, const struct config *config, const struct seeds *seeds,
		       struct imports_draft *ret);
void imports_draft_drop(struct imports_draft *d);
/* Makes it count. Services that are gone are freed: nobody may point to them any more. */
void imports_draft_commit(struct agent *agent, struct imports_draft *d);

/* imports.c */

int import_new(struct agent *agent, const struct config_namespace *config, struct import **ret);
void import_free(struct import *i);
/* What follows the names of its services, or NULL: it is not known yet. */
const char *import_domain(const struct import *i, const struct config_namespace *config);

/* Starts the sources that are not running. `anew`: all of them, for the servers are others. */
void imports_start(struct agent *agent, bool anew);
void imports_refresh(struct agent *agent);
/* Keeps what is known of them in state_dir. */
void imports_store(const struct agent *agent);
/* Has each namespace been listed, or failed to be? */
bool imports_are_settled(const struct agent *agent);
void imports_close(struct agent *agent);

/* reload.c: a namespace has other services than before; makes that count. */
void agent_reimport(struct agent *agent);
