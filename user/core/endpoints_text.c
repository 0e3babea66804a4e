/* SPDX-License-Identifier: Apache-2.0 */
#include "core/endpoints_text.h"

#include <errno.h>

#define SPACE " \t\r"
#define ZONE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct attribute {
	const char *name;
	bool (*parse)(const char *value, struct endpoint *e);
	const char *wanted;
};

static bool parse_weight(const char *value, struct endpoint *e)
{
	return endpoint_parse_weight(value, &e->weight) == 0;
}

static bool parse_zone(const char *value, struct endpoint *e)
{
	size_t length = strlen(value);

	return length > 0 && strspn(value, ZONE_LETTERS) == length &&
	       util_copy(e->zone, sizeof(e->zone), value);
}

static const struct attribute attributes[] = {
	{ "weight", parse_weight, "weight=1..1000" },
	{ "zone", parse_zone, "zone=NAME of at most 31 letters, digits, '.', '_', '-'" },
};

/* NULL, or what was wanted instead of the word. `seen` has a bit for each attribute of the line. */
static const char *read_attribute(const char *word, struct endpoint *e, unsigned int *seen)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct attribute *a = &attributes[i];

		if (strlen(a->name) != length || strncmp(word, a->name, length) != 0)
			continue;
		if (*seen & 1u << i)
			return "each attribute once";
		*seen |= 1u << i;
		return word[length] == '=' && a->parse(word + length + 1, e) ? NULL : a->wanted;
	}
	return "weight=N or zone=Z";
}

static const char *read_address(const char *word, struct endpoint *e)
{
	if (addr_port_parse(word, 0, &e->at) < 0)
		return "ip:port or [v6]:port";
	return addr_is_unicast(&e->at.addr) ? NULL : "the address of a host";
}

/*
 * Reads one line, in place. Returns whether it has an endpoint; *ret_wanted is set when it is bad,
 * and *ret_got is the word that is.
 */
static bool read_line(char *line, struct endpoint *e, const char **ret_got, const char **ret_wanted)
{
	const char *wanted = NULL, *word;
	unsigned int seen = 0;
	bool any = false;

	*e = (struct endpoint){ .weight = 1, .state = STATE_HEALTHY };
	line[strcspn(line, "#")] = '\0';
	while ((word = strsep(&line, SPACE)) && !wanted) {
		if (*word == '\0')
			continue;
		wanted = any ? read_attribute(word, e, &seen) : read_address(word, e);
		any = true;
		if (wanted)
			*ret_got = word;
	}
	*ret_wanted = wanted;
	return any && !wanted;
}

static int add_line(const char *text, size_t length, struct endpoints *to, const char *where,
		    struct diag *problems)
{
	char line[ENDPOINTS_TEXT_LINE_MAX];
	const char *got = NULL, *wanted = NULL;
	struct endpoint e;

	if (length >= sizeof(line)) {
		diag_add(problems, where, "got a line of %zu octets, wanted at most %zu", length,
			 sizeof(line) - 1);
		return 0;
	}
	if (memchr(text, '\0', length)) {
		diag_add(problems, where, "got an octet 0, wanted text");
		return 0;
	}
	memcpy(line, text, length);
	line[length] = '\0';
	if (read_line(line, &e, &got, &wanted))
		return endpoints_add(to, &e);
	if (wanted)
		diag_add(problems, where, "got '%s', wanted %s", got, wanted);
	return 0;
}

int endpoints_text_read(const char *text, size_t length, const char *origin, struct endpoints *ret,
			struct diag *problems)
{
	_cleanup_(endpoints_done) struct endpoints read = { 0 };
	const char *end = text + length;
	unsigned int number = 0;

	for (const char *line = text, *next; line < end; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		_cleanup_free_ char *where = NULL;
		int r;

		next = newline ? newline + 1 : end;
		if (asprintf(&where, "%s:%u", origin, ++number) < 0) {
			where = NULL;
			return -ENOMEM;
		}
		r = add_line(line, (size_t)((newline ? newline : end) - line), &read, where,
			     problems);
		if (r < 0)
			return r;
	}
	if (problems->total > 0)
		return -EINVAL;
	endpoints_normalise(&read);
	*ret = read;
	read = (struct endpoints){ 0 };
	return 0;
}
