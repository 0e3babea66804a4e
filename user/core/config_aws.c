/* SPDX-License-Identifier: Apache-2.0 */
/* The region and the endpoints of Cloud Map: what is not given follows from what is. */
#include "core/config_check.h"

#include <errno.h>

#include "core/config.h"
#include "core/config_names.h"

static const struct config_place aws = { .key = "aws" };

/* Takes the first `length` octets of a text as the region. */
static void set_region(struct config_reader *r, struct config *c, const char *text, size_t length)
{
	c->aws.region = strndup(text, length);
	r->out_of_memory |= !c->aws.region;
}

/* From an endpoint that is AWS's own. */
static void set_region_by_url(struct config_reader *r, struct config *c, const char *url)
{
	size_t length;
	const char *region = url && !c->aws.region ? config_url_region(url, &length) : NULL;

	if (region)
		set_region(r, c, region, length);
}

static void find_region(struct config_reader *r, struct config *c,
			const struct config_environment *environment)
{
	const struct config_place region = { .parent = &aws, .key = "region" };
	const char *given = environment->aws_region;

	if (!c->aws.region && given && *given) {
		if (config_region_is_good(given, strlen(given)))
			set_region(r, c, given, strlen(given));
		else if (r->uses_cloudmap)
			config_problem(r, &region,
				       "got \"%s\" from AWS_REGION, AWS_DEFAULT_REGION or the "
				       "profile, wanted an AWS region such as us-east-1",
				       given);
		return;
	}
	set_region_by_url(r, c, c->aws.endpoint);
	set_region_by_url(r, c, c->aws.data_endpoint);
	if (!c->aws.region && r->uses_cloudmap && !environment->region_may_come)
		config_problem(r, &region,
			       "got nothing, wanted an AWS region here, in AWS_REGION, in "
			       "AWS_DEFAULT_REGION or in the profile, for the services with "
			       "cloudmap");
}

/* One that is given is asked as it is, so it cannot be another one, too. */
static void check_kind(struct config_reader *r, const struct config *c, const char *key, bool kind,
		       const char *variable)
{
	const struct config_place place = { .parent = &aws, .key = key };

	if (kind && r->uses_cloudmap && (c->aws.endpoint || c->aws.data_endpoint))
		config_problem(r, &place,
			       "got true, here or in %s, beside an endpoint that is given, wanted "
			       "one or the other",
			       variable);
}

static void find_kind(struct config_reader *r, struct config *c,
		      const struct config_environment *environment)
{
	c->aws.fips |= environment->use_fips_endpoint;
	c->aws.dual_stack |= environment->use_dualstack_endpoint;
	check_kind(r, c, "use_fips_endpoint", c->aws.fips, "AWS_USE_FIPS_ENDPOINT");
	check_kind(r, c, "use_dualstack_endpoint", c->aws.dual_stack, "AWS_USE_DUALSTACK_ENDPOINT");
}

/* The environment's, where none is written down. */
static void find_endpoint(struct config_reader *r, struct config *c,
			  const struct config_environment *environment)
{
	const struct config_place place = { .parent = &aws, .key = "endpoint" };
	const char *given = environment->aws_endpoint;
	int result;

	if (c->aws.endpoint || !given || !*given)
		return;
	result = config_url_make(given, &c->aws.endpoint);
	r->out_of_memory |= result == -ENOMEM;
	if (result == -EINVAL && r->uses_cloudmap)
		config_problem(r, &place,
			       "got \"%s\" from AWS_ENDPOINT_URL_SERVICEDISCOVERY or "
			       "AWS_ENDPOINT_URL, wanted https://HOST[:PORT], or http:// to a "
			       "loopback address or localhost",
			       given);
}

/*
 * Where AWS's own control plane was given, its data plane has the same name with "data-" before it
 * (so a FIPS or dual-stack choice holds for both). Any other is a Cloud Map that answers both
 * itself.
 */
static char *data_endpoint_beside(struct config_reader *r, const char *endpoint)
{
	static const char own[] = "https://servicediscovery";
	size_t length;
	char *url;

	if (strncmp(endpoint, own, sizeof(own) - 1) != 0 || !config_url_region(endpoint, &length))
		url = strdup(endpoint);
	else if (asprintf(&url, "https://data-%s", endpoint + strlen("https://")) < 0)
		url = NULL;
	r->out_of_memory |= !url;
	return url;
}

/* AWS's own endpoints of the region, where no others are given. 0 or -ENOMEM. */
static int fill_endpoints(struct config *c)
{
	const struct {
		const char *service;
		char **to;
	} rows[] = {
		{ "servicediscovery", &c->aws.endpoint },
		{ "data-servicediscovery", &c->aws.data_endpoint },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		if (!*rows[i].to)
			r = config_region_url(rows[i].service, c->aws.region, c->aws.fips,
					      c->aws.dual_stack, rows[i].to);
	return r;
}

int config_set_region(struct config *c, const char *region)
{
	char *copy;

	if (!config_region_is_good(region, strlen(region)))
		return -EINVAL;
	copy = strdup(region);
	if (!copy)
		return -ENOMEM;
	free(c->aws.region);
	c->aws.region = copy;
	return fill_endpoints(c);
}

void config_check_aws(struct config_reader *r, struct config *c,
		      const struct config_environment *environment)
{
	c->aws.is_needed = r->uses_cloudmap;
	find_endpoint(r, c, environment);
	find_region(r, c, environment);
	find_kind(r, c, environment);
	if (!c->aws.data_endpoint && c->aws.endpoint)
		c->aws.data_endpoint = data_endpoint_beside(r, c->aws.endpoint);
	if (c->aws.region && fill_endpoints(c) < 0)
		r->out_of_memory = true;
}
