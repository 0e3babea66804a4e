/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud.h"

#include <errno.h>

#define REQUEST_TIMEOUT_MS 5000
#define ROUND_TRIP_MS 15

uint32_t cloud_random(struct cloud *c, uint32_t limit)
{
	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	return limit ? (uint32_t)(c->random >> 33) % limit : 0;
}

static int add_instance(struct cloud *c, size_t service)
{
	struct cloud_service *s = &c->services[service];
	uint32_t number = (uint32_t)service << 15 | (s->next++ & 0x7fff);
	const uint8_t octets[4] = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				    (uint8_t)number };
	const struct endpoint e = { .at = { .addr = addr_from_ipv4(octets), .port = 8080 },
				    .weight = 1,
				    .state = STATE_HEALTHY };

	return endpoints_add(&s->now, &e);
}

static int count_revision(struct cloud_service *s, uint64_t now_ms)
{
	if (util_grow(&s->changed_ms, &s->capacity, s->revision + 1, sizeof(*s->changed_ms)) < 0)
		return -ENOMEM;
	s->changed_ms[s->revision++] = now_ms;
	return 0;
}

int cloud_init(struct cloud *c, size_t services, size_t instances, uint64_t seed)
{
	int r = 0;

	*c = (struct cloud){ .n = services, .random = seed };
	c->services = calloc(services, sizeof(*c->services));
	if (!c->services)
		return -ENOMEM;
	for (size_t i = 0; i < services && r == 0; i++) {
		for (size_t j = 0; j < instances && r == 0; j++)
			r = add_instance(c, i);
		endpoints_normalise(&c->services[i].now);
		if (r == 0)
			r = count_revision(&c->services[i], 0);
	}
	return r;
}

void cloud_done(struct cloud *c)
{
	for (size_t i = 0; i < c->n; i++) {
		endpoints_done(&c->services[i].now);
		free(c->services[i].changed_ms);
	}
	free(c->services);
	*c = (struct cloud){ 0 };
}

void cloud_set_quota(struct cloud *c, enum budget_kind kind, double per_second)
{
	c->quotas[kind].per_second = per_second;
	c->quotas[kind].tokens = MIN(c->quotas[kind].tokens, 2 * per_second);
}

int cloud_change(struct cloud *c, size_t service, uint64_t now_ms)
{
	struct cloud_service *s = &c->services[service];
	size_t gone = cloud_random(c, (uint32_t)s->now.n);
	int r;

	s->now.list[gone] = s->now.list[--s->now.n];
	r = add_instance(c, service);
	endpoints_normalise(&s->now);
	return r < 0 ? r : count_revision(s, now_ms);
}

static bool take_token(struct cloud_quota *q, uint64_t now_ms)
{
	q->tokens = MIN(q->tokens + (double)(now_ms - q->at_ms) * q->per_second / 1000,
			2 * q->per_second);
	q->at_ms = now_ms;
	if (q->tokens < 1)
		return false;
	q->tokens--;
	return true;
}

struct cloud_answer cloud_ask(struct cloud *c, size_t service, enum budget_kind kind,
			      uint64_t now_ms)
{
	struct cloud_service *s = &c->services[service];
	struct cloud_answer a = { .revision = s->revision,
				  .after_ms = ROUND_TRIP_MS + cloud_random(c, ROUND_TRIP_MS) };

	if (c->weather == CLOUD_SILENT) {
		a.outcome = QUOTA_OTHER;
		a.after_ms = REQUEST_TIMEOUT_MS;
	} else if (c->weather == CLOUD_BROKEN) {
		a.outcome = QUOTA_BROKEN;
	} else if (!take_token(&c->quotas[kind], now_ms)) {
		a.outcome = QUOTA_REFUSED;
	} else if (c->weather == CLOUD_CONFUSED && cloud_random(c, 10) == 0) {
		a.lacks = true;
		a.kept = cloud_random(c, (uint32_t)s->now.n / 2);
	}
	return a;
}
