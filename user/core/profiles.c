/* SPDX-License-Identifier: Apache-2.0 */
#include "core/profiles.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

/* A piece of a text. */
struct piece {
	const char *at;
	size_t length;
};

/* One file while it is read. */
struct reading {
	struct profiles *profiles;
	enum profiles_form form;
	struct piece profile; /* of the section; at NULL: of none that is a profile */
	bool in_section;
	bool has_key;  /* a line that is indented more belongs to it */
	size_t indent; /* of the key */
	unsigned int line;
	char *error;
};

static void wipe_and_free(char *text, size_t length)
{
	if (text)
		explicit_bzero(text, length);
	free(text);
}

void profiles_done(struct profiles *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct profiles_key *k = &p->list[i];

		wipe_and_free(k->profile, (size_t)(k->value - k->profile) + strlen(k->value));
	}
	free(p->list);
	*p = (struct profiles){ 0 };
}

static int _printf_(2, 3) fail(const struct reading *r, const char *format, ...)
{
	va_list arguments;
	int n = snprintf(r->error, PROFILES_ERROR_MAX, "line %u: ", r->line);

	va_start(arguments, format);
	(void)vsnprintf(r->error + n, PROFILES_ERROR_MAX - (size_t)n, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(const char *at, size_t length)
{
	while (length > 0 && is_blank(*at)) {
		at++;
		length--;
	}
	while (length > 0 && is_blank(at[length - 1]))
		length--;
	return (struct piece){ at, length };
}

/* The three words in one piece of memory. */
static int add(const struct reading *r, struct piece name, struct piece value)
{
	struct profiles *p = r->profiles;
	size_t size = r->profile.length + name.length + value.length + 3;
	char *memory;

	if (p->n >= PROFILES_KEYS_MAX)
		return fail(r, "more than %d keys", PROFILES_KEYS_MAX);
	memory = calloc(1, size);
	if (!memory ||
	    util_grow(&p->list, &p->capacity, p->n + 1, sizeof(struct profiles_key)) < 0) {
		free(memory);
		(void)fail(r, "no memory");
		return -ENOMEM;
	}
	p->list[p->n] = (struct profiles_key){
		.profile = memory,
		.name = memory + r->profile.length + 1,
		.value = memory + r->profile.length + name.length + 2,
	};
	memcpy(p->list[p->n].profile, r->profile.at, r->profile.length);
	for (size_t i = 0; i < name.length; i++)
		p->list[p->n].name[i] = (char)tolower((unsigned char)name.at[i]);
	memcpy(p->list[p->n].value, value.at, value.length);
	p->n++;
	return 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* "profile NAME" to NAME; a section of another kind has none. */
static struct piece profile_of_section(struct piece section)
{
	static const char word[] = "profile";
	size_t length = sizeof(word) - 1;
	struct piece name;

	if (section.length == 7 && memcmp(section.at, "default", 7) == 0)
		return section;
	if (section.length <= length || memcmp(section.at, word, length) != 0 ||
	    !is_blank(section.at[length]))
		return (struct piece){ 0 };
	name = trim(section.at + length, section.length - length);
	if (name.length >= 2 && (*name.at == '"' || *name.at == '\'') &&
	    name.at[name.length - 1] == *name.at)
		name = (struct piece){ name.at + 1, name.length - 2 };
	return name;
}

static int read_section(struct reading *r, struct piece line)
{
	const char *end = memchr(line.at, ']', line.length);
	struct piece section;

	if (!end)
		return fail(r, "a section without ]");
	section = trim(line.at + 1, (size_t)(end - line.at) - 1);
	r->in_section = true;
	r->has_key = false;
	r->profile = r->form == PROFILES_CONFIG ? profile_of_section(section) : section;
	if (!r->profile.at || r->profile.length == 0) {
		r->profile.at = NULL;
		return 0;
	}
	return add(r, (struct piece){ "", 0 }, (struct piece){ "", 0 });
}

/* Without a comment that follows the value after a space. */
static struct piece without_comment(struct piece value)
{
	for (size_t i = 1; i < value.length; i++)
		if ((value.at[i] == '#' || value.at[i] == ';') && is_blank(value.at[i - 1]))
			return trim(value.at, i);
	return value;
}

static int read_key(struct reading *r, struct piece line, size_t indent)
{
	size_t at = 0;
	struct piece name;

	while (at < line.length && line.at[at] != '=' && line.at[at] != ':')
		at++;
	name = trim(line.at, at);
	if (!r->in_section)
		return fail(r, "wanted a [section] before the first key");
	if (at == line.length || name.length == 0)
		return fail(r, "wanted key = value");
	r->has_key = true;
	r->indent = indent;
	if (!r->profile.at)
		return 0;
	return add(r, name, without_comment(trim(line.at + at + 1, line.length - at - 1)));
}

static int read_line(struct reading *r, const char *text, size_t length)
{
	struct piece line = trim(text, length);
	size_t indent = (size_t)(line.at - text);

	if (line.length == 0 || *line.at == '#' || *line.at == ';')
		return 0;
	if (r->has_key && indent > r->indent)
		return 0;
	if (*line.at == '[')
		return read_section(r, line);
	return read_key(r, line, indent);
}

int profiles_read(struct profiles *p, enum profiles_form form, const char *text, size_t length,
		  char error[static PROFILES_ERROR_MAX])
{
	struct reading r = { .profiles = p, .form = form, .error = error };
	const char *end = text + length;

	if (memchr(text, '\0', length)) {
		(void)snprintf(error, PROFILES_ERROR_MAX, "it is no text: it has a NUL");
		return -EBADMSG;
	}
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		int result;

		r.line++;
		result = read_line(&r, text, (size_t)(stop - text));
		if (result < 0)
			return result;
		text = newline ? newline + 1 : end;
	}
	return 0;
}

/* --- looking up ------------------------------------------------------------------------------- */

bool profiles_has(const struct profiles *p, const char *profile)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->list[i].profile, profile))
			return true;
	return false;
}

const char *profiles_get(const struct profiles *p, const char *profile, const char *name)
{
	for (size_t i = p->n; i > 0; i--) {
		const struct profiles_key *k = &p->list[i - 1];

		if (streq(k->profile, profile) && streq(k->name, name))
			return *k->value ? k->value : NULL;
	}
	return NULL;
}
