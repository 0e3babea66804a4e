/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region, where the configuration is silent: it is looked for in the background, and what needs
 * it starts when it is there. Until then what is in force stays.
 */
#pragma once

#include "core/config.h"
#include "io/region_search.h"

#define REGION_CODE "no_region" /* of a failure: it is not known yet */
#define REGION_MESSAGE "the region is being looked for: see status"

struct agent;

struct region {
	struct region_search *search; /* owned; NULL: there was no need */
	char *name;		      /* what it has found, owned, or NULL */
	const char *from;
};

/* Looks for it if it is needed and nothing tells it. 0 or -ENOMEM. */
int region_look(struct agent *agent);
/* Puts what was found into a configuration that lacks it. As config_set_region. */
int region_complete(struct agent *agent, struct config *config);
/* Tells credentials what the configuration says of it. 0 or -ENOMEM. */
int region_tell(struct agent *agent);
void region_close(struct agent *agent);
