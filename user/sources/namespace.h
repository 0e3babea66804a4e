/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches which services a namespace of Cloud Map has: finds the namespace, lists its services page
 * by page, and tells its sink whole lists or a failure, never a part. It decides when to ask again;
 * it never decides which services are in force (core/listing). Owned by whoever started it; the
 * sink is called from the loop, never from namespace_start.
 */
#pragma once

#include "core/cloudmap_lists.h"
#include "sources/source.h"

struct namespace_source;

struct namespace_list {
	const struct cloudmap_namespace *of;
	struct cloudmap_names *names; /* those that are wanted; the sink may take the texts over */
	size_t unwanted;	      /* services that the filters leave out */
	size_t pages;
};

struct namespace_sink {
	void (*listed)(void *user, const struct namespace_list *list);
	void (*failure)(void *user, const struct source_failure *failure);
	void *user;
};

/* What it needs of config is copied, but `wanted` is borrowed. 0 or a negative errno. */
int namespace_start(const struct source_env *env, const struct config *config,
		    const struct config_namespace *wanted, const struct namespace_sink *sink,
		    struct namespace_source **ret);
/* It is another struct now that wants the same: only filters and poll may differ. */
void namespace_configure(struct namespace_source *s, const struct config_namespace *wanted);
/* Ask now, out of turn; after the list that is under way, if there is one. */
void namespace_refresh(struct namespace_source *s);
/* When it asks next, in uv_now's milliseconds; 0: a question is under way. */
uint64_t namespace_next_ms(const struct namespace_source *s);
/* Ends it and frees it: no more calls of the sink. Takes NULL. */
void namespace_stop(struct namespace_source *s);
