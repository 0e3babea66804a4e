/* SPDX-License-Identifier: Apache-2.0 */
#include "io/config_file.h"

#include <errno.h>
#include <strings.h>

#include "io/profile_files.h"

static const char *not_empty(const char *value)
{
	return value && *value ? value : NULL;
}

static const char *read_variable(const char *name)
{
	return getenv(name);
}

static const char *variable(const char *name)
{
	return not_empty(getenv(name));
}

static const char *either(const char *first, const char *second)
{
	return first ? first : second;
}

static bool is_true(const char *text)
{
	return text && strcasecmp(text, "true") == 0;
}

/* Of the SDKs' environment and profile; the latter is read from `files`, which must outlive it. */
static struct config_environment environment_read(struct profile_files *files)
{
	const char *endpoint = either(variable("AWS_ENDPOINT_URL_SERVICEDISCOVERY"),
				      variable("AWS_ENDPOINT_URL"));
	char ignored[PROFILE_FILES_ERROR_MAX]; /* `status` tells it, if credentials need it */

	if (profile_files_read(read_variable, files, ignored) < 0)
		files->profile = "";
	return (struct config_environment){
		.aws_region = either(either(variable("AWS_REGION"), variable("AWS_DEFAULT_REGION")),
				     profile_files_get(files, "region")),
		.aws_endpoint = is_true(variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) ? NULL
											 : endpoint,
		.region_may_come = variable("ECS_CONTAINER_METADATA_URI_V4") ||
				   !is_true(variable("AWS_EC2_METADATA_DISABLED")),
		.use_fips_endpoint = is_true(either(variable("AWS_USE_FIPS_ENDPOINT"),
						    profile_files_get(files, "use_fips_endpoint"))),
		.use_dualstack_endpoint =
			is_true(either(variable("AWS_USE_DUALSTACK_ENDPOINT"),
				       profile_files_get(files, "use_dualstack_endpoint"))),
	};
}

static int text_load(const char *path, const char *variable, char **ret_text, size_t *ret_length)
{
	char *copy;

	if (path)
		return util_read_file(path, CONFIG_BYTES_MAX, ret_text, ret_length);
	copy = strdup(variable);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	*ret_length = strlen(copy);
	return 0;
}

int config_file_read(const char *path, char **ret_origin, char **ret_text, size_t *ret_length,
		     struct diag *problems)
{
	const char *variable = path ? NULL : not_empty(getenv(CONFIG_FILE_VARIABLE));
	_cleanup_free_ char *origin = NULL;
	int r;

	if (!path && !variable)
		path = CONFIG_FILE_DEFAULT;
	origin = strdup(path ? path : CONFIG_FILE_VARIABLE);
	if (!origin)
		return -ENOMEM;
	r = text_load(path, variable, ret_text, ret_length);
	if (r == -EFBIG) {
		diag_add(problems, origin, "got a larger text, wanted at most %u bytes",
			 CONFIG_BYTES_MAX);
		return -EINVAL;
	}
	if (r < 0) {
		diag_add(problems, origin, "cannot read the configuration: %s", strerror(-r));
		return r;
	}
	*ret_origin = TAKE_PTR(origin);
	return 0;
}

int config_file_load(const char *path, char **ret_origin, struct config **ret,
		     struct diag *problems)
{
	_cleanup_(profile_files_done) struct profile_files files = { 0 };
	const struct config_environment environment = environment_read(&files);
	_cleanup_free_ char *origin = NULL;
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = config_file_read(path, &origin, &text, &length, problems);

	if (r == 0)
		r = config_parse(text, length, origin, &environment, ret, problems);
	if (r == 0)
		*ret_origin = TAKE_PTR(origin);
	return r;
}
