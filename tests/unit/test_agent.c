/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "agent/agent.h"

static struct config *parsed(const char *text)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	const struct config_environment environment = { 0 };
	struct config *config;

	assert_int_equal(config_parse(text, strlen(text), "test", &environment, &config, &problems),
			 0);
	return config;
}

/* The leak check at the end of the program sees what a start that failed has left. */
static void without_a_descriptor_left_it_says_so_and_frees_all(void **state)
{
	const struct agent_options options = {
		.config = parsed("{\"services\": [{\"name\": \"a\", \"port\": 80, "
				 "\"static\": {\"endpoints\": [\"10.0.0.1:80\"]}}]}"),
		.origin = "test",
	};
	_cleanup_(diag_done) struct diag problems = { 0 };
	struct rlimit before, none;
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ (rlim_t)lowest, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(agent_run(&options, &problems), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(problems.total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_descriptor_left_it_says_so_and_frees_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
