/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/source.h"

static const struct source_ops *const kinds[] = {
	[CONFIG_SOURCE_CLOUDMAP] = &source_cloudmap,
	[CONFIG_SOURCE_DNS] = &source_dns,
	[CONFIG_SOURCE_STATIC] = &source_static,
};

int source_start(const struct source_env *env, const struct config *config,
		 const struct config_service *service, const struct source_sink *sink,
		 struct source **ret)
{
	const struct source_ops *ops = kinds[service->source];

	if (service->source == CONFIG_SOURCE_CLOUDMAP && service->cloudmap.dns_fallback)
		ops = &source_fallback;
	return ops->start(env, config, service, sink, ret);
}

void source_refresh(struct source *s)
{
	s->ops->refresh(s);
}

void source_wake(struct source *s)
{
	if (s->ops->wake)
		s->ops->wake(s);
}

const char *source_lacks(const struct source *s)
{
	return s->ops->lacks ? s->ops->lacks(s) : NULL;
}

uint32_t source_random(void)
{
	uint32_t number = 0;

	(void)uv_random(NULL, NULL, &number, sizeof(number), 0, NULL);
	return number;
}

uint64_t source_next_ms(const struct source *s)
{
	return s->ops->next_ms(s);
}

void source_stop(struct source *s)
{
	if (s)
		s->ops->stop(s);
}
