/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services the next plan is about: those that somebody has news of, or all. Owns its list,
 * not the watches; it never plans, see reconcile.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct watch;

struct agenda {
	bool all;
	struct watch **list; /* owned; each once */
	size_t n, capacity;
	char **gone; /* names of services that are no more; owned */
	size_t n_gone, gone_capacity;
};

void agenda_done(struct agenda *a);
/* Where there is no memory for one, it becomes all. */
void agenda_add(struct agenda *a, struct watch *w);
void agenda_add_all(struct agenda *a);
/* A watch that is going away: it is on no list any more; */
void agenda_forget(struct agenda *a, struct watch *w);
/* and its service is to go. */
void agenda_add_gone(struct agenda *a, const char *name);
/* What is on it, the caller's; it is empty then. */
struct agenda agenda_take(struct agenda *a);
