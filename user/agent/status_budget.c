/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of the calls to Cloud Map: how many there may be, and what holds them back.
 */
#include "agent/status.h"

#include "sources/turns.h"

/* Operations that go slower than the budget, for the account's quota. */
static void add_held_back(const struct budget *b, cJSON *to)
{
	cJSON *list = cJSON_AddArrayToObject(to, "held_back");

	for (size_t i = 0; i < BUDGET_KINDS; i++) {
		cJSON *row = quota_holds_back(&b->quotas[i]) ? cJSON_CreateObject() : NULL;

		if (!row)
			continue;
		status_add_text(row, "operation", budget_operation((enum budget_kind)i));
		(void)cJSON_AddNumberToObject(row, "calls_per_second", b->quotas[i].rate);
		(void)cJSON_AddItemToArray(list, row);
	}
}

/* Sources whose endpoint, or role, lacks the call for revisions; null: all have it. */
static void add_lacking(const struct agent *agent, cJSON *to)
{
	const char *first = NULL, *code;
	size_t n = 0;
	cJSON *row;

	for (size_t i = 0; i < agent->n_watches; i++) {
		const struct parts *parts = &agent->watches[i]->parts;

		for (size_t j = 0; j < parts->n; j++) {
			code = parts->list[j]->source ? source_lacks(parts->list[j]->source) : NULL;
			first = first ? first : code;
			n += code != NULL;
		}
	}
	if (n == 0) {
		(void)cJSON_AddNullToObject(to, "without_revisions");
		return;
	}
	row = cJSON_AddObjectToObject(to, "without_revisions");
	(void)cJSON_AddNumberToObject(row, "sources", (double)n);
	status_add_text(row, "code", first);
}

void status_add_budget(const struct agent *agent, cJSON *status)
{
	const struct budget *b = turns_budget(agent->env.turns);
	uint64_t now_ms = uv_hrtime() / 1000000;
	cJSON *to = cJSON_AddObjectToObject(status, "budget");

	(void)cJSON_AddNumberToObject(to, "calls_per_second", b->calls_per_second);
	(void)cJSON_AddNumberToObject(to, "in_last_second", budget_in_last_second(b, now_ms));
	(void)cJSON_AddNumberToObject(to, "waiting", (double)budget_waiting(b));
	(void)cJSON_AddNumberToObject(to, "calls", (double)b->begun);
	(void)cJSON_AddNumberToObject(to, "refused", (double)b->refused);
	add_held_back(b, to);
	add_lacking(agent, to);
}
