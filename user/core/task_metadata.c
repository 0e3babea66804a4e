/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task_metadata.h"

#include <errno.h>

#include "core/config_names.h"
#include "core/reply_json.h"

#define ARN_REGION 3 /* arn:PARTITION:ecs:REGION:ACCOUNT:task/... */

int task_metadata_region(const char *body, size_t length, char ret[static TASK_METADATA_REGION_MAX])
{
	_cleanup_(json_free_p) cJSON *json = NULL;
	char wrong[REPLY_JSON_ERROR_MAX];
	const char *arn;
	bool repeated;
	size_t region;

	if (reply_json_parse(body, length, &json, wrong) < 0)
		return -EBADMSG;
	arn = cJSON_GetStringValue(reply_json_member(json, "TaskARN", &repeated));
	if (!arn || repeated)
		return -EBADMSG;
	for (int i = 0; i < ARN_REGION && arn; i++) {
		arn = strchr(arn, ':');
		arn = arn ? arn + 1 : NULL;
	}
	region = arn ? strcspn(arn, ":") : 0;
	if (region == 0 || region >= TASK_METADATA_REGION_MAX ||
	    !config_region_is_good(arn, region))
		return -EBADMSG;
	(void)snprintf(ret, TASK_METADATA_REGION_MAX, "%.*s", (int)region, arn);
	return 0;
}
