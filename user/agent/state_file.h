/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files in state_dir. Each is read whole or, if it is not what it should be, set aside under
 * another name and told of (agent->state_faults), never written over; each is written by rename.
 */
#pragma once

#include "base/diag.h"

struct agent;

enum state_file {
	STATE_FILE_VIPS,
	STATE_FILE_DRAINED,
	STATE_FILE_KNOWN,
	STATE_FILE_NAMESPACES,
	STATE_FILES,
};

/* 0, or a negative errno and what is wrong with the text. */
typedef int (*state_file_fn)(void *user, const char *text, size_t length, struct diag *problems);

/* Hands over what is in the file, if there is one. */
void state_file_load(struct agent *agent, enum state_file file, state_file_fn take, void *user);
/* Its path, the caller's; NULL: out of memory. The directory may not be there yet. */
char *state_file_path(const struct agent *agent, enum state_file file);
/* 0, or why it is not on the disk, which is logged. */
int state_file_store(const struct agent *agent, enum state_file file, const char *text,
		     size_t length);
