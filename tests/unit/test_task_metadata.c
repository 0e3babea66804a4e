/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/task_metadata.h"

static void the_region_is_that_of_the_task_s_arn(void **state)
{
	static const struct {
		const char *body, *region;
	} rows[] = {
		{ "{\"Cluster\":\"c\",\"TaskARN\":\"arn:aws:ecs:us-west-2:111122223333:task/"
		  "default/"
		  "158d1c8083dd49d6b527399fd6414f5c\",\"Family\":\"f\"}",
		  "us-west-2" },
		{ "{\"TaskARN\":\"arn:aws-us-gov:ecs:us-gov-west-1:1:task/x\"}", "us-gov-west-1" },
		{ "{\"TaskARN\":\"arn:aws:ecs::1:task/x\"}", NULL },
		{ "{\"TaskARN\":\"arn:aws:ecs\"}", NULL },
		{ "{\"TaskARN\":\"arn:aws:ecs:Narnia:1:task/x\"}", NULL },
		{ "{\"TaskARN\":\"arn:aws:ecs:us-east-1:x\",\"TaskARN\":\"arn:aws:ecs:us-east-1:"
		  "x\"}",
		  NULL },
		{ "{\"TaskARN\":7}", NULL },
		{ "{}", NULL },
		{ "[]", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char region[TASK_METADATA_REGION_MAX] = "";
		int r = task_metadata_region(rows[i].body, strlen(rows[i].body), region);

		assert_int_equal(r, rows[i].region ? 0 : -EBADMSG);
		assert_string_equal(region, rows[i].region ? rows[i].region : "");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_region_is_that_of_the_task_s_arn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
