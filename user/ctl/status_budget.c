/* SPDX-License-Identifier: Apache-2.0 */
/* The calls to Cloud Map in the text of `status`. */
#include "ctl/status_put.h"

static void put_held_back(FILE *to, const cJSON *row)
{
	double rate = 0;

	(void)status_number_at(row, "calls_per_second", &rate);
	(void)fputs(INDENT, to);
	status_put_text(to, status_text_at(row, "operation"));
	(void)fprintf(to, " is held back to %.1f a second, for the account's quota\n", rate);
}

static void put_lacking(FILE *to, const cJSON *lacking)
{
	double sources = 0;

	if (!cJSON_IsObject(lacking))
		return;
	(void)status_number_at(lacking, "sources", &sources);
	(void)fprintf(to, INDENT "revisions are not told for %.0f source%s (", sources,
		      sources == 1 ? "" : "s");
	status_put_text(to, status_text_at(lacking, "code"));
	(void)fputs("): all instances are asked for at each beat\n", to);
}

/* Where nothing comes from Cloud Map there is nothing to say. */
void status_put_budget(FILE *to, const cJSON *budget)
{
	double most = 0, now = 0, waiting = 0, calls = 0;
	const cJSON *row;

	if (!status_number_at(budget, "calls", &calls) || calls == 0)
		return;
	(void)status_number_at(budget, "calls_per_second", &most);
	(void)status_number_at(budget, "in_last_second", &now);
	(void)status_number_at(budget, "waiting", &waiting);
	(void)fprintf(to, "calls to Cloud Map: %.0f in the last second, at most %.0f", now, most);
	if (waiting > 0)
		(void)fprintf(to, ", %.0f waiting", waiting);
	(void)fputc('\n', to);
	cJSON_ArrayForEach(row, status_member(budget, "held_back"))
	{
		put_held_back(to, row);
	}
	put_lacking(to, status_member(budget, "without_revisions"));
}
