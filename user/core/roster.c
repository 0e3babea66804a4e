/* SPDX-License-Identifier: Apache-2.0 */
#include "core/roster.h"

#include <errno.h>
#include <strings.h>

/* --- an imported service ---------------------------------------------------------------------- */

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Its texts lie behind it: it is one block. */
static char *append(char **at, const char *text)
{
	char *copy = text ? memcpy(*at, text, size_of(text)) : NULL;

	*at += size_of(text);
	return copy;
}

/* That of a namespace that is told by its ARN is another account's. */
static bool has_dns_name(const struct config_cloudmap *c)
{
	_cleanup_free_ char *name = NULL;

	return c->namespace && c->service && config_fallback_name(c, &name) == 0;
}

int imported_new(const struct config_service *defaults, const struct config_cloudmap *cloudmap,
		 const char *name, const char *short_name, struct imported **ret)
{
	struct imported *i = calloc(1, sizeof(*i) + size_of(name) + size_of(short_name) +
					       size_of(cloudmap->namespace) +
					       size_of(cloudmap->service) +
					       size_of(cloudmap->owner_account));
	char *at;

	if (!i)
		return -ENOMEM;
	at = (char *)(i + 1);
	i->config = *defaults;
	i->config.name = append(&at, name);
	i->config.cloudmap.namespace = append(&at, cloudmap->namespace);
	i->config.cloudmap.service = append(&at, cloudmap->service);
	i->config.cloudmap.owner_account = append(&at, cloudmap->owner_account);
	i->short_name = append(&at, short_name);
	i->config.aliases = &i->short_name;
	i->config.cloudmap.dns_fallback &= has_dns_name(&i->config.cloudmap);
	*ret = i;
	return 0;
}

void imported_free(struct imported *i)
{
	free(i);
}

/* --- who gets a name -------------------------------------------------------------------------- */

struct claim {
	const char *name;
	struct imported *imported; /* NULL: the service is written out */
	const struct config_service *service;
	size_t order; /* of precedence */
};

struct claims {
	struct claim *list;
	size_t n, services;
};

static int compare(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void claim(struct claims *c, const char *name, const struct config_service *service,
		  struct imported *imported)
{
	c->list[c->n] = (struct claim){ name, imported, service, c->n };
	c->n++;
}

/* Written ones, then all others by name, then those by short name. */
static int collect(struct claims *c, const struct config *written,
		   const struct imported_list *lists, size_t n_lists)
{
	size_t n = written->n_names;

	for (size_t i = 0; i < n_lists; i++)
		n += 2 * lists[i].n;
	c->list = calloc(MAX(n, 1U), sizeof(*c->list));
	if (!c->list)
		return -ENOMEM;
	for (size_t i = 0; i < written->n_names; i++)
		claim(c, written->names[i].name, &written->services[written->names[i].service],
		      NULL);
	for (size_t i = 0; i < n_lists; i++) {
		for (size_t j = 0; j < lists[i].n; j++)
			claim(c, lists[i].list[j]->config.name, &lists[i].list[j]->config,
			      lists[i].list[j]);
	}
	for (size_t i = 0; i < n_lists; i++) {
		for (size_t j = 0; j < lists[i].n; j++) {
			if (lists[i].list[j]->short_name)
				claim(c, lists[i].list[j]->short_name, &lists[i].list[j]->config,
				      lists[i].list[j]);
		}
	}
	c->services = written->n_services;
	qsort(c->list, c->n, sizeof(*c->list), compare);
	return 0;
}

static bool is_first(const struct claims *c, size_t i)
{
	return i == 0 || !streq(c->list[i - 1].name, c->list[i].name);
}

static bool is_by_name(const struct claim *claim)
{
	return claim->name == claim->service->name;
}

/* Of those with a name of their own, as many as there is room for, in the order of precedence. */
static void decide(struct claims *c, const struct imported_list *lists, size_t n_lists)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].imported && is_by_name(&c->list[i]))
			c->list[i].imported->fate = is_first(c, i) ? IMPORTED_IN_FORCE
								   : IMPORTED_TAKEN;
	}
	for (size_t i = 0; i < n_lists; i++) {
		for (size_t j = 0; j < lists[i].n; j++) {
			struct imported *imported = lists[i].list[j];

			if (imported->fate == IMPORTED_IN_FORCE &&
			    c->services++ >= CONFIG_SERVICES_MAX)
				imported->fate = IMPORTED_FULL;
			imported->short_taken = false;
			imported->config.n_aliases = 0;
		}
	}
}

static bool is_in_force(const struct claim *claim)
{
	return !claim->imported || claim->imported->fate == IMPORTED_IN_FORCE;
}

static void hand_out(const struct claims *c, struct roster *ret)
{
	const char *given = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct claim *claim = &c->list[i];
		bool by_short_name = claim->imported && !is_by_name(claim);

		if (!is_in_force(claim))
			continue;
		if (given && streq(given, claim->name)) { /* by an earlier claim */
			claim->imported->short_taken = true;
			continue;
		}
		given = claim->name;
		ret->names[ret->n_names++] = (struct roster_name){ given, claim->service };
		if (by_short_name)
			claim->imported->config.n_aliases = 1;
		else if (is_by_name(claim))
			ret->services[ret->n++] = claim->service;
	}
}

int roster_make(const struct config *written, const struct imported_list *lists, size_t n_lists,
		struct roster *ret)
{
	struct claims c = { 0 };
	struct roster next = { 0 };
	int r = collect(&c, written, lists, n_lists);

	if (r < 0)
		return r;
	next.names = calloc(MAX(c.n, 1U), sizeof(*next.names));
	next.services = calloc(MAX(c.n, 1U), sizeof(*next.services));
	if (next.names && next.services) {
		decide(&c, lists, n_lists);
		hand_out(&c, &next);
		*ret = next;
		next = (struct roster){ 0 };
	} else {
		r = -ENOMEM;
	}
	roster_done(&next);
	free(c.list);
	return r;
}

void roster_done(struct roster *r)
{
	free(r->services);
	free(r->names);
	*r = (struct roster){ 0 };
}

static int compare_name(const void *key, const void *element)
{
	return strcasecmp(key, ((const struct roster_name *)element)->name);
}

const struct config_service *roster_find(const struct roster *r, const char *name)
{
	const struct roster_name *found;
	char asked[SHUNT_NAME_MAX];
	size_t length;

	if (!util_copy(asked, sizeof(asked), name))
		return NULL;
	length = strlen(asked);
	if (length > 0 && asked[length - 1] == '.') /* which names are kept without */
		asked[length - 1] = '\0';
	found = bsearch(asked, r->names, r->n_names, sizeof(*r->names), compare_name);
	return found ? found->service : NULL;
}
