/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name servers of a resolv.conf(5), which is all of it that matters here: names are asked for
 * as they are, so there is no search list, and who answers how fast is measured, not configured.
 * Pure.
 */
#pragma once

#include <stddef.h>

#include "base/addr.h"

/*
 * Fills `list` with the first `max` of them, port 53 unless the line tells one (as c-ares reads
 * it). Returns how many. What is no address of a host is passed over: others may be.
 */
size_t resolv_conf_servers(const char *text, struct addr_port *list, size_t max);
