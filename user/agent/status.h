/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply to `status`, built from what the agent and its watches hold; it changes nothing. Out of
 * memory a member is missing.
 */
#pragma once

#include <cjson/cJSON.h>

#include "agent/internal.h"

/* The caller's; NULL: out of memory. */
cJSON *status_build(struct agent *agent);

/* A text that may be any octets, cut anywhere, as UTF-8; NULL becomes null. */
void status_add_text(cJSON *to, const char *key, const char *text);
static inline double status_seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

/* null when it is not known. */
void status_add_age(cJSON *to, int64_t since_s);

/* status_exclude.c: "exclude_cgroups", each path with how many cgroups it names now. */
void status_add_excluded(const struct agent *agent, const struct config_cgroups *cgroups,
			 cJSON *to);

/* status_health.c: the backends of a service that are not healthy, each with its state and why; */
void status_add_states(const struct watch *w, cJSON *to);
/* what its probes say, null without any; */
void status_add_probe(const struct watch *w, cJSON *to);
/* and all that is drained, with how many services have it now. */
void status_add_drained(const struct agent *agent, cJSON *to);
/* status_namespaces.c: "namespaces", each with its age, what is skipped, and what is wrong. */
void status_add_namespaces(const struct agent *agent, uint64_t now_ms, cJSON *status);
/* status_source.c: where they come from, how old that is, and what is wrong with it. */
void status_add_sources(const struct watch *w, uint64_t now_ms, cJSON *to);
/* status_budget.c: the calls to Cloud Map. */
void status_add_budget(const struct agent *agent, cJSON *status);
/* status_credentials.c: those for AWS, and by what clock they sign. */
void status_add_credentials(const struct agent *agent, cJSON *status);
