/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_put.h"

#include "base/log.h"
#include "base/util.h"

const cJSON *status_member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *status_text_at(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(status_member(object, key));
}

bool status_number_at(const cJSON *object, const char *key, double *ret)
{
	const cJSON *number = status_member(object, key);

	if (!cJSON_IsNumber(number))
		return false;
	*ret = number->valuedouble;
	return true;
}

void status_put_text(FILE *to, const char *untrusted)
{
	_cleanup_free_ char *escaped = log_escape(untrusted ? untrusted : "-");

	if (escaped)
		(void)fputs(escaped, to);
}

void status_put_line(FILE *to, const char *before, const char *untrusted)
{
	(void)fputs(before, to);
	status_put_text(to, untrusted);
	(void)fputc('\n', to);
}

void status_put_duration(FILE *to, double seconds)
{
	static const struct {
		double below, unit;
		int decimals;
		const char *name;
	} scales[] = {
		{ 10, 1, 1, "s" },	  { 120, 1, 0, "s" },	    { 7200, 60, 0, "min" },
		{ 172800, 3600, 0, "h" }, { 1e300, 86400, 0, "d" },
	};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(scales) && seconds >= scales[i].below)
		i++;
	(void)fprintf(to, "%.*f %s", scales[i].decimals, seconds / scales[i].unit, scales[i].name);
}
