/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the namespaces were to what they will be. A draft shares what stays with what is in
 * force; nothing in force changes before it is committed.
 */
#include <errno.h>
#include <strings.h>

#include "agent/imports.h"
#include "agent/internal.h"
#include "core/config_names.h"

/* --- lists of services ------------------------------------------------------------------------ */

static int list_add(struct imported_list *list, size_t *capacity, struct imported *added)
{
	if (util_grow(&list->list, capacity, list->n + 1, sizeof(*list->list)) < 0)
		return -ENOMEM;
	list->list[list->n++] = added;
	return 0;
}

/* The services of `list` that are not in the other one are freed; marks go. */
static void list_keep(struct imported_list *list, bool drafted)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (list->list[i]->drafted == drafted)
			list->list[n++] = list->list[i];
		else
			imported_free(list->list[i]);
	}
	list->n = n;
}

static void list_unmark(struct imported_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		list->list[i]->drafted = false;
}

/* `next` takes the place of `old`. */
static void list_replace(struct imported_list *old, struct imported_list *next)
{
	list_keep(old, true);
	free(old->list);
	list_unmark(next);
	*old = *next;
	*next = (struct imported_list){ 0 };
}

/* What is only in the draft goes. */
static void list_drop(struct imported_list *next)
{
	list_keep(next, true);
	list_unmark(next);
	free(next->list);
	*next = (struct imported_list){ 0 };
}

/* --- the services of a namespace -------------------------------------------------------------- */

static const char *target_of(const struct import *i, const struct config_namespace *config)
{
	return config->owner_account ? i->of.arn : i->of.http_name;
}

static int make_name(const char *service, const char *domain, char **ret)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "%s.%s", service, domain) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return config_name_make(text, ret);
}

/* -EINVAL: it cannot be a name of DNS. */
static int make_service(const struct import_draft *d, const char *service, struct imported **ret)
{
	const struct config_namespace *config = d->config;
	const struct config_cloudmap target = {
		.namespace = (char *)target_of(d->import, config),
		.service = (char *)service,
		.owner_account = config->owner_account,
	};
	_cleanup_free_ char *name = NULL, *short_name = NULL;
	int r = make_name(service, import_domain(d->import, config), &name);

	if (r == 0 && config->also_short)
		r = config_name_make(service, &short_name);
	return r < 0 ? r : imported_new(&config->defaults, &target, name, short_name, ret);
}

static void note_unnamed(struct import_draft *d, const char *service)
{
	if (d->unnamed++ > 0)
		return;
	(void)util_copy(d->unnamed_service, sizeof(d->unnamed_service), service);
	(void)snprintf(d->unnamed_why, sizeof(d->unnamed_why),
		       "got '%.127s.%.127s', wanted a DNS name", service,
		       import_domain(d->import, d->config));
}

/* The one that is in force; both lists are sorted, *at is where the last was found. */
static struct imported *find_service(const struct imported_list *list, const char *service,
				     size_t *at)
{
	while (*at < list->n) {
		struct imported *i = list->list[*at];
		int order = strcmp(i->config.cloudmap.service, service);

		if (order == 0)
			return i;
		if (order > 0)
			return NULL;
		(*at)++;
	}
	return NULL;
}

/* Is a service made of the listing now what it was made as before? */
static bool is_made_alike(const struct import_draft *d, const struct imported *i)
{
	const char *domain = import_domain(d->import, d->config);
	size_t name = strlen(i->config.name), tail = strlen(domain);

	return d->config == d->import->config && name > tail &&
	       strcasecmp(i->config.name + name - tail, domain) == 0 &&
	       streq(i->config.cloudmap.namespace, target_of(d->import, d->config));
}

