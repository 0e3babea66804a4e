/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of one host under churn: what its sources say goes through core/model and core/plan into
 * imitated maps, and memory and descriptors are looked at every three hours.
 */
#pragma once

#include "fleet.h"

/* 0; 1: something grew, was lost or differs in the end; or -ENOMEM. */
int day_run(const struct fleet_options *options);
