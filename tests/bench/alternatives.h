/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of alternatives.bpf.c: loaded once, attached to a cgroup by turns. It owns the
 * object and the links; what is attached, the kernel's account tells (account.h). Fails by ending
 * the program.
 */
#pragma once

#include "account.h"
#include "core/table.h"

struct alternatives;

#define ALTERNATIVE_PROGRAMS 3 /* attached at a time, at most */

/* Loads all, and fills their maps with the IPv4 services of this table. */
struct alternatives *alternatives_new(const struct table *t);
void alternatives_free(struct alternatives *a);
/* Attaches these programs (names, up to a NULL); tracepoints see the whole machine. */
void alternatives_attach(struct alternatives *a, const char *cgroup,
			 const char *const programs[ALTERNATIVE_PROGRAMS]);
void alternatives_detach(struct alternatives *a);
/* The sum over what is attached. */
struct account alternatives_account(const struct alternatives *a);
