/* SPDX-License-Identifier: Apache-2.0 */
#include "io/config_file.h"

#include <errno.h>

static const char *not_empty(const char *value)
{
	return value && *value ? value : NULL;
}

static struct config_environment environment_read(void)
{
	const char *region = not_empty(getenv("AWS_REGION"));

	return (struct config_environment){
		.aws_region = region ? region : not_empty(getenv("AWS_DEFAULT_REGION")),
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
	const struct config_environment environment = environment_read();
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
