/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/locate.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "core/json.h"
#include "ctl/ctl.h"
#include "io/config_file.h"

/* The string after "key": in a text that need not be JSON elsewhere; the caller's. NULL: none. */
static cJSON *find_string(const char *text, const char *key)
{
	_cleanup_free_ char *quoted = NULL;
	const char *at;

	if (asprintf(&quoted, "\"%s\"", key) < 0)
		return NULL;
	at = strstr(text, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	at += strspn(at, " \t\r\n");
	if (*at++ != ':')
		return NULL;
	at += strspn(at, " \t\r\n");
	if (*at != '"') /* nothing but a string, so cJSON has nothing to nest */
		return NULL;
	return cJSON_ParseWithOpts(at, NULL, false);
}

/* A configuration of nothing but the two places; those that `text` does not tell are the defaults.
 */
static int parse_places(const char *text, struct config **ret)
{
	static const char *const keys[] = { "bpffs", "control_socket" };
	const struct config_environment environment = { 0 };
	_cleanup_(json_free_p) cJSON *places = cJSON_CreateObject();
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *printed = NULL;

	(void)cJSON_AddArrayToObject(places, "services");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		cJSON *value = find_string(text, keys[i]);

		if (value)
			(void)cJSON_AddItemToObject(places, keys[i], value);
	}
	printed = cJSON_PrintUnformatted(places);
	if (!printed)
		return -ENOMEM;
	return config_parse(printed, strlen(printed), "configuration", &environment, ret,
			    &problems);
}

static int locate_despite(const char *path, bool hush, const struct diag *problems,
			  struct config **ret)
{
	_cleanup_(diag_done) struct diag unread = { 0 };
	_cleanup_free_ char *origin = NULL;
	_cleanup_free_ char *text = NULL;
	size_t length;

	if (!hush)
		diag_print(problems, "shuntctl: ", stderr);
	if (config_file_read(path, &origin, &text, &length, &unread) < 0 ||
	    parse_places(text, ret) < 0)
		return EX_CONFIG;
	if (hush)
		return EX_OK;
	return ctl_fail(EX_OK, "%s has faults; only its bpffs and control_socket are used", origin);
}

int locate_config(const char *path, enum locate_faults faults, struct config **ret)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *origin = NULL;
	int r = config_file_load(path, &origin, ret, &problems);

	if (r == 0)
		return EX_OK;
	if (r == -ENOENT && !path)
		return parse_places("", ret) == 0 ? EX_OK : EX_SOFTWARE;
	if (r == -EINVAL && faults != LOCATE_FAULTS_REFUSE)
		return locate_despite(path, faults == LOCATE_FAULTS_HUSH, &problems, ret);
	diag_print(&problems, "shuntctl: ", stderr);
	if (r == -EINVAL)
		return EX_CONFIG;
	if (r == -ENOENT)
		return EX_NOINPUT;
	return r == -EACCES || r == -EPERM ? EX_NOPERM : EX_OSERR;
}
