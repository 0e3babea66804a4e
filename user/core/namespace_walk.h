/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a whole list of a namespace's services: finding the namespace, then page after page. A
 * question at a time; an answer leads on, or leaves everything as it was, so that it can be asked
 * again. Pure. It owns what it has gathered.
 */
#pragma once

#include "core/cloudmap_lists.h"

#define NAMESPACE_WALK_PAGES_MAX 1000 /* of one list: one that has no end has one here */

struct namespace_step;

struct namespace_walk {
	const struct config_namespace *wanted; /* borrowed */
	const struct namespace_step *step;
	struct cloudmap_namespace found;
	struct cloudmap_names names; /* those that are wanted */
	size_t unwanted;	     /* services that the filters leave out */
	size_t pages;		     /* of the step's list, before the one that is asked for */
	char *token;		     /* of that page, or NULL: the first */
};

/* Begins anew; of a walk that is all zero, or has been made. */
void namespace_walk_begin(struct namespace_walk *w, const struct config_namespace *wanted);
void namespace_walk_done(struct namespace_walk *w);

const char *namespace_walk_operation(const struct namespace_walk *w);
const char *namespace_walk_target(const struct namespace_walk *w);
/* The body of the question; NULL: out of memory. */
char *namespace_walk_ask(const struct namespace_walk *w);

/*
 * The answer. 0, and *ret_whole tells whether this was the end; -EBADMSG and *ret_error, and
 * nothing has changed.
 */
int namespace_walk_take(struct namespace_walk *w, const struct cloudmap_wire_reply *reply,
			bool *ret_whole, struct cloudmap_wire_error *ret_error);
