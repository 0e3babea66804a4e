/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: configuration -> sources -> model -> plan -> dataplane, on one libuv loop. agent_run
 * returns when it was told to end; what it put into the kernel stays in force.
 */
#pragma once

#include "base/diag.h"
#include "core/config.h"

struct helper;

struct agent_options {
	const char *config_path; /* or NULL: SHUNT_CONFIG, else the default file */
	struct config *config;	 /* as loaded; the agent takes it over */
	const char *origin;
	struct helper *helper; /* the caller's */
};

/*
 * Runs to SIGTERM or SIGINT. 0, or why it could not start, with words in *problems; for the errors
 * see dataplane_open, and -EADDRINUSE etc. for the sockets it listens on.
 */
int agent_run(const struct agent_options *options, struct diag *problems);
