/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person means by TARGET[:PORT]: a service's name, an alias, or an address; as the
 * destinations that a connect() could have. It owns the list.
 */
#pragma once

#include "core/config.h"
#include "core/table.h"

struct target {
	struct addr_port *list; /* owned; port 0: an any-port service, no port was given */
	size_t n, capacity;
};

/*
 * `table` is sorted. 0; -ENOENT: no service has that name, and *ret_near may be one that is like
 * it; -EINVAL: a port that is none; -ENOMEM.
 */
int target_parse(const char *text, const struct table *table, const struct config *config,
		 struct target *ret, const char **ret_near);
void target_done(struct target *t);
