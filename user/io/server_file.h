/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DNS servers that a resolv.conf(5) tells, and whether they are others by now. Looking is a
 * stat() of once a second at most, as libc does it: a watch would miss what is written to a file
 * that is mounted over the path. It owns its memory of the file, and asks no server.
 */
#pragma once

#include <sys/stat.h>

#include "base/addr.h"
#include "base/util.h"

struct server_file {
	char *path; /* owned; NULL: there is none to look at */
	uint64_t looked_ms;
	struct stat read; /* as it was then */
};

void server_file_done(struct server_file *f);

/*
 * Fills in the servers if the file has changed since the last look, or this is the first, and
 * returns how many. 0: nothing is new, or what is new tells no server, or cannot be read.
 */
size_t server_file_look(struct server_file *f, uint64_t now_ms, struct addr_port *list, size_t max);
