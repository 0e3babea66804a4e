/* SPDX-License-Identifier: Apache-2.0 */
#include "core/known.h"

#include <errno.h>

#include "core/book.h"

#define DEPTH_MAX 2
#define TIME_MAX 253402300799.0 /* the end of the year 9999 */

static void row_done(struct known_row *row)
{
	free(row->service);
	free(row->source);
	endpoints_done(&row->endpoints);
	*row = (struct known_row){ 0 };
}

void known_done(struct known *k)
{
	for (size_t i = 0; i < k->n; i++)
		row_done(&k->list[i]);
	free(k->list);
	*k = (struct known){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct known_row *left = a, *right = b;
	int order = strcmp(left->service, right->service);

	return order ? order : strcmp(left->source, right->source);
}

struct known_row *known_find(const struct known *k, const char *service, const char *source)
{
	struct known_row wanted = { .service = (char *)(uintptr_t)service,
				    .source = (char *)(uintptr_t)source };

	return k->n > 0 ? bsearch(&wanted, k->list, k->n, sizeof(wanted), compare) : NULL;
}

/* --- a line ----------------------------------------------------------------------------------- */

/* What a line ought to have there. */
struct complaint {
	const char *member, *wanted;
	const cJSON *got;
};

/* "unhealthy", "weight=3", and the rest of the text for "zone=". */
static bool read_words(char *words, struct endpoint *e)
{
	const char *word;

	while (words && strncmp(words, "zone=", 5) != 0) {
		word = strsep(&words, " ");
		if (streq(word, "unhealthy"))
			e->state = STATE_UNHEALTHY;
		else if (strncmp(word, "weight=", 7) != 0 ||
			 endpoint_parse_weight(word + 7, &e->weight) < 0)
			return false;
	}
	return !words || (words[5] && util_copy(e->zone, sizeof(e->zone), words + 5));
}

static bool read_endpoint(char *text, struct endpoint *ret)
{
	*ret = (struct endpoint){ .weight = 1, .state = STATE_HEALTHY };
	return endpoint_parse_place(strsep(&text, " "), &ret->at) == 0 && read_words(text, ret);
}

/* 0, -ENOMEM, or -EBADMSG and the one that is none. */
static int read_endpoints(const cJSON *list, struct endpoints *ret, struct complaint *why)
{
	const cJSON *child;
	int r = 0;

	cJSON_ArrayForEach(child, list)
	{
		_cleanup_free_ char *text = NULL;
		struct endpoint e;

		*why = (struct complaint){ "backends", "a place, weight=N, zone=Z", child };
		if (!cJSON_IsString(child))
			return -EBADMSG;
		text = strdup(child->valuestring);
		if (!text)
			return -ENOMEM;
		if (!read_endpoint(text, &e))
			return -EBADMSG;
		r = endpoints_add(ret, &e);
		if (r < 0)
			return r == -E2BIG ? -EBADMSG : r;
	}
	endpoints_normalise(ret);
	return r;
}

static const char *text_of(const cJSON *json, const char *member, struct complaint *why)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, member);

	*why = (struct complaint){ member, "a name", value };
	return cJSON_IsString(value) && *value->valuestring ? value->valuestring : NULL;
}

static bool time_of(const cJSON *json, const char *member, int64_t *ret, struct complaint *why)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, member);

	*why = (struct complaint){ member, "seconds since the epoch", value };
	if (!cJSON_IsNumber(value) || value->valuedouble < 0 || value->valuedouble > TIME_MAX)
		return false;
	*ret = (int64_t)value->valuedouble;
	return true;
}

static bool read_vip(const cJSON *json, struct known_row *row, struct complaint *why)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "vip");

	*why = (struct complaint){ "vip", "an IP address", value };
	row->has_vip = value != NULL;
	return !value || (cJSON_IsString(value) && addr_parse(value->valuestring, &row->vip) == 0 &&
			  addr_is_unicast(&row->vip));
}

/* 0, -ENOMEM, or -EBADMSG and what is wrong. */
static int read_row(const cJSON *json, struct known_row *row, struct complaint *why)
{
	const cJSON *backends = cJSON_GetObjectItemCaseSensitive(json, "backends");
	const char *service = text_of(json, "service", why), *source;

	if (!service || strlen(service) >= SHUNT_NAME_MAX)
		return -EBADMSG;
	source = text_of(json, "source", why);
	if (!source || !time_of(json, "answered", &row->answered_s, why) ||
	    !read_vip(json, row, why))
		return -EBADMSG;
	*why = (struct complaint){ "backends", "a list", backends };
	if (!cJSON_IsArray(backends))
		return -EBADMSG;
	row->service = strdup(service);
	row->source = strdup(source);
	if (!row->service || !row->source)
		return -ENOMEM;
	return read_endpoints(backends, &row->endpoints, why);
}

/* --- the file --------------------------------------------------------------------------------- */

struct line {
	const char *text;
	size_t length, number;
};

