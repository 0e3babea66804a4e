/* SPDX-License-Identifier: Apache-2.0 */
/* "dns_fallback" of a service of Cloud Map: the name that DNS is asked for in its place. */
#include <errno.h>

#include "core/config.h"
#include "core/config_check.h"
#include "core/config_names.h"

int config_fallback_name(const struct config_cloudmap *c, char **ret)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "%s.%s", c->service, c->namespace) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return config_name_make(text, ret);
}

void config_check_fallback(struct config_reader *r, const struct config_place *at,
			   const struct config_cloudmap *c)
{
	const struct config_place cloudmap = { .parent = at, .key = "cloudmap" };
	const struct config_place place = { .parent = &cloudmap, .key = "dns_fallback" };
	_cleanup_free_ char *name = NULL;
	int e;

	if (!c->dns_fallback || !c->namespace || !c->service)
		return;
	e = config_fallback_name(c, &name);
	r->out_of_memory |= e == -ENOMEM;
	if (e == -EINVAL)
		config_problem(r, &place,
			       "got true for \"%.64s.%.128s\", wanted a name that DNS can have",
			       c->service, c->namespace);
}
