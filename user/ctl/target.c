/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/target.h"

#include <errno.h>

#include "ctl/suggest.h"

void target_done(struct target *t)
{
	free(t->list);
	*t = (struct target){ 0 };
}

static int add(struct target *t, const struct addr_port *to)
{
	for (size_t i = 0; i < t->n; i++) {
		if (addr_port_compare(&t->list[i], to) == 0)
			return 0;
	}
	if (util_grow(&t->list, &t->capacity, t->n + 1, sizeof(*t->list)) < 0)
		return -ENOMEM;
	t->list[t->n++] = *to;
	return 0;
}

/* An address without a port stands for each service that has it. */
static int add_services_at(struct target *t, const struct addr *address, const struct table *table)
{
	const struct addr_port bare = { .addr = *address };
	int r = 0;

	for (size_t i = 0; i < table->n && r == 0; i++) {
		if (addr_equal(&table->services[i].vip.addr, address))
			r = add(t, &table->services[i].vip);
	}
	if (r == 0 && t->n == 0)
		r = add(t, &bare);
	return r;
}

static const char *find_near(const char *name, const struct table *table,
			     const struct config *config)
{
	struct suggestion near = { 0 };

	for (size_t i = 0; i < table->n; i++)
		suggest_consider(&near, name, table->services[i].name);
	for (size_t i = 0; i < config->n_services; i++) {
		for (size_t j = 0; j < config->services[i].n_aliases; j++)
			suggest_consider(&near, name, config->services[i].aliases[j]);
	}
	return near.word;
}

/* The service of a namespace, by the name that it has there. */
static const struct table_service *find_short(const char *name, const struct table *table,
					      const struct config *config)
{
	const struct table_service *found = NULL;
	char whole[2 * SHUNT_NAME_MAX];

	for (size_t i = 0; i < config->n_namespaces && !found; i++) {
		const struct config_namespace *n = &config->namespaces[i];

		(void)snprintf(whole, sizeof(whole), "%s.%s", name,
			       n->domain ? n->domain : n->cloudmap);
		if (n->also_short)
			found = table_find(table, whole);
	}
	return found;
}

static int add_named(struct target *t, const char *name, uint16_t port, const struct table *table,
		     const struct config *config, const char **ret_near)
{
	const struct config_service *configured = config_find_service(config, name);
	const struct table_service *service = table_find(table,
							 configured ? configured->name : name);
	struct addr_port to;

	if (!service)
		service = find_short(name, table, config);
	if (!service) {
		*ret_near = find_near(name, table, config);
		return -ENOENT;
	}
	to = service->vip;
	if (port)
		to.port = port;
	return add(t, &to);
}

/* "name:port" -> the name in place and the port, untouched when there is none. */
static int split_port(char *name, uint16_t *ret_port)
{
	char *colon = strrchr(name, ':');
	char *end;
	unsigned long port;

	if (!colon)
		return 0;
	*colon++ = '\0';
	if (*colon < '1' || *colon > '9')
		return -EINVAL;
	port = strtoul(colon, &end, 10);
	if (*end || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int target_parse(const char *text, const struct table *table, const struct config *config,
		 struct target *ret, const char **ret_near)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_free_ char *name = strdup(text);
	const char *near = NULL;
	struct addr_port to;
	struct addr address;
	uint16_t port = 0;
	int r;

	if (!name)
		return -ENOMEM;
	if (addr_parse(text, &address) == 0)
		r = add_services_at(&t, &address, table);
	else if (addr_port_parse(text, 0, &to) == 0)
		r = add(&t, &to);
	else
		r = split_port(name, &port);
	if (r == 0 && t.n == 0)
		r = add_named(&t, name, port, table, config, &near);
	*ret_near = near;
	if (r < 0)
		return r;
	*ret = t;
	t = (struct target){ 0 };
	return 0;
}
