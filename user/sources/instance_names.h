/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances of Cloud Map that have a name in the place of an address: it is looked up by a DNS
 * source of its own, as long as an answer has it, and the snapshot that the sink gets has what it
 * leads to. It owns those sources and a copy of the last answer, and tells it again when a name
 * leads elsewhere. A name that cannot be looked up keeps the addresses it had (I3).
 */
#pragma once

#include "core/cloudmap_wire.h"
#include "sources/source.h"

/* Different names of one service; instances with others are left out. */
#define INSTANCE_NAMES_MAX 256

struct instance_names;

/* Whose they are; all of it outlives them. */
struct instance_names_owner {
	const struct source_env *env;
	const struct source_sink *sink;
	struct config_dns_ttl ttl;
	bool ipv6_first;
};

/*
 * Tells the sink of an answer: at once, or of the first with names when those have been looked up;
 * what is not known yet stays as it was. *at is NULL until an answer has a name.
 */
void instance_names_tell(struct instance_names **at, const struct instance_names_owner *owner,
			 const struct cloudmap_wire_answer *answer);
/* source_wake or source_refresh, to the source of each name. Takes NULL. */
void instance_names_each(struct instance_names *n, void (*what)(struct source *));
/* No more calls of the sink. Takes NULL. */
void instance_names_free(struct instance_names *n);
