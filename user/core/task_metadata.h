/* SPDX-License-Identifier: Apache-2.0 */
/* What ECS tells a container of its task ($ECS_CONTAINER_METADATA_URI_V4/task): the region. Pure.
 */
#pragma once

#include "base/util.h"

#define TASK_METADATA_REGION_MAX 64

/* By the task's ARN. 0; or -EBADMSG: it has none, or none with a region. */
int task_metadata_region(const char *body, size_t length,
			 char ret[static TASK_METADATA_REGION_MAX]);
