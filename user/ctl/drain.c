/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl drain, undrain: a backend gets no new connections, or gets them again. */
#include <errno.h>

#include "base/log.h"
#include "core/endpoints.h"
#include "core/json.h"
#include "ctl/client.h"

static bool is_true(const cJSON *reply, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, key));
}

static void print_warnings(const cJSON *reply)
{
	const cJSON *warning;

	cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(reply, "warnings"))
	{
		const char *text = cJSON_GetStringValue(warning);
		_cleanup_free_ char *escaped = text ? log_escape(text) : NULL;

		if (escaped)
			(void)ctl_fail(EX_OK, "%s", escaped);
	}
}

/* "a, b"; the caller's. */
static char *list_services(const cJSON *reply)
{
	const cJSON *services = cJSON_GetObjectItemCaseSensitive(reply, "services"), *service;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	cJSON_ArrayForEach(service, services)
	{
		const char *name = cJSON_GetStringValue(service);
		_cleanup_free_ char *escaped = log_escape(name ? name : "?");

		(void)fprintf(to, "%s%s", service == services->child ? "" : ", ",
			      escaped ? escaped : "?");
	}
	(void)fclose(to);
	return text;
}

static int print_done(const struct ctl *ctl, const char *place, const cJSON *reply)
{
	static const char *const sentences[2][2] = {
		{ "was not drained", "gets new connections again" },
		{ "was drained already", "is drained, it gets no new connections" },
	};
	bool drained = is_true(reply, "drained"), changed = is_true(reply, "changed");
	_cleanup_free_ char *services = list_services(reply);
	_cleanup_free_ char *json = NULL;
	bool named = changed && services && *services;

	if (ctl->form == WRITER_JSON) {
		json = cJSON_Print(reply);
		if (!json)
			return ctl_fail(EX_OSERR, "out of memory");
		(void)puts(json);
	} else {
		(void)printf("%s %s%s%s\n", place, sentences[drained][changed], named ? ": " : "",
			     named ? services : "");
	}
	if (fflush(stdout) != 0)
		return ctl_fail(EX_OSERR, "cannot write: %s", strerror(errno));
	return EX_OK;
}

static int tell(const struct ctl *ctl, const char *verb)
{
	_cleanup_(json_free_p) cJSON *reply = NULL;
	char place[ADDR_PORT_TEXT_MAX];
	struct addr_port at;
	int code;

	if (endpoint_parse_place(ctl->argument, &at) < 0) {
		_cleanup_free_ char *escaped = log_escape(ctl->argument);

		return ctl_fail(EX_USAGE, "%s: got '%s', wanted ADDR:PORT or [IPV6]:PORT", verb,
				escaped ? escaped : "");
	}
	code = client_ask(ctl, verb, endpoint_format_place(&at, place), &reply);
	if (code != EX_OK)
		return code;
	code = print_done(ctl, place, reply);
	print_warnings(reply);
	return code == EX_OK && !is_true(reply, "stored") ? EX_OSERR : code;
}

int drain_run(const struct ctl *ctl)
{
	return tell(ctl, "drain");
}

int undrain_run(const struct ctl *ctl)
{
	return tell(ctl, "undrain");
}
