/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs are told of a service beside its backends, from its configuration. Pure. */
#pragma once

#include "core/config_service.h"
#include "core/table.h"

/* Fills s->rules and s->head_flags. `per_backend`: what is counted is told by backend, too. */
void rules_fill(struct table_service *s, const struct config_service *config, bool per_backend);
