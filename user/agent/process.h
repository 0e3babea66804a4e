/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process uses, as /proc tells it: the numbers behind the process_* metrics that every
 * exporter has. Values only; nothing is kept.
 */
#pragma once

#include <stdint.h>

struct process_stats {
	double cpu_s; /* user and system */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t open_fds;
	uint64_t max_fds;
	double start_time_s; /* epoch */
};

/* 0, or a negative errno when /proc cannot be read; *ret is touched on success only. */
int process_read(struct process_stats *ret);