/* The tree of a line; NULL and what is wrong with it in *problems. */
static cJSON *line_parse(const struct line *line, struct diag *problems)
{
	struct json_fault fault;
	cJSON *json = NULL;
	char where[48];
	int r = -E2BIG;

	(void)snprintf(where, sizeof(where), "line %zu", line->number);
	if (line->length <= KNOWN_LINE_MAX)
		r = json_parse(line->text, line->length, DEPTH_MAX, &json, &fault);
	if (r == -EINVAL)
		diag_add(problems, where, "got %s, wanted %s", fault.got, fault.wanted);
	else if (r < 0)
		diag_add(problems, where, "%s", strerror(-r));
	return json;
}

static bool next_line(const char *end, struct line *line)
{
	const char *text = line->text + line->length + (line->number > 0), *newline;

	if (text >= end)
		return false;
	newline = memchr(text, '\n', (size_t)(end - text));
	if (!newline)
		return false;
	*line = (struct line){ text, (size_t)(newline - text), line->number + 1 };
	return true;
}

/* -E2BIG: more than the maps can hold. */
static int take_row(struct known *k, struct known_row *row)
{
	if (k->n >= KNOWN_ROWS_MAX || k->backends + row->endpoints.n > KNOWN_BACKENDS_MAX)
		return -E2BIG;
	if (util_grow(&k->list, &k->capacity, k->n + 1, sizeof(*row)) < 0)
		return -ENOMEM;
	k->backends += row->endpoints.n;
	k->list[k->n++] = *row;
	*row = (struct known_row){ 0 };
	return 0;
}

/* A line that is no row is told of, and that is all. 0 or -ENOMEM. */
static int add_row(struct known *k, const struct line *line, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = line_parse(line, problems);
	_cleanup_(row_done) struct known_row row = { 0 };
	char where[48], got[JSON_DESCRIPTION_MAX];
	struct complaint why = { 0 };
	int r;

	if (!json)
		return 0;
	r = read_row(json, &row, &why);
	if (r == 0)
		r = take_row(k, &row);
	(void)snprintf(where, sizeof(where), "line %zu", line->number);
	if (r == -EBADMSG)
		diag_add(problems, where, "%s: got %s, wanted %s", why.member,
			 why.got ? json_describe(why.got, got) : "nothing", why.wanted);
	else if (r == -E2BIG)
		diag_add(problems, where, "more than the maps can hold");
	return r == -ENOMEM ? r : 0;
}

static int read_start(struct known *k, const struct line *line, struct diag *problems)
{
	_cleanup_(json_free_p) cJSON *json = line_parse(line, problems);
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "version");
	char got[JSON_DESCRIPTION_MAX];
	struct complaint why;

	if (!json)
		return -EBADMSG;
	if (!cJSON_IsNumber(version) || version->valuedouble != KNOWN_VERSION) {
		diag_add(problems, "version", "got %s, wanted %d",
			 version ? json_describe(version, got) : "nothing", KNOWN_VERSION);
		return -EBADMSG;
	}
	if (time_of(json, "written", &k->written_s, &why))
		return 0;
	diag_add(problems, "written", "got %s, wanted %s",
		 why.got ? json_describe(why.got, got) : "nothing", why.wanted);
	return -EBADMSG;
}

/* Is the last line the one that belongs to all before it? *ret_end is where those end. */
static int check_end(const char *text, size_t length, const char **ret_end, struct diag *problems)
{
	const char *newline = memrchr(text, '\n', length - 1);
	_cleanup_free_ char *wanted = NULL;
	size_t before = newline ? (size_t)(newline - text) + 1 : 0, rows = 0, wanted_length = 0;
	FILE *to;

	for (const char *p = text; before > 0 && (p = memchr(p, '\n', before - (size_t)(p - text)));
	     p++)
		rows++;
	to = open_memstream(&wanted, &wanted_length);
	if (!to)
		return -ENOMEM;
	known_write_end(to, rows - 1, book_checksum(0, text, before));
	if (fclose(to) != 0)
		return -ENOMEM;
	*ret_end = text + before;
	if (before > 0 && length - before == wanted_length &&
	    memcmp(*ret_end, wanted, wanted_length) == 0)
		return 0;
	length -= before + (text[length - 1] == '\n');
	diag_add(problems, "the end", "got '%.*s', wanted its checksum: it is cut off or damaged",
		 (int)MIN(length, 64), *ret_end);
	return -EBADMSG;
}

/* Of two for the same the first stays. */
static void sort_unique(struct known *k)
{
	size_t n = 0;

	if (k->n > 0)
		qsort(k->list, k->n, sizeof(*k->list), compare);
	for (size_t i = 0; i < k->n; i++) {
		if (n == 0 || compare(&k->list[n - 1], &k->list[i]) != 0)
			k->list[n++] = k->list[i];
		else
			row_done(&k->list[i]);
	}
	k->n = n;
}

int known_read(struct known *k, const char *text, size_t length, struct diag *problems)
{
	_cleanup_(known_done) struct known read = { 0 };
	struct line line = { .text = text };
	const char *end;
	int r;

	if (!next_line(text + length, &line)) {
		diag_add(problems, "line 1", "got no whole line, wanted one with the version");
		return -EBADMSG;
	}
	r = read_start(&read, &line, problems);
	if (r == 0)
		r = check_end(text, length, &end, problems);
	while (r == 0 && next_line(end, &line))
		r = add_row(&read, &line, problems);
	if (r < 0)
		return r;
	sort_unique(&read);
	*k = read;
	read = (struct known){ 0 };
	return 0;
}
