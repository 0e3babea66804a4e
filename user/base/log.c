/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>

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

/* Length of the UTF-8 sequence at `s` (RFC 3629), 0 when it is none or a control character. */
static size_t printable(const unsigned char *s)
{
	size_t length = *s < 0x80		  ? 1
			: *s >= 0xc2 && *s < 0xe0 ? 2
			: *s >= 0xe0 && *s < 0xf0 ? 3
			: *s >= 0xf0 && *s < 0xf5 ? 4
						  : 0;

	if (length == 1)
		return *s >= 0x20 && *s != 0x7f;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* U+0080..U+009F are controls, too, and over-long or surrogate forms are not UTF-8 */
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

char *log_escape(const char *untrusted)
{
	char *escaped = malloc(4 * strlen(untrusted) + 1);
	char *to = escaped;

	if (!escaped)
		return NULL;
	for (const unsigned char *s = (const unsigned char *)untrusted; *s;) {
		size_t length = printable(s);

		if (length == 0) {
			to += snprintf(to, 5, "\\x%02x", *s++);
			continue;
		}
		memcpy(to, s, length);
		to += length;
		s += length;
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
