/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services there are: those written out and those imported, each name once. A name that
 * several want goes to the service that is written out, else to that of the first namespace; names
 * go before short names. Pure. It borrows the services, whose addresses stay.
 */
#pragma once

#include "core/config.h"

/* A service of a namespace: like its defaults, but for what is its own. */
struct imported {
	struct config_service config; /* name, cloudmap and aliases are its own */
	enum imported_fate {
		IMPORTED_IN_FORCE,
		IMPORTED_TAKEN, /* another has its name */
		IMPORTED_FULL,	/* there are CONFIG_SERVICES_MAX before it */
	} fate;
	bool short_taken; /* another has its short name */
	bool drafted;	  /* for whoever owns it: it is in the list that is being made, too */
	char *short_name; /* or NULL */
};

/*
 * One that is named `name` (as config_name_make gives it) and perhaps `short_name`, too, and is
 * that service of Cloud Map, if that is known. What the defaults point to is borrowed. 0 or
 * -ENOMEM.
 */
int imported_new(const struct config_service *defaults, const struct config_cloudmap *cloudmap,
		 const char *name, const char *short_name, struct imported **ret);
void imported_free(struct imported *i);

struct imported_list {
	struct imported **list;
	size_t n;
};

struct roster_name {
	const char *name;
	const struct config_service *service;
};

struct roster {
	const struct config_service **services; /* sorted by name */
	size_t n;
	struct roster_name *names; /* aliases, too; sorted */
	size_t n_names;
};

/* In the order of precedence. Says in each imported service what has become of it. 0 or -ENOMEM. */
int roster_make(const struct config *written, const struct imported_list *lists, size_t n_lists,
		struct roster *ret);
void roster_done(struct roster *r);

/* By a name or alias, a final dot or not; NULL: there is none. */
const struct config_service *roster_find(const struct roster *r, const char *name);
