/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks that our programs are attached to. Constant. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct dataplane;

struct hook {
	const char *name;    /* of the pins: link_NAME, prog_NAME */
	const char *program; /* in bpf/ */
	int attach_type;     /* enum bpf_attach_type; of a cgroup, or BPF_TRACE_RAW_TP */
};

#define HOOKS 11

/* attach.c: in the order of attachment: ends are seen before anything is begun. */
extern const struct hook hooks[HOOKS];

/*
 * foreign.c: tells of the program that keeps ours off the hook; on the cgroup itself and on its
 * ancestors as far as they are visible here.
 */
bool foreign_find_blocker(const struct dataplane *d, const struct hook *hook,
			  struct diag *problems);
