/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of many services. All addresses are of 127.0.0.0/8, so that each of them can be connected
 * to: service N is at 127.254.x.y:3000, its backends lie in 127.16.0.0 to 127.127.255.255.
 */
#pragma once

#include "core/table.h"

#define CROWD_PORT 3000

struct addr_port crowd_vip(uint32_t service);
/*
 * Appends services 1 to `n_services`; table_sort afterwards. Every generation (0 to 30) has other
 * backends.
 */
void crowd_add(struct table *t, uint32_t n_services, uint32_t n_backends,
	       enum shunt_protocol protocol, uint32_t generation);
/* Gives a backend an address that none has had. */
void crowd_replace(struct table_service *s, uint32_t backend, uint32_t number);
