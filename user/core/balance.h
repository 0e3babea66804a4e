/* SPDX-License-Identifier: Apache-2.0 */
/* The words for how a backend is chosen, as the configuration and the tools say them. */
#pragma once

#include "shunt/layout.h"

/* "round_robin", "random", "maglev". */
const char *balance_name(enum shunt_balance balance);
/* "task", "socket", or NULL: the policy has no affinity. */
const char *balance_affinity(enum shunt_balance balance);
