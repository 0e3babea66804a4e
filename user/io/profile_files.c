/* SPDX-License-Identifier: Apache-2.0 */
#include "io/profile_files.h"

#include <errno.h>
#include <stdarg.h>

struct lookup {
	const char *(*environment)(const char *name);
	char *error;
};

static const char *variable(const struct lookup *l, const char *name)
{
	const char *value = l->environment(name);

	return value && *value ? value : NULL;
}

static int _printf_(3, 4) fail(const struct lookup *l, int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(l->error, PROFILE_FILES_ERROR_MAX, format, arguments);
	va_end(arguments);
	return result;
}

static void wipe_and_free_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* "" when there is no telling. */
static int find_path(const struct lookup *l, const char *name, const char *at_home,
		     char ret[static PATH_MAX])
{
	const char *given = variable(l, name), *home = variable(l, "HOME");
	int n = 0;

	ret[0] = '\0';
	if (given && (strncmp(given, "~/", 2) != 0 || !home))
		n = snprintf(ret, PATH_MAX, "%s", given);
	else if (home)
		n = snprintf(ret, PATH_MAX, "%s/%s", home, given ? given + 2 : at_home);
	return n < PATH_MAX ? 0 : fail(l, -EINVAL, "%s: the path is too long", name);
}

static int read_file(const struct lookup *l, const char *path, enum profiles_form form,
		     struct profiles *to)
{
	_cleanup_(wipe_and_free_p) char *text = NULL;
	char wrong[PROFILES_ERROR_MAX];
	size_t length = 0;
	int r;

	if (!*path)
		return 0;
	r = util_read_file(path, PROFILES_FILE_MAX, &text, &length);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return fail(l, -EINVAL, "%.200s: %s", path, strerror(-r));
	if (profiles_read(to, form, text, length, wrong) < 0)
		return fail(l, -EINVAL, "%.200s: %s", path, wrong);
	return 0;
}

void profile_files_done(struct profile_files *f)
{
	profiles_done(&f->profiles);
}

static int find_files(const struct lookup *l, struct profile_files *f)
{
	const char *asked = variable(l, "AWS_PROFILE");
	int r = find_path(l, "AWS_CONFIG_FILE", ".aws/config", f->config);

	if (r == 0)
		r = find_path(l, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", f->credentials);
	if (r == 0)
		r = read_file(l, f->config, PROFILES_CONFIG, &f->profiles);
	if (r == 0)
		r = read_file(l, f->credentials, PROFILES_CREDENTIALS, &f->profiles);
	if (r < 0)
		return r;
	f->profile = asked ? asked : "default";
	if (profiles_has(&f->profiles, f->profile))
		return 0;
	if (!*f->config && !*f->credentials && !asked)
		return fail(l, -ENOENT, "neither HOME nor AWS_SHARED_CREDENTIALS_FILE is set");
	return fail(l, asked ? -EINVAL : -ENOENT, "%sno profile '%.64s' in %.150s or %.150s",
		    asked ? "AWS_PROFILE: " : "", f->profile, f->config, f->credentials);
}

int profile_files_read(const char *(*environment)(const char *name), struct profile_files *ret,
		       char error[static PROFILE_FILES_ERROR_MAX])
{
	const struct lookup l = { .environment = environment, .error = error };
	int r;

	*ret = (struct profile_files){ 0 };
	r = find_files(&l, ret);
	if (r < 0)
		profile_files_done(ret);
	return r;
}

const char *profile_files_get(const struct profile_files *f, const char *name)
{
	return profiles_get(&f->profiles, f->profile, name);
}