static int draft_services(struct import_draft *d)
{
	const struct listing *listing = &d->import->listing;
	size_t capacity = 0, at = 0;
	int r = 0;

	for (size_t i = 0; i < listing->n && d->import->of.id && r == 0; i++) {
		const char *service = listing->names[i].text;
		struct imported *had = find_service(&d->import->services, service, &at);
		struct imported *next = NULL;

		if (!config_namespace_wants(d->config, service))
			continue;
		if (had && is_made_alike(d, had)) {
			had->drafted = true;
			next = had;
		} else {
			r = make_service(d, service, &next);
		}
		if (r == 0)
			r = list_add(&d->services, &capacity, next);
		if (r == -EINVAL) {
			note_unnamed(d, service);
			r = 0;
		}
	}
	return r;
}

/* --- what is left ----------------------------------------------------------------------------- */

/* Of a namespace that has not been listed in this run, a service may be known by its name only. */
static bool may_be_of(const struct import_draft *d, const char *name, size_t *ret_prefix)
{
	const char *domain = import_domain(d->import, d->config);
	size_t length = strlen(name), tail = domain ? strlen(domain) : 0;

	*ret_prefix = 0;
	if (d->import->listing.answered)
		return false;
	if (!domain)
		return true;
	if (length < tail + 2 || name[length - tail - 1] != '.' ||
	    strcasecmp(name + length - tail, domain) != 0)
		return false;
	*ret_prefix = length - tail - 1;
	return true;
}

/* Enough to go on asking for its instances, where the name tells it. */
static int make_left(const struct import_draft *d, const char *name, size_t prefix,
		     struct imported **ret)
{
	const struct config_namespace *config = d->config;
	bool is_id = config_namespace_kind(config->cloudmap) == CONFIG_NAMESPACE_ID;
	_cleanup_free_ char *service = prefix > 0 && !is_id ? strndup(name, prefix) : NULL;
	const struct config_cloudmap target = {
		.namespace = service ? config->cloudmap : NULL,
		.service = service,
		.owner_account = config->owner_account,
	};

	return imported_new(&config->defaults, &target, name, NULL, ret);
}

/* `by_domain`: only if the name tells that it is of the namespace. */
static int leave(struct imports_draft *d, size_t *capacity, const char *name, bool by_domain)
{
	struct imported *left = NULL;
	size_t prefix = 0;
	int r;

	for (size_t i = 0; i < d->n; i++) {
		if (!may_be_of(&d->list[i], name, &prefix) || (by_domain && prefix == 0))
			continue;
		r = make_left(&d->list[i], name, prefix, &left);
		if (r == 0)
			r = list_add(&d->left, capacity, left);
		return r;
	}
	return 0;
}

static bool is_in_draft(const struct imports_draft *d, const struct import *import)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].import == import)
			return true;
	}
	return false;
}

/*
 * Those of an earlier run, of what was left before, of namespaces that nobody wants now; and those
 * that were written out before. Who is wanted otherwise is so first.
 */
static int draft_left(struct agent *agent, const struct config *config, const struct seeds *seeds,
		      struct imports_draft *d)
{
	const struct imports *old = &agent->imports;
	const struct table *had = seeds->left;
	const struct known *known = seeds->known;
	size_t capacity = 0;
	int r = 0;

	for (size_t i = 0; had && i < had->n && r == 0; i++)
		r = leave(d, &capacity, had->services[i].name, false);
	for (size_t i = 0; known && i < known->n && r == 0; i++)
		r = leave(d, &capacity, known->list[i].service, false);
	for (size_t i = 0; i < old->left.n && r == 0; i++)
		r = leave(d, &capacity, old->left.list[i]->config.name, false);
	for (size_t i = 0; i < old->n && r == 0; i++) {
		const struct imported_list *services = &old->list[i]->services;

		for (size_t j = 0; j < services->n && !is_in_draft(d, old->list[i]) && r == 0; j++)
			r = leave(d, &capacity, services->list[j]->config.name, false);
	}
	for (size_t i = 0; config != agent->config && i < agent->config->n_services && r == 0; i++)
		r = leave(d, &capacity, agent->config->services[i].name, true);
	return r;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

static struct import *find_import(const struct imports *imports,
				  const struct config_namespace *config)
{
	for (size_t i = 0; i < imports->n; i++) {
		const struct config_namespace *has = imports->list[i]->config;

		if (streq(has->cloudmap, config->cloudmap) &&
		    same_text(has->owner_account, config->owner_account))
			return imports->list[i];
	}
	return NULL;
}

static int draft_namespace(struct agent *agent, const struct config_namespace *config,
			   struct imports_draft *d)
{
	struct import_draft *next = &d->list[d->n];
	int r = 0;

