/* SPDX-License-Identifier: Apache-2.0 */
/* What a part of a service gets its backends from, as a text that outlives a configuration. */
#include "core/config.h"

static char *of_dns(const struct config_service *part)
{
	char *text = NULL;
	int r;

	if (part->dns.type == CONFIG_DNS_SRV)
		r = asprintf(&text, "dns SRV %s", part->dns.name);
	else
		r = asprintf(&text, "dns %s %s %u", config_dns_type_name(part->dns.type),
			     part->dns.name, part->dns.port);
	return r < 0 ? NULL : text;
}

/* Of an imported service that is known by its own name only, nobody knows what to ask for. */
static char *of_cloudmap(const struct config *config, const struct config_service *part)
{
	const struct config_cloudmap *c = &part->cloudmap;
	char *text = NULL;
	int r;

	if (!c->namespace || !c->service)
		return NULL;
	r = asprintf(&text, "cloudmap %s %s%s%s/%s", config->aws.region ? config->aws.region : "-",
		     c->owner_account ? c->owner_account : "", c->owner_account ? ":" : "",
		     c->namespace, c->service);
	return r < 0 ? NULL : text;
}

char *config_identity(const struct config *config, const struct config_service *part)
{
	char *text = NULL;

	switch (part->source) {
	case CONFIG_SOURCE_CLOUDMAP:
		return of_cloudmap(config, part);
	case CONFIG_SOURCE_DNS:
		return of_dns(part);
	case CONFIG_SOURCE_STATIC:
		if (!part->fixed.file || asprintf(&text, "static %s", part->fixed.file) < 0)
			return NULL;
		return text;
	case CONFIG_SOURCE_SPLIT:
		break;
	}
	return NULL;
}
