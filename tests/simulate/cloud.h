/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloud Map of an account, in virtual time: services whose instances come and go, quotas for its
 * two calls, and the weather. It owns what it says.
 */
#pragma once

#include "core/budget.h"
#include "core/endpoints.h"

enum cloud_weather {
	CLOUD_FAIR,
	CLOUD_BROKEN,	/* errors of the server */
	CLOUD_SILENT,	/* no answer: requests time out */
	CLOUD_CONFUSED, /* one answer of ten is empty, or lacks most */
};

struct cloud_service {
	struct endpoints now; /* normalised */
	uint64_t revision;
	uint64_t *changed_ms; /* of each revision from 1 on */
	size_t capacity;
	uint32_t next; /* address to give */
};

/* A quota is a token bucket with twice as many tokens as it gets in a second. */
struct cloud_quota {
	double per_second, tokens;
	uint64_t at_ms;
};

struct cloud {
	struct cloud_service *services;
	size_t n;
	enum cloud_weather weather;
	struct cloud_quota quotas[BUDGET_KINDS];
	uint64_t random;
};

struct cloud_answer {
	enum quota_outcome outcome;
	uint64_t revision;
	bool lacks; /* it has only `kept` of the instances */
	size_t kept;
	uint32_t after_ms;
};

int cloud_init(struct cloud *c, size_t services, size_t instances, uint64_t seed);
void cloud_done(struct cloud *c);
void cloud_set_quota(struct cloud *c, enum budget_kind kind, double per_second);
/* One instance of the service is replaced. */
int cloud_change(struct cloud *c, size_t service, uint64_t now_ms);
struct cloud_answer cloud_ask(struct cloud *c, size_t service, enum budget_kind kind,
			      uint64_t now_ms);
/* Any number below the limit, the same ones for a seed. */
uint32_t cloud_random(struct cloud *c, uint32_t limit);
