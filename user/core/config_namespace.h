/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A namespace of Cloud Map whose services are imported, as it is configured. Values and texts; the
 * struct config that it is in owns them.
 */
#pragma once

#include "core/config_service.h"

#define CONFIG_NAMESPACES_MAX 64
#define CONFIG_PATTERNS_MAX 64
#define CONFIG_ACCOUNT_LENGTH 12

/* Patterns of fnmatch(3) for names of services. */
struct config_patterns {
	char **list;
	size_t n;
};

/* What the text is that tells which namespace is meant. */
enum config_namespace_kind {
	CONFIG_NAMESPACE_NAME, /* its HTTP name, which is unique in an account */
	CONFIG_NAMESPACE_ID,   /* ns-a3ccy2e7e3a7rile */
	CONFIG_NAMESPACE_ARN,
};

struct config_namespace {
	char *cloudmap;
	char *owner_account; /* or NULL: our own */
	char *domain;	     /* what the names of its services end in, or NULL: its name */
	bool also_short;     /* the key is "short" */
	uint32_t poll_ms, shrink_confirm_ms;
	struct config_patterns include, exclude; /* no pattern to include: all are */
	struct config_service defaults;		 /* of its services; without a name */
};

void config_namespace_done(struct config_namespace *n);

enum config_namespace_kind config_namespace_kind(const char *text);

/* The account in an ARN of a namespace: CONFIG_ACCOUNT_LENGTH octets, not terminated. NULL: no ARN.
 */
const char *config_namespace_account(const char *text);

/* Whether a service of that name is imported. */
bool config_namespace_wants(const struct config_namespace *n, const char *service);
