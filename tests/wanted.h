/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Want tables from short text, for tests. A mistake in the text fails the program at once.
 */
#pragma once

#include "core/table.h"

struct wanted_service {
	const char *name;
	const char *vip; /* "ip:port", "[v6]:port", or without a port: any port */
	enum shunt_protocol protocol;
	/* "ip:port" separated by blanks, "*N" behind for a weight; without a port: the client's;
	 * the word "pass" for on_empty, and "random", "least", "task", "socket" (Maglev by
	 * either) for balance */
	const char *backends;
};

/* "ip:port" or an address alone, whose port is then 0. */
struct addr_port wanted_address(const char *text);
void wanted_add(struct table *t, const struct wanted_service *service);
/* A sorted table; the caller's to table_done. */
struct table wanted_table(const struct wanted_service *services, size_t n);

#define WANTED(...)                                                           \
	wanted_table((const struct wanted_service[]){ __VA_ARGS__ },          \
		     sizeof((const struct wanted_service[]){ __VA_ARGS__ }) / \
			     sizeof(struct wanted_service))
