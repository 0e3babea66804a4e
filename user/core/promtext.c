/* SPDX-License-Identifier: Apache-2.0 */
#include "core/promtext.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/log.h"

#define NUMBER_MAX 32

void promtext_done(struct promtext *p)
{
	free(p->text);
	*p = (struct promtext){ 0 };
}

static void put_bytes(struct promtext *p, const char *bytes, size_t length)
{
	if (p->error == 0)
		p->error = util_grow(&p->text, &p->capacity, p->length + length + 1, 1);
	if (p->error < 0)
		return;
	memcpy(p->text + p->length, bytes, length);
	p->length += length;
	p->text[p->length] = '\0';
}

static void put(struct promtext *p, const char *text)
{
	put_bytes(p, text, strlen(text));
}

/* Backslash and newline are escaped everywhere, quotes in label values only. */
static void put_escaped(struct promtext *p, const char *text, const char *special)
{
	while (*text) {
		size_t plain = strcspn(text, special);

		put_bytes(p, text, plain);
		text += plain;
		if (!*text)
			break;
		put(p, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\");
		text++;
	}
}

/* The format is UTF-8, and a value may come from outside: what is not ASCII is checked. */
static void put_value(struct promtext *p, const char *value)
{
	_cleanup_free_ char *escaped = NULL;
	bool ascii = true;

	for (const char *c = value; *c; c++)
		ascii = ascii && (unsigned char)*c < 0x80;
	if (!ascii) {
		escaped = log_escape(value);
		if (!escaped)
			p->error = -ENOMEM;
	}
	put_escaped(p, escaped ? escaped : value, "\\\n\"");
}

static void put_header(struct promtext *p)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	put(p, "# HELP ");
	put(p, p->family->name);
	put(p, " ");
	put_escaped(p, p->family->help, "\\\n");
	put(p, "\n# TYPE ");
	put(p, p->family->name);
	put(p, " ");
	put(p, types[p->family->type]);
	put(p, "\n");
	p->announced = true;
}

static void put_label(struct promtext *p, const char *before, const char *label, const char *value)
{
	put(p, before);
	put(p, label);
	put(p, "=\"");
	put_value(p, value);
	put(p, "\"");
}

/* `le` is the bound of a bucket, or NULL. */
static void put_labels(struct promtext *p, const char *const *values, const char *le)
{
	const char *const *labels = p->family->labels;

	for (size_t i = 0; i < PROMTEXT_LABELS_MAX && labels[i]; i++)
		put_label(p, i == 0 ? "{" : ",", labels[i], values[i]);
	if (le)
		put_label(p, labels[0] ? "," : "{", "le", le);
	if (labels[0] || le)
		put(p, "}");
}

static void put_series(struct promtext *p, const char *suffix, const char *const *values,
		       const char *le, const char *number)
{
	if (!p->announced)
		put_header(p);
	put(p, p->family->name);
	put(p, suffix);
	put_labels(p, values, le);
	put(p, " ");
	put(p, number);
	put(p, "\n");
}

static void put_sample(struct promtext *p, const char *const *values, const char *number)
{
	put_series(p, "", values, NULL, number);
}

void promtext_begin(struct promtext *p, const struct promtext_family *family)
{
	p->family = family;
	p->announced = false;
}

static const char *format_count(uint64_t value, char number[static NUMBER_MAX])
{
	(void)snprintf(number, NUMBER_MAX, "%" PRIu64, value);
	return number;
}

/* The shortest of the two forms that reads back as the same number. */
static const char *format_number(double value, char number[static NUMBER_MAX])
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	(void)snprintf(number, NUMBER_MAX, "%.15g", value);
	if (strtod(number, NULL) != value)
		(void)snprintf(number, NUMBER_MAX, "%.17g", value);
	return number;
}

void promtext_count(struct promtext *p, const char *const *values, uint64_t value)
{
	char number[NUMBER_MAX];

	put_sample(p, values, format_count(value, number));
}

void promtext_number(struct promtext *p, const char *const *values, double value)
{
	char number[NUMBER_MAX];

	put_sample(p, values, format_number(value, number));
}

void promtext_histogram(struct promtext *p, const char *const *values,
			const struct promtext_buckets *buckets)
{
	char number[NUMBER_MAX], bound[NUMBER_MAX];
	uint64_t count = 0;

	for (size_t i = 0; i <= buckets->n; i++) {
		double le = i < buckets->n ? buckets->bounds[i] : INFINITY;

		count += buckets->counts[i];
		put_series(p, "_bucket", values, format_number(le, bound),
			   format_count(count, number));
	}
	put_series(p, "_sum", values, NULL, format_number(buckets->sum, number));
	put_series(p, "_count", values, NULL, format_count(count, number));
}

int promtext_take(struct promtext *p, char **ret_text, size_t *ret_length)
{
	put(p, ""); /* a page without a sample is an empty text, not none */
	if (p->error < 0) {
		int r = p->error;

		promtext_done(p);
		return r;
	}
	*ret_length = p->length;
	*ret_text = TAKE_PTR(p->text);
	promtext_done(p);
	return 0;
}
