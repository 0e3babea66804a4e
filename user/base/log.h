/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of the programs: one line an event on stderr, the sentence first, key=value after it.
 * Only the agent and the tools call it; library floors return errors and state instead.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* What is logged at all; INFO at start. */
void log_set_level(enum log_level level);

/*
 * log_event(LOG_LEVEL_WARN, "Cloud Map did not answer, keeping 3 backends of 40 s ago",
 *	     "service=%s error='%s'", name, escaped);
 * `format` may be "" when there are no keys.
 */
void log_event(enum log_level level, const char *sentence, const char *format, ...) _printf_(3, 4);

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* A copy for the caller with control characters,
 * quotes ticked and bytes that are not UTF-8 as \xNN. */
char *log_escape(const char *untrusted);

/*
 * For something that fails again and again: log the first time, then at doubling intervals up to an
 * hour, then once when it recovers. Zero-initialised is right.
 */
struct log_repeat {
	uint64_t next_ms;
	uint32_t interval_ms;
	uint32_t failures;
};

/* Counts a failure; tells whether this one is to be logged. now_ms is monotonic. */
bool log_repeat_failed(struct log_repeat *r, uint64_t now_ms);
/* Ends a row of failures; returns how many there were (0: there was none, say nothing). */
uint32_t log_repeat_recovered(struct log_repeat *r);
