/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of shuntctl share: the options, how a result is printed, how a failure is told.
 * Exit codes are those of sysexits(3). A verb is one file with one function; main.c has their
 * table.
 */
#pragma once

#include <sysexits.h>

#include "base/diag.h"
#include "core/config.h"
#include "core/writer.h"
#include "kernel/dataplane.h"

struct ctl {
	const struct config *config;
	enum writer_form form;
	const char *argument; /* of the verb, or NULL */
};

/* Tells on stderr what went wrong, and returns the code to exit with. */
int ctl_fail(int code, const char *format, ...) _printf_(2, 3);
/* The same with the lines of `problems`, the code being that of a negative errno. */
int ctl_fail_errno(int error, const struct diag *problems);

/* Prints what the writer was told; `w` is spent. Returns the code to exit with. */
int ctl_print(struct writer *w);

/* Opens the pinned maps and reads the services, sorted. 0, or the code to exit with. */
int ctl_open(const struct ctl *ctl, struct dataplane **ret, struct table *ret_table);

/* The verbs; each returns the code to exit with. */
int show_run(const struct ctl *ctl);
int status_run(const struct ctl *ctl);
int explain_run(const struct ctl *ctl);
int reload_run(const struct ctl *ctl);
int refresh_run(const struct ctl *ctl);
int drain_run(const struct ctl *ctl);
int undrain_run(const struct ctl *ctl);
int detach_run(const struct ctl *ctl);
