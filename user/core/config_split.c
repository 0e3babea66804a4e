/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a service: several of them, or the service itself, seen as one. */
#include "core/config.h"
#include "core/config_check.h"

static bool same_text(const char *a, const char *b)
{
	return a && b && streq(a, b);
}

static bool same_target(const struct config_cloudmap *a, const struct config_cloudmap *b)
{
	return same_text(a->namespace, b->namespace) && same_text(a->service, b->service) &&
	       (same_text(a->owner_account, b->owner_account) ||
		a->owner_account == b->owner_account);
}

/* Parts that ask for the same could not be told apart by a reload. */
static void check_differ(struct config_reader *r, const struct config_place *split,
			 const struct config_service *service)
{
	for (size_t i = 1; i < service->n_split; i++) {
		const struct config_cloudmap *later = &service->split[i].cloudmap;
		const struct config_place item = { .parent = split, .index = i };
		const struct config_place place = { .parent = &item, .key = "cloudmap" };
		size_t j = 0;

		while (j < i && !same_target(&service->split[j].cloudmap, later))
			j++;
		if (j < i)
			config_problem(r, &place,
				       "got the service of split[%zu] again, wanted another", j);
	}
}

static void check_owners(struct config_reader *r, const struct config_place *split,
			 const struct config_service *service)
{
	for (size_t i = 0; i < service->n_split; i++) {
		struct config_cloudmap *cloudmap = &service->split[i].cloudmap;
		const struct config_place item = { .parent = split, .index = i };
		const struct config_place object = { .parent = &item, .key = "cloudmap" };
		const struct config_place namespace = { .parent = &object, .key = "namespace" };
		const struct config_place owner = { .parent = &object, .key = "owner_account" };

		if (cloudmap->namespace)
			config_check_owner(r, &namespace, &owner, cloudmap->namespace,
					   &cloudmap->owner_account);
	}
}

void config_check_split(struct config_reader *r, const struct config_place *at, const cJSON *split,
			const struct config_service *service)
{
	const struct config_place place = { .parent = at, .key = "split" };
	bool all_zero = true;
	const cJSON *child;

	cJSON_ArrayForEach(child, split)
	{
		const cJSON *weight = cJSON_GetObjectItemCaseSensitive(child, "weight");

		/* one that could not be read is a fault already */
		all_zero &= cJSON_IsNumber(weight) && weight->valuedouble == 0;
	}
	if (all_zero)
		config_problem(r, &place, "got %s, wanted a part with a weight above 0",
			       split->child ? "weights of 0 only" : "no parts");
	for (size_t i = 0; i < service->n_split; i++) {
		const struct config_place item = { .parent = &place, .index = i };

		config_check_fallback(r, &item, &service->split[i].cloudmap);
	}
	check_owners(r, &place, service);
	check_differ(r, &place, service);
}

size_t config_count_parts(const struct config_service *s)
{
	return s->source == CONFIG_SOURCE_SPLIT ? s->n_split : 1;
}

uint16_t config_part_weight(const struct config_service *s, size_t part)
{
	return s->source == CONFIG_SOURCE_SPLIT ? s->split[part].weight : 1;
}

struct config_service config_part_service(const struct config_service *s, size_t part)
{
	struct config_service alone = *s;

	if (s->source == CONFIG_SOURCE_SPLIT) {
		alone.source = CONFIG_SOURCE_CLOUDMAP;
		alone.cloudmap = s->split[part].cloudmap;
	}
	return alone;
}

bool config_same_target(const struct config_service *a, const struct config_service *b)
{
	if (a->source != b->source)
		return false;
	return a->source != CONFIG_SOURCE_CLOUDMAP || same_target(&a->cloudmap, &b->cloudmap);
}
