/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as shuntctl needs it: to know where the pins and the control socket are.
 * Lenient where shuntd is not: without a file the defaults hold, and one with faults still tells
 * these two places, since an agent goes on with the configuration before it, and that is when one
 * wants to look.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"

/*
 * EX_OK and *ret, the caller's; or the code to exit with, the reason told on stderr. `strict`:
 * faults are a failure. A file that was named must be there.
 */
int locate_config(const char *path, bool strict, struct config **ret);
