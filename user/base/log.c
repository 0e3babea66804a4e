/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>

#include "base/utf8.h"

#define REPEAT_FIRST_MS 10000
#define REPEAT_MAX_MS 3600000

static enum log_level log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

void log_event(enum log_level level, const char *sentence, const char *format, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	_cleanup_free_ char *keys = NULL;
	va_list arguments;
	int r;

	if (level > log_threshold)
		return;
	va_start(arguments, format);
	r = vasprintf(&keys, format, arguments);
	va_end(arguments);
	if (r < 0)
		keys = NULL;
	(void)fprintf(stderr, "%s: %s%s%s\n", names[level], sentence, keys && *keys ? " " : "",
		      keys ? keys : "");
}

/* Octets of the character at `s`; 0 when it is not UTF-8 or a control character (C1 ones, too). */
static size_t printable_length(const char *s, size_t available)
{
	const unsigned char *octets = (const unsigned char *)s;
	size_t length = utf8_length(s, available);

	if (length == 1 && (octets[0] < 0x20 || octets[0] == 0x7f))
		return 0;
	if (length == 2 && octets[0] == 0xc2 && octets[1] < 0xa0)
		return 0;
	return length;
}

char *log_escape(const char *untrusted)
{
	size_t left = strlen(untrusted);
	char *escaped = malloc(4 * left + 1);
	char *to = escaped;

	if (!escaped)
		return NULL;
	while (left > 0) {
		size_t length = printable_length(untrusted, left);

		if (length > 0)
			memcpy(to, untrusted, length);
		else
			(void)snprintf(to, 5, "\\x%02x", (unsigned char)*untrusted);
		to += length > 0 ? length : 4;
		length = MAX(length, 1);
		untrusted += length;
		left -= length;
	}
	*to = '\0';
	return escaped;
}

bool log_repeat_failed(struct log_repeat *r, uint64_t now_ms)
{
	r->failures++;
	if (r->failures > 1 && now_ms < r->next_ms)
		return false;
	r->interval_ms = r->failures == 1 ? REPEAT_FIRST_MS
					  : MIN(r->interval_ms * 2, REPEAT_MAX_MS);
	r->next_ms = now_ms + r->interval_ms;
	return true;
}

uint32_t log_repeat_recovered(struct log_repeat *r)
{
	uint32_t failures = r->failures;

	*r = (struct log_repeat){ 0 };
	return failures;
}
