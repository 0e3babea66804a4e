/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the last known good in state_dir: reads it for a start that finds nothing in the kernel,
 * and writes it when it changes (core/known_pace). It is written from what the watches hold, a
 * piece in a turn of the loop, and to the disk in the thread pool; whole, or not at all.
 */
#pragma once

#include "core/known.h"

struct agent;
struct keeper;

/* 0 or -ENOMEM. */
int keeper_open(struct agent *agent);
/* What the file says, into an empty *ret, the caller's. */
void keeper_load(struct agent *agent, struct known *ret);
/* Something in force, or its source, is not what it was. */
void keeper_changed(struct agent *agent);
/* The watches are others, or the directory: what is being written is begun again. */
void keeper_restart(struct agent *agent);
/* Why the file is not up to date; the caller's, NULL if it is. */
char *keeper_problem(const struct agent *agent);
/* Writes a last time, before it returns; while there are watches. */
void keeper_close(struct agent *agent);
/* After the loop has ended. */
void keeper_free(struct keeper *k);
