/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the states of a backend, the same in metrics, tools and documents. */
#pragma once

#include "shunt/layout.h"

/* "healthy", "unhealthy", "draining", "ejected"; "unset" for anything else. */
const char *state_name(enum shunt_state state);
