/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` tells of the credentials: who gives them, until when, and who was passed over. */
#include "agent/status.h"

#include <time.h>

static void add_expiry(cJSON *to, int64_t expires_s)
{
	char expires[sizeof("2026-11-21T00:00:00Z")];
	time_t when = (time_t)expires_s;
	struct tm utc;

	if (expires_s > 0 && gmtime_r(&when, &utc) &&
	    strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
		status_add_text(to, "expires_at", expires);
	else
		status_add_text(to, "expires_at", NULL);
}

static void add_passed(cJSON *to, const struct credentials_status *now)
{
	cJSON *list = cJSON_AddArrayToObject(to, "passed_over");

	for (size_t i = 0; i < now->n_passed; i++) {
		cJSON *passed = cJSON_CreateObject();

		status_add_text(passed, "provider", now->passed[i].provider);
		status_add_text(passed, "why", now->passed[i].why);
		(void)cJSON_AddItemToArray(list, passed);
	}
}

/* null while our clock agrees with AWS's. */
static void add_clock(const struct agent *agent, cJSON *status)
{
	const struct clock_skew *clock = credentials_clock(agent->env.credentials);

	if (clock->offset_s)
		(void)cJSON_AddNumberToObject(status, "clock_offset_s", (double)clock->offset_s);
	else
		(void)cJSON_AddNullToObject(status, "clock_offset_s");
}

static void add_region(const struct agent *agent, cJSON *status)
{
	cJSON *region = cJSON_AddObjectToObject(status, "region");

	status_add_text(region, "name", agent->config->aws.region);
	status_add_text(region, "from", agent->region.name ? agent->region.from : NULL);
	status_add_text(region, "error", region_search_error(agent->region.search));
}

void status_add_credentials(const struct agent *agent, cJSON *status)
{
	cJSON *credentials = cJSON_AddObjectToObject(status, "credentials");
	struct credentials_status now;

	credentials_status(agent->env.credentials, &now);
	status_add_text(credentials, "provider", now.provider);
	(void)cJSON_AddBoolToObject(credentials, "available", now.available);
	add_expiry(credentials, now.expires_s);
	status_add_text(credentials, "error", now.error);
	add_passed(credentials, &now);
	add_region(agent, status);
	add_clock(agent, status);
}
