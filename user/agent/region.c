/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/internal.h"

#include <errno.h>

static const char *read_environment(const char *name)
{
	return getenv(name);
}

int region_complete(struct agent *agent, struct config *config)
{
	if (config->aws.region || !agent->region.name)
		return 0;
	return config_set_region(config, agent->region.name);
}

int region_tell(struct agent *agent)
{
	const struct config *config = agent->config;

	return credentials_set_region(agent->env.credentials, config->aws.region, config->aws.fips,
				      config->aws.dual_stack);
}

static void on_found(void *user, const char *region, const char *from)
{
	struct agent *agent = user;
	int r = -ENOMEM;

	agent->region.name = strdup(region);
	agent->region.from = from;
	if (agent->region.name)
		r = region_complete(agent, agent->config);
	if (r == 0)
		r = region_tell(agent);
	if (r < 0) {
		log_error("The region was found and cannot be used", "error='%s'", strerror(-r));
		return;
	}
	log_info("Region found", "region=%s from='%s'", region, from);
	imports_start(agent, false);
	for (size_t i = 0; i < agent->n_watches; i++)
		watch_start(agent->watches[i]);
}

int region_look(struct agent *agent)
{
	const struct config *config = agent->config;

	if (config->aws.region || !config->aws.is_needed || agent->region.search)
		return 0;
	return region_search_new(&agent->loop, agent->env.http, read_environment, &agent->requests,
				 on_found, agent, &agent->region.search);
}

void region_close(struct agent *agent)
{
	region_search_free(TAKE_PTR(agent->region.search));
	free(TAKE_PTR(agent->region.name));
}
