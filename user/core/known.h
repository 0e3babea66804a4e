/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last known good: what was in force of each service, as a file tells it to a start that finds
 * nothing in the kernel. A line of JSON for the whole, for each service (or part of a split), and
 * for the end:
 *
 *	{"version":1,"written":1763700000}
 *	{"service":"backend","vip":"127.254.0.10","source":"cloudmap us-east-1
 *internal.myapp/backend", "answered":1763699995,"backends":["10.0.1.54:3000","10.0.1.91:3000
 *weight=3 zone=us-east-1a"]}
 *	{"services":1,"checksum":"1a2b3c4d"}
 *
 * The checksum is the CRC-32 of all lines before its own. A file that is not whole is refused; one
 * that is whole may have lines that are not what they should be, which are left out alone. It owns
 * its rows; the file is somebody else's. Pure.
 */
#pragma once

#include "base/diag.h"
#include "core/endpoints.h"

#define KNOWN_VERSION 1
#define KNOWN_BYTES_MAX (32 << 20)
#define KNOWN_LINE_MAX (2 << 20)
#define KNOWN_ROWS_MAX (8 * SHUNT_SERVICES_MAX) /* a service has at most eight parts */
#define KNOWN_BACKENDS_MAX (2 * SHUNT_BACKENDS_MAX)

struct known_row {
	char *service;
	char *source; /* config_identity of the part */
	bool has_vip;
	struct addr vip;
	int64_t answered_s;	    /* when the source last gave a good answer, since the epoch */
	struct endpoints endpoints; /* normalised */
};

struct known {
	struct known_row *list; /* owned, and what they point to; sorted by service and source */
	size_t n, capacity;
	size_t backends;
	int64_t written_s;
};

void known_done(struct known *k);

/*
 * Into an empty *k. 0, and *problems tells of lines that were left out; -EBADMSG and why this is no
 * such file; -ENOMEM. On failure *k is empty.
 */
int known_read(struct known *k, const char *text, size_t length, struct diag *problems);
/* NULL: there is none. */
struct known_row *known_find(const struct known *k, const char *service, const char *source);

/*
 * Writing, a piece at a time: what was written so far, but for the end, has the checksum that the
 * end is given (book_checksum).
 */
void known_write_start(FILE *to, int64_t now_s);
void known_write_row(FILE *to, const struct known_row *row);
void known_write_end(FILE *to, size_t rows, uint32_t checksum);
