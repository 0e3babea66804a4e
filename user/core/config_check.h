/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a configuration that concern several keys at once, and what follows from several.
 * Called by config_read and config_parse.
 */
#pragma once

#include "core/config_read.h"

struct config;
struct config_environment;
struct config_namespace;
struct config_service;
struct config_cloudmap;

/* One service after its keys were read from `json`: source, VIP, port of DNS backends. */
void config_check_service(struct config_reader *r, const struct config_place *at, const cJSON *json,
			  struct config_service *service);

/* What the services of a namespace are like, read from `json`, or from nothing (NULL). */
void config_check_defaults(struct config_reader *r, const struct config_place *at,
			   const cJSON *json, struct config_service *defaults);
/* config_namespace.c: one namespace after its keys were read; */
void config_check_namespace(struct config_reader *r, const struct config_place *at,
			    const cJSON *json, struct config_namespace *n);
/* all of them: each once; */
void config_check_namespaces(struct config_reader *r, const struct config *c);
/* a namespace told by `text`, perhaps an ARN, which tells the account, too. */
void config_check_owner(struct config_reader *r, const struct config_place *namespace,
			const struct config_place *owner, const char *text, char **owner_account);

/* Its parts, read from `split`: each another service of Cloud Map, one of them with a weight. */
void config_check_split(struct config_reader *r, const struct config_place *at, const cJSON *split,
			const struct config_service *service);

/* The name for DNS is one. `at` is the place of what has the "cloudmap". */
void config_check_fallback(struct config_reader *r, const struct config_place *at,
			   const struct config_cloudmap *c);

/* Fills in the sorted list of names and aliases, over all services: each once. */
void config_check_names(struct config_reader *r, struct config *c);
/* VIPs, over all services: at an address, port and protocol there is one service. */
void config_check_vips(struct config_reader *r, const struct config *c);
/* The floor of TTLs is not above their ceiling. */
void config_check_dns(struct config_reader *r, const struct config *c);
/* Fills in the region and the endpoints that were left out. */
void config_check_aws(struct config_reader *r, struct config *c,
		      const struct config_environment *environment);
