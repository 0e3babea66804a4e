/* SPDX-License-Identifier: Apache-2.0 */
/* The source of a service, or of one of its parts, in the text of `status`. */
#include "ctl/status_put.h"

void status_put_answers(FILE *to, const cJSON *source)
{
	double backends = 0, age_s, next_s;

	(void)status_number_at(source, "backends", &backends);
	(void)fprintf(to, " -> %.0f backend%s, ", backends, backends == 1 ? "" : "s");
	if (status_number_at(source, "age_s", &age_s)) {
		(void)fputs("answered ", to);
		status_put_duration(to, age_s);
		(void)fputs(" ago", to);
	} else {
		(void)fputs("never answered", to);
	}
	if (status_number_at(source, "next_s", &next_s)) {
		(void)fputs(", next in ", to);
		status_put_duration(to, next_s);
	}
	(void)fputc('\n', to);
}

static void put_error(FILE *to, const char *indent, const cJSON *error)
{
	const char *message = status_text_at(error, "message");
	double count, age_s;

	(void)fprintf(to, "%serror: ", indent);
	status_put_text(to, status_text_at(error, "code"));
	if (message && *message) {
		(void)fputs(": ", to);
		status_put_text(to, message);
	}
	if (status_number_at(error, "count", &count) && status_number_at(error, "age_s", &age_s)) {
		(void)fprintf(to, " (%.0f in a row, last ", count);
		status_put_duration(to, age_s);
		(void)fputs(" ago)", to);
	}
	(void)fputc('\n', to);
}

static void put_shrink(FILE *to, const char *indent, const cJSON *shrink)
{
	double answered = 0, in_force = 0, for_s = 0, confirm_s = 0;

	(void)status_number_at(shrink, "answered", &answered);
	(void)status_number_at(shrink, "in_force", &in_force);
	(void)status_number_at(shrink, "for_s", &for_s);
	(void)status_number_at(shrink, "confirm_s", &confirm_s);
	(void)fprintf(to, "%sshrink: the answer has %.0f where %.0f are in force, for ", indent,
		      answered, in_force);
	status_put_duration(to, for_s);
	(void)fputs("; believed after ", to);
	status_put_duration(to, confirm_s);
	(void)fputc('\n', to);
}

/* Instances about which something is wrong. */
static void put_faulty(FILE *to, const char *indent, const cJSON *faulty, const char *before,
		       const char *after)
{
	double count = 0;

	if (!cJSON_IsObject(faulty))
		return;
	(void)status_number_at(faulty, "count", &count);
	(void)fprintf(to, "%s%s: %.0f %s: ", indent, before, count, after);
	status_put_line(to, "", status_text_at(faulty, "why"));
}

void status_put_trouble(FILE *to, const char *indent, const cJSON *source)
{
	const char *keeping = status_text_at(source, "keeping");
	const char *note = status_text_at(source, "note");

	if (keeping) {
		(void)fputs(indent, to);
		status_put_line(to, "keeping ", keeping);
	}
	if (cJSON_IsObject(status_member(source, "error")))
		put_error(to, indent, status_member(source, "error"));
	if (cJSON_IsObject(status_member(source, "shrink")))
		put_shrink(to, indent, status_member(source, "shrink"));
	put_faulty(to, indent, status_member(source, "rejected"), "left out",
		   "without a usable address");
	put_faulty(to, indent, status_member(source, "misweighted"), "given weight 1",
		   "with a bad weight");
	if (note) {
		(void)fputs(indent, to);
		status_put_line(to, "note: ", note);
	}
}

void status_put_parts(FILE *to, const cJSON *parts)
{
	const cJSON *part;
	size_t index = 0;

	if (!cJSON_IsArray(parts))
		return;
	cJSON_ArrayForEach(part, parts)
	{
		double weight = 0;

		(void)status_number_at(part, "weight", &weight);
		(void)fprintf(to, INDENT "split[%zu]: weight %.0f, ", index++, weight);
		status_put_text(to, status_text_at(part, "source"));
		(void)fputc(' ', to);
		status_put_text(to, status_text_at(part, "target"));
		status_put_answers(to, part);
		status_put_trouble(to, INDENT INDENT, part);
	}
}
