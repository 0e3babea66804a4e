/* SPDX-License-Identifier: Apache-2.0 */
#include "io/container_endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "base/addr.h"
#include "core/credentials_wire.h"
#include "io/http_url.h"

#define TOKEN_FILE_MAX (64u << 10)

/* The environment and where to say what is wrong with it. */
struct lookup {
	const char *(*environment)(const char *name);
	char *error;
};

static void wipe_and_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
DEFINE_CLEANUP(char *, wipe_and_free);

void container_endpoint_done(struct container_endpoint *e)
{
	wipe_and_free(e->url);
	wipe_and_free(e->header);
	*e = (struct container_endpoint){ 0 };
}

static int _printf_(2, 3) fail(const struct lookup *l, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(l->error, CONTAINER_ENDPOINT_ERROR_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* NULL for what is not set or empty. */
static const char *variable(const struct lookup *l, const char *name)
{
	const char *value = l->environment(name);

	return value && *value ? value : NULL;
}

/* By http only where it does not leave the host: what the AWS SDKs allow. */
static bool is_allowed(const char *url)
{
	static const char *const hosts[] = { "localhost", "169.254.170.2", "169.254.170.23",
					     "fd00:ec2::23" };
	char host[HTTP_URL_HOST_MAX];
	struct addr address;
	bool https;

	if (http_url_host(url, &https, host) < 0)
		return false;
	if (https || (addr_parse(host, &address) == 0 && addr_is_loopback(&address)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (strcasecmp(host, hosts[i]) == 0)
			return true;
	return false;
}

static int find_url(const struct lookup *l, char **ret)
{
	const char *relative = variable(l, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable(l, "AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (!relative && !full)
		return -ENOENT;
	if (relative && (*relative != '/' || !credentials_wire_is_word(relative)))
		return fail(
			l,
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: wanted a path that starts with /");
	if (!relative && !is_allowed(full))
		return fail(l,
			    "AWS_CONTAINER_CREDENTIALS_FULL_URI: wanted https://, or http:// to a "
			    "loopback "
			    "address, localhost, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]");
	if (asprintf(ret, "%s%s", relative ? "http://169.254.170.2" : full,
		     relative ? relative : "") < 0) {
		*ret = NULL;
		return fail(l, "no memory");
	}
	return 0;
}

static int find_header(const struct lookup *l, char **ret)
{
	const char *path = variable(l, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = variable(l, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	_cleanup_(wipe_and_free_p) char *text = NULL;
	size_t length = 0;
	int r;

	if (path) {
		r = util_read_file(path, TOKEN_FILE_MAX, &text, &length);
		if (r < 0)
			return fail(l, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %.100s: %s", path,
				    strerror(-r));
		token = text;
	}
	if (!token)
		return 0;
	if (text && length > 0 && text[length - 1] == '\n')
		text[--length] = '\0'; /* an editor's or echo's: never part of a header */
	if (!*token || strpbrk(token, "\r\n") || (text && strlen(text) != length))
		return fail(
			l,
			"AWS_CONTAINER_AUTHORIZATION_TOKEN%s: wanted one line without a line break",
			path ? "_FILE" : "");
	if (asprintf(ret, "Authorization: %s", token) < 0) {
		*ret = NULL;
		return fail(l, "no memory");
	}
	return 0;
}

int container_endpoint_find(const char *(*environment)(const char *name),
			    struct container_endpoint *ret,
			    char error[static CONTAINER_ENDPOINT_ERROR_MAX])
{
	_cleanup_(container_endpoint_done) struct container_endpoint found = { 0 };
	const struct lookup l = { .environment = environment, .error = error };
	int r = find_url(&l, &found.url);

	if (r == 0)
		r = find_header(&l, &found.header);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct container_endpoint){ 0 };
	return 0;
}
