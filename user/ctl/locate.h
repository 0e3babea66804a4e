/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as shuntctl needs it: to know where the pins and the control socket are.
 * Lenient where shuntd is not: without a file the defaults hold, and one with faults still tells
 * these two places, since an agent goes on with the configuration before it, and that is when one
 * wants to look.
 */
#pragma once

#include "core/config.h"

enum locate_faults {
	LOCATE_FAULTS_TELL,   /* and go on by the two places */
	LOCATE_FAULTS_REFUSE, /* tell them and fail */
	LOCATE_FAULTS_HUSH,   /* go on: it is for the agent to tell them */
};

/*
 * EX_OK and *ret, the caller's; or the code to exit with, the reason told on stderr. A file that
 * was named must be there.
 */
int locate_config(const char *path, enum locate_faults faults, struct config **ret);