	*next = (struct import_draft){ .config = config };
	next->import = find_import(&agent->imports, config);
	next->is_new = !next->import;
	if (next->is_new)
		r = import_new(agent, config, &next->import);
	if (r < 0)
		return r;
	d->n++;
	return draft_services(next);
}

int imports_draft_make(struct agent *agent, const struct config *config, const struct seeds *seeds,
		       struct imports_draft *ret)
{
	struct imports_draft d = {
		.list = calloc(MAX(config->n_namespaces, 1U), sizeof(*d.list)),
		.imports = calloc(MAX(config->n_namespaces, 1U), sizeof(struct import *)),
		.lists = calloc(config->n_namespaces + 1, sizeof(*d.lists)),
	};
	int r = d.list && d.imports && d.lists ? 0 : -ENOMEM;

	for (size_t i = 0; i < config->n_namespaces && r == 0; i++)
		r = draft_namespace(agent, &config->namespaces[i], &d);
	if (r == 0)
		r = draft_left(agent, config, seeds, &d);
	if (r < 0) {
		imports_draft_drop(&d);
		return r;
	}
	for (size_t i = 0; i < d.n; i++)
		d.lists[i] = d.list[i].services;
	d.lists[d.n] = d.left;
	*ret = d;
	return 0;
}

void imports_draft_drop(struct imports_draft *d)
{
	for (size_t i = 0; i < d->n; i++) {
		list_drop(&d->list[i].services);
		if (d->list[i].is_new)
			import_free(d->list[i].import);
	}
	list_drop(&d->left);
	free(d->list);
	free(d->imports);
	free(d->lists);
	*d = (struct imports_draft){ 0 };
}

static bool same_patterns(const struct config_patterns *a, const struct config_patterns *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!streq(a->list[i], b->list[i]))
			return false;
	}
	return true;
}

/* The source goes on, unless it leaves out what is wanted now. */
static void configure(struct import *i, const struct config_namespace *config)
{
	bool same = same_patterns(&i->config->include, &config->include) &&
		    same_patterns(&i->config->exclude, &config->exclude);

	if (i->source && same)
		namespace_configure(i->source, config);
	else
		namespace_stop(TAKE_PTR(i->source));
	if (!same)
		listing_filter(&i->listing, config);
	i->config = config;
}

static void commit_namespace(struct import_draft *d)
{
	if (d->config != d->import->config)
		configure(d->import, d->config);
	list_replace(&d->import->services, &d->services);
	d->import->unnamed = d->unnamed;
	memcpy(d->import->unnamed_why, d->unnamed_why, sizeof(d->unnamed_why));
	memcpy(d->import->unnamed_service, d->unnamed_service, sizeof(d->unnamed_service));
}

void imports_draft_commit(struct agent *agent, struct imports_draft *d)
{
	struct imports *imports = &agent->imports;

	for (size_t i = 0; i < imports->n; i++) {
		if (!is_in_draft(d, imports->list[i]))
			import_free(imports->list[i]);
	}
	free(imports->list);
	imports->list = TAKE_PTR(d->imports);
	imports->n = d->n;
	for (size_t i = 0; i < d->n; i++) {
		commit_namespace(&d->list[i]);
		imports->list[i] = d->list[i].import;
	}
	list_replace(&imports->left, &d->left);
	free(d->list);
	free(d->lists);
	*d = (struct imports_draft){ 0 };
}
