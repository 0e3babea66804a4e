/* SPDX-License-Identifier: Apache-2.0 */
/* A namespace whose services are imported, in the text of `status`. */
#include "ctl/status_put.h"

#include <string.h>

static void put_age(FILE *to, const cJSON *namespace)
{
	double age_s, next_s;

	if (status_number_at(namespace, "age_s", &age_s)) {
		(void)fputs("listed ", to);
		status_put_duration(to, age_s);
		(void)fputs(" ago", to);
	} else {
		(void)fputs("never listed", to);
	}
	if (status_number_at(namespace, "next_s", &next_s)) {
		(void)fputs(", next in ", to);
		status_put_duration(to, next_s);
	}
	(void)fputc('\n', to);
}

static void put_skipped(FILE *to, const cJSON *namespace)
{
	const cJSON *row;
	double count = 0, filtered = 0, shown = 0;

	(void)status_number_at(namespace, "filtered", &filtered);
	(void)status_number_at(namespace, "skipped_count", &count);
	if (filtered > 0)
		(void)fprintf(to, INDENT "left out by its filters: %.0f\n", filtered);
	cJSON_ArrayForEach(row, status_member(namespace, "skipped"))
	{
		(void)fputs(INDENT "skipped: ", to);
		status_put_text(to, status_text_at(row, "service"));
		status_put_line(to, ": ", status_text_at(row, "why"));
		shown++;
	}
	if (count > shown)
		(void)fprintf(to, INDENT "skipped: %.0f more\n", count - shown);
}

void status_put_namespace(FILE *to, const cJSON *namespace)
{
	const char *name = status_text_at(namespace, "name");
	const char *asked = status_text_at(namespace, "cloudmap");
	double services = 0;

	(void)status_number_at(namespace, "services", &services);
	(void)fputs("namespace ", to);
	status_put_text(to, asked);
	if (name && asked && strcmp(name, asked) != 0) {
		(void)fputs(" (", to);
		status_put_text(to, name);
		(void)fputc(')', to);
	}
	(void)fprintf(to, " -> %.0f service%s, ", services, services == 1 ? "" : "s");
	put_age(to, namespace);
	put_skipped(to, namespace);
	status_put_trouble(to, INDENT, namespace);
}
