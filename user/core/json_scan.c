/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_scan.h"

#include <ctype.h>
#include <errno.h>

#include "base/utf8.h"

/*
 * Where the scan is. The functions below step over what they are named after, or say what they
 * wanted at `at` and return false.
 */
struct scan {
	const char *at, *end;
	const char *wanted;
	unsigned int depth_max;
	size_t values;
};

static bool scan_value(struct scan *s, unsigned int depth);

/* What is wanted at one level too many; the message tells how many there may be. */
static const char too_deep[] = "fewer levels of nesting";

static bool fail(struct scan *s, const char *wanted)
{
	s->wanted = wanted;
	return false;
}

static bool next_is(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool next_is_digit(const struct scan *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && *s->at && strchr(" \t\n\r", *s->at))
		s->at++;
}

static bool scan_digits(struct scan *s)
{
	if (!next_is_digit(s))
		return fail(s, "a digit");
	while (next_is_digit(s))
		s->at++;
	return true;
}

static bool scan_number(struct scan *s)
{
	const char *start = s->at;

	s->at += next_is(s, '-');
	if (next_is(s, '0'))
		s->at++; /* nothing but a fraction or an exponent may follow */
	else if (!scan_digits(s))
		return false;
	if (next_is_digit(s))
		return fail(s, "a number without leading zeros");
	if (next_is(s, '.')) {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (next_is(s, 'e') || next_is(s, 'E')) {
		s->at++;
		s->at += next_is(s, '+') || next_is(s, '-');
		if (!scan_digits(s))
			return false;
	}
	if (s->at - start > JSON_NUMBER_TEXT_MAX)
		return fail(s, "a shorter number");
	return true;
}

/* The four digits after \u. */
static bool scan_hex4(struct scan *s, unsigned int *ret)
{
	unsigned int code = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		if (s->at == s->end || !isxdigit((unsigned char)*s->at))
			return fail(s, "four hexadecimal digits after \\u");
		code = code * 16 + (unsigned int)(isdigit((unsigned char)*s->at)
							  ? *s->at - '0'
							  : (*s->at | 0x20) - 'a' + 10);
	}
	*ret = code;
	return true;
}

static bool scan_unicode_escape(struct scan *s)
{
	unsigned int high, low;

	if (!scan_hex4(s, &high))
		return false;
	if (high == 0)
		return fail(s, "text without a NUL (\\u0000)");
	if (high < 0xd800 || high > 0xdfff)
		return true;
	if (high > 0xdbff || s->end - s->at < 2 || memcmp(s->at, "\\u", 2) != 0)
		return fail(s, "both halves of a surrogate pair");
	s->at += 2;
	if (!scan_hex4(s, &low))
		return false;
	return (low >= 0xdc00 && low <= 0xdfff) || fail(s, "both halves of a surrogate pair");
}

static bool scan_escape(struct scan *s)
{
	s->at++;
	if (next_is(s, 'u')) {
		s->at++;
		return scan_unicode_escape(s);
	}
	if (s->at == s->end || !*s->at || !strchr("\"\\/bfnrt", *s->at))
		return fail(s, "one of \" \\ / b f n r t u after a backslash");
	s->at++;
	return true;
}

static bool scan_string(struct scan *s)
{
	size_t length;

	if (!next_is(s, '"'))
		return fail(s, "a key in double quotes");
	for (s->at++; !next_is(s, '"'); s->at += length) {
		length = 0;
		if (next_is(s, '\\')) {
			if (!scan_escape(s))
				return false;
			continue;
		}
		if (s->at == s->end)
			return fail(s, "a closing double quote");
		if ((unsigned char)*s->at < 0x20)
			return fail(s, "no control character in a string");
		length = utf8_length(s->at, (size_t)(s->end - s->at));
		if (length == 0)
			return fail(s, "UTF-8");
	}
	s->at++;
	return true;
}

static bool scan_member(struct scan *s, unsigned int depth)
{
	skip_blanks(s);
	if (!scan_string(s))
		return false;
	skip_blanks(s);
	if (!next_is(s, ':'))
		return fail(s, "':' after a key");
	s->at++;
	return scan_value(s, depth);
}

/* An object or an array, from its opening bracket to its closing one. */
static bool scan_container(struct scan *s, char close,
			   bool (*scan_element)(struct scan *, unsigned), const char *wanted_after,
			   unsigned int depth)
{
	if (depth == s->depth_max)
		return fail(s, too_deep);
	s->at++;
	skip_blanks(s);
	if (next_is(s, close)) {
		s->at++;
		return true;
	}
	for (;;) {
		if (!scan_element(s, depth + 1))
			return false;
		skip_blanks(s);
		if (next_is(s, close)) {
			s->at++;
			return true;
		}
		if (!next_is(s, ','))
			return fail(s, wanted_after);
		s->at++;
	}
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
		return fail(s, "a value");
	s->at += length;
	return true;
}

static bool scan_value(struct scan *s, unsigned int depth)
{
	skip_blanks(s);
	if (++s->values > JSON_VALUES_MAX)
		return fail(s, "fewer values in all");
	switch (s->at < s->end ? *s->at : '\0') {
	case '{':
		return scan_container(s, '}', scan_member, "',' or '}'", depth);
	case '[':
		return scan_container(s, ']', scan_value, "',' or ']'", depth);
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		if (next_is(s, '-') || next_is_digit(s))
			return scan_number(s);
		return fail(s, "a value");
	}
}

static void describe_fault(const struct scan *s, const char *text, struct json_fault *fault)
{
	unsigned char c = s->at < s->end ? (unsigned char)*s->at : 0;

	*fault = (struct json_fault){ .line = 1, .column = 1 };
	if (s->wanted == too_deep)
		(void)snprintf(fault->wanted, sizeof(fault->wanted), "at most %u levels of nesting",
			       s->depth_max);
	else
		(void)util_copy(fault->wanted, sizeof(fault->wanted), s->wanted);
	for (const char *p = text; p < s->at; p++) {
		fault->column += ((unsigned char)*p & 0xc0) != 0x80;
		if (*p == '\n') {
			fault->line++;
			fault->column = 1;
		}
	}
	if (s->at == s->end)
		(void)util_copy(fault->got, sizeof(fault->got), "the end of the text");
	else if (c > ' ' && c < 0x7f)
		(void)snprintf(fault->got, sizeof(fault->got), "'%c'", c);
	else
		(void)snprintf(fault->got, sizeof(fault->got), "octet 0x%02x", c);
}

int json_scan(const char *text, size_t length, unsigned int depth_max, struct json_fault *ret_fault)
{
	struct scan s = { .at = text, .end = text + length, .depth_max = depth_max };
	bool good = scan_value(&s, 0);

	if (good) {
		skip_blanks(&s);
		good = s.at == s.end || fail(&s, "nothing after the end of the value");
	}
	if (good)
		return 0;
	describe_fault(&s, text, ret_fault);
	return -EINVAL;
}
