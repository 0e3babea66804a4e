/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/replacement.h"
#include "io/config_file.h"

struct fixture {
	char path[32];
	struct diag problems;
};

static void write_config(struct fixture *f, const char *text)
{
	assert_int_equal(replacement_file(f->path, text, strlen(text), 0600), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	(void)util_copy(f->path, sizeof(f->path), "/tmp/test_config_file.XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	(void)unsetenv(CONFIG_FILE_VARIABLE);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	diag_done(&f->problems);
	free(f);
	return 0;
}

static void a_named_file_comes_before_the_environment(void **state)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_free_ char *origin = NULL;
	struct fixture *f = *state;

	write_config(f, "{\"bpffs\": \"/from/file\", \"services\": []}");
	(void)setenv(CONFIG_FILE_VARIABLE, "{\"bpffs\": \"/from/environment\", \"services\": []}",
		     1);
	assert_int_equal(config_file_load(f->path, &origin, &config, &f->problems), 0);
	assert_string_equal(config->bpffs, "/from/file");
	assert_string_equal(origin, f->path);
}

static void the_environment_comes_before_the_default_file(void **state)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_free_ char *origin = NULL;
	struct fixture *f = *state;

	(void)setenv(CONFIG_FILE_VARIABLE, "{\"bpffs\": \"/from/environment\", \"services\": []}",
		     1);
	assert_int_equal(config_file_load(NULL, &origin, &config, &f->problems), 0);
	assert_string_equal(config->bpffs, "/from/environment");
	assert_string_equal(origin, CONFIG_FILE_VARIABLE);
}

static void a_file_that_is_not_there_is_told(void **state)
{
	char *origin = NULL;
	struct fixture *f = *state;
	struct config *config = NULL;

	(void)setenv(CONFIG_FILE_VARIABLE, "{}", 1);
	assert_int_equal(config_file_load("/nowhere/shunt.json", &origin, &config, &f->problems),
			 -ENOENT);
	assert_null(config);
	assert_null(origin);
	assert_int_equal(f->problems.n, 1);
	assert_string_equal(
		f->problems.lines[0],
		"/nowhere/shunt.json: cannot read the configuration: No such file or directory");
}

static void a_file_too_large_is_told(void **state)
{
	char *origin = NULL;
	struct fixture *f = *state;
	struct config *config = NULL;

	assert_int_equal(truncate(f->path, CONFIG_BYTES_MAX + 1), 0);
	assert_int_equal(config_file_load(f->path, &origin, &config, &f->problems), -EINVAL);
	assert_int_equal(f->problems.n, 1);
	assert_string_equal(strchr(f->problems.lines[0], ':'),
			    ": got a larger text, wanted at most 8388608 bytes");
}

static void the_faults_of_the_text_are_told(void **state)
{
	char *origin = NULL;
	struct fixture *f = *state;
	struct config *config = NULL;

	write_config(f, "{\"bpffs\": 1, \"bpffz\": 2, \"services\": []}");
	assert_int_equal(config_file_load(f->path, &origin, &config, &f->problems), -EINVAL);
	assert_int_equal(f->problems.n, 2);
	assert_null(config);
	assert_null(origin);
}

#define ON_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void a_profile_tells_region_and_kind_of_endpoint_where_nothing_else_does(void **state)
{
	static const char text[] =
		"[default]\nregion=eu-west-1\n[profile p]\nregion=us-gov-west-1\n"
		"use_fips_endpoint = true\n";
	static const struct {
		const char *profile, *region, *wanted;
	} rows[] = {
		{ "", "", "https://data-servicediscovery.eu-west-1.amazonaws.com" },
		{ "p", "", "https://data-servicediscovery-fips.us-gov-west-1.amazonaws.com" },
		{ "p", "us-east-1", "https://data-servicediscovery-fips.us-east-1.amazonaws.com" },
	};
	struct fixture *f = *state;
	char profiles[64];

	(void)snprintf(profiles, sizeof(profiles), "%s.profiles", f->path);
	assert_int_equal(replacement_file(profiles, text, strlen(text), 0600), 0);
	write_config(f, "{\"services\":[]}");
	assert_int_equal(setenv("AWS_CONFIG_FILE", profiles, 1), 0);
	assert_int_equal(setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_free_ char *origin = NULL;

		assert_int_equal(setenv("AWS_PROFILE", rows[i].profile, 1), 0);
		assert_int_equal(setenv("AWS_REGION", rows[i].region, 1), 0);
		assert_int_equal(config_file_load(f->path, &origin, &c, &f->problems), 0);
		assert_string_equal(c->aws.data_endpoint, rows[i].wanted);
	}
	(void)unsetenv("AWS_REGION");
	(void)unsetenv("AWS_PROFILE");
	(void)unsetenv("AWS_CONFIG_FILE");
	(void)unlink(profiles);
}

static void the_environment_s_endpoint_is_that_of_the_service_first(void **state)
{
	static const struct {
		const char *service, *all, *ignored, *wanted;
	} rows[] = {
		{ "https://one.test", "https://two.test", "", "https://one.test" },
		{ "", "https://two.test", "false", "https://two.test" },
		{ "https://one.test", "", "true",
		  "https://servicediscovery.us-east-1.amazonaws.com" },
	};
	struct fixture *f = *state;

	write_config(f, "{\"aws\":{\"region\":\"us-east-1\"},\"services\":[]}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_free_ char *origin = NULL;

		assert_int_equal(setenv("AWS_ENDPOINT_URL_SERVICEDISCOVERY", rows[i].service, 1),
				 0);
		assert_int_equal(setenv("AWS_ENDPOINT_URL", rows[i].all, 1), 0);
		assert_int_equal(setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", rows[i].ignored, 1),
				 0);
		assert_int_equal(config_file_load(f->path, &origin, &c, &f->problems), 0);
		assert_string_equal(c->aws.endpoint, rows[i].wanted);
	}
	(void)unsetenv("AWS_ENDPOINT_URL_SERVICEDISCOVERY");
	(void)unsetenv("AWS_ENDPOINT_URL");
	(void)unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FILE(a_named_file_comes_before_the_environment),
		ON_FILE(the_environment_comes_before_the_default_file),
		ON_FILE(a_file_that_is_not_there_is_told),
		ON_FILE(a_file_too_large_is_told),
		ON_FILE(the_faults_of_the_text_are_told),
		ON_FILE(a_profile_tells_region_and_kind_of_endpoint_where_nothing_else_does),
		ON_FILE(the_environment_s_endpoint_is_that_of_the_service_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
