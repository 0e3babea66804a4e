/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_namespace.h"

#include <fnmatch.h>

#include "core/config.h"
#include "core/config_check.h"

static const char arn_service[] = ":servicediscovery:";
static const char arn_resource[] = ":namespace/";

static void patterns_done(struct config_patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
}

void config_namespace_done(struct config_namespace *n)
{
	free(n->cloudmap);
	free(n->owner_account);
	free(n->domain);
	patterns_done(&n->include);
	patterns_done(&n->exclude);
	config_service_done(&n->defaults);
}

/* --- which one is meant ----------------------------------------------------------------------- */

static bool is_id(const char *text)
{
	return strncmp(text, "ns-", 3) == 0 && strlen(text) == 19 &&
	       strspn(text + 3, "abcdefghijklmnopqrstuvwxyz0123456789") == 16;
}

enum config_namespace_kind config_namespace_kind(const char *text)
{
	if (strncmp(text, "arn:", 4) == 0)
		return CONFIG_NAMESPACE_ARN;
	return is_id(text) ? CONFIG_NAMESPACE_ID : CONFIG_NAMESPACE_NAME;
}

/* arn:PARTITION:servicediscovery:REGION:ACCOUNT:namespace/ID */
const char *config_namespace_account(const char *text)
{
	const char *service = strchr(text, ':') ? strchr(strchr(text, ':') + 1, ':') : NULL;
	const char *account;

	if (config_namespace_kind(text) != CONFIG_NAMESPACE_ARN || !service ||
	    strncmp(service, arn_service, strlen(arn_service)) != 0)
		return NULL;
	account = strchr(service + strlen(arn_service), ':');
	if (!account || strspn(++account, "0123456789") != CONFIG_ACCOUNT_LENGTH)
		return NULL;
	service = account + CONFIG_ACCOUNT_LENGTH;
	if (strncmp(service, arn_resource, strlen(arn_resource)) != 0 ||
	    !is_id(service + strlen(arn_resource)))
		return NULL;
	return account;
}

/* --- which of its services -------------------------------------------------------------------- */

static bool is_matched(const struct config_patterns *p, const char *service)
{
	for (size_t i = 0; i < p->n; i++) {
		if (fnmatch(p->list[i], service, FNM_NOESCAPE | FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

bool config_namespace_wants(const struct config_namespace *n, const char *service)
{
	if (n->include.n > 0 && !is_matched(&n->include, service))
		return false;
	return !is_matched(&n->exclude, service);
}

/* --- checks ----------------------------------------------------------------------------------- */

void config_check_owner(struct config_reader *r, const struct config_place *namespace,
			const struct config_place *owner, const char *text, char **owner_account)
{
	const char *account = config_namespace_account(text);

	if (config_namespace_kind(text) != CONFIG_NAMESPACE_ARN)
		return;
	if (!account) {
		config_problem(r, namespace,
			       "got \"%.*s\", wanted a name, or an ARN like "
			       "arn:aws:servicediscovery:REGION:ACCOUNT:namespace/ns-ID",
			       CONFIG_SHOWN_MAX, text);
	} else if (!*owner_account) {
		*owner_account = strndup(account, CONFIG_ACCOUNT_LENGTH);
		r->out_of_memory |= !*owner_account;
	} else if (strncmp(*owner_account, account, CONFIG_ACCOUNT_LENGTH) != 0) {
		config_problem(r, owner, "got \"%s\", wanted that of the ARN, \"%.*s\"",
			       *owner_account, CONFIG_ACCOUNT_LENGTH, account);
	}
}

void config_check_namespace(struct config_reader *r, const struct config_place *at,
			    const cJSON *json, struct config_namespace *n)
{
	const struct config_place place = { .parent = at, .key = "cloudmap" };
	const struct config_place owner = { .parent = at, .key = "owner_account" };
	const struct config_place defaults = { .parent = at, .key = "defaults" };

	r->uses_cloudmap = true;
	config_check_defaults(r, &defaults, cJSON_GetObjectItemCaseSensitive(json, "defaults"),
			      &n->defaults);
	if (!n->cloudmap)
		return;
	if (n->owner_account && config_namespace_kind(n->cloudmap) == CONFIG_NAMESPACE_ID)
		config_problem(r, &owner,
			       "got \"%s\", wanted none beside an id: shared namespaces are "
			       "told by name or ARN",
			       n->owner_account);
	config_check_owner(r, &place, &owner, n->cloudmap, &n->owner_account);
}

static bool is_same(const struct config_namespace *a, const struct config_namespace *b)
{
	if (!a->cloudmap || !b->cloudmap || !streq(a->cloudmap, b->cloudmap))
		return false;
	if (!a->owner_account || !b->owner_account)
		return a->owner_account == b->owner_account;
	return streq(a->owner_account, b->owner_account);
}

void config_check_namespaces(struct config_reader *r, const struct config *c)
{
	const struct config_place namespaces = { .key = "namespaces" };

	for (size_t i = 1; i < c->n_namespaces; i++) {
		const struct config_place item = { .parent = &namespaces, .index = i };
		const struct config_place place = { .parent = &item, .key = "cloudmap" };
		size_t j = 0;

		while (j < i && !is_same(&c->namespaces[j], &c->namespaces[i]))
			j++;
		if (j < i)
			config_problem(r, &place,
				       "got the namespace of namespaces[%zu] again, wanted another",
				       j);
	}
}
