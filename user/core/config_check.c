/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_check.h"

#include <errno.h>

#include "core/config.h"
#include "core/config_keys.h"
#include "core/config_types.h"

static const cJSON *child_of(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static void check_source(struct config_reader *r, const struct config_place *at, const cJSON *json,
			 struct config_service *service)
{
	const char *got[2];
	size_t n = 0;

	for (const struct config_word *w = config_words_source; w->word; w++) {
		if (!child_of(json, w->word))
			continue;
		if (n < ARRAY_SIZE(got))
			got[n] = w->word;
		n++;
		service->source = (enum config_source)w->value;
	}
	r->uses_cloudmap |= child_of(json, "cloudmap") || child_of(json, "split");
	if (n != 1)
		config_problem(r, at, "got %s%s%s%s, wanted one of cloudmap, dns, static, split",
			       n > 0 ? got[0] : "no source", n > 1 ? " and " : "",
			       n > 1 ? got[1] : "", n > 2 ? " and more" : "");
}

static void check_dns(struct config_reader *r, const struct config_place *at, const cJSON *dns,
		      struct config_service *service)
{
	struct config_place dns_place = { .parent = at, .key = "dns" };
	struct config_place port = { .parent = &dns_place, .key = "port" };

	if (service->dns.type == CONFIG_DNS_SRV && child_of(dns, "port"))
		config_problem(r, &port, "got a port, wanted none: SRV records tell it");
	if (service->dns.type != CONFIG_DNS_SRV && !child_of(dns, "port"))
		service->dns.port = service->port;
}

static void check_static(struct config_reader *r, const struct config_place *at, const cJSON *fixed,
			 struct config_service *service)
{
	struct config_place place = { .parent = at, .key = "static" };
	bool list = child_of(fixed, "endpoints"), file = child_of(fixed, "file");

	if (list == file)
		config_problem(r, &place, "got %s, wanted one of endpoints, file",
			       list ? "endpoints and file" : "neither");
	endpoints_normalise(&service->fixed.endpoints);
	endpoints_fit(&service->fixed.endpoints);
}

static void check_weights(struct config_reader *r, const struct config_place *at, const cJSON *json)
{
	struct config_place place = { .parent = at, .key = "weights" };

	if (child_of(json, "weights") && !child_of(json, "cloudmap") && !child_of(json, "split"))
		config_problem(r, &place,
			       "got weights, wanted none: only Cloud Map's instances have "
			       "attributes");
}

static void check_balance(struct config_reader *r, const struct config_place *at, const cJSON *json,
			  struct config_service *service)
{
	struct config_place place = { .parent = at, .key = "affinity" };

	if (service->balance == BALANCE_MAGLEV_TASK)
		service->balance = service->affinity;
	else if (child_of(json, "affinity"))
		config_problem(r, &place, "got an affinity, wanted none: only maglev has one");
}

/* Of Cloud Map's instances only they themselves tell; of plain records it is known now. */
static bool lacks_ports(const cJSON *json, const struct config_service *service)
{
	bool plain = service->dns.type == CONFIG_DNS_A || service->dns.type == CONFIG_DNS_AAAA;

	return plain && !child_of(json, "port") && !child_of(child_of(json, "dns"), "port");
}

static void check_probe(struct config_reader *r, const struct config_place *at, const cJSON *json,
			struct config_service *service)
{
	struct config_place place = { .parent = at, .key = "probe" };
	struct config_place timeout = { .parent = &place, .key = "timeout" };
	char got[CONFIG_DURATION_TEXT_MAX], most[CONFIG_DURATION_TEXT_MAX];
	const struct probe_rules *rules = &service->probe;

	service->has_probe = cJSON_IsObject(child_of(json, "probe"));
	if (!service->has_probe)
		return;
	if (service->protocol == PROTOCOL_UDP)
		config_problem(r, &place, "got a probe, wanted none: it is one of TCP");
	if (lacks_ports(json, service))
		config_problem(r, &place,
			       "got a probe, wanted none: the backends have no port of their own");
	if (rules->timeout_ms > rules->interval_ms)
		config_problem(r, &timeout, "got \"%s\", wanted at most the interval, \"%s\"",
			       config_format_duration(rules->timeout_ms, got),
			       config_format_duration(rules->interval_ms, most));
}

static void check_ejection(struct config_reader *r, const struct config_place *at,
			   const cJSON *json, struct config_service *service)
{
	struct config_place ejection = { .parent = at, .key = "ejection" };
	struct config_place base = { .parent = &ejection, .key = "base" };
	char got[CONFIG_DURATION_TEXT_MAX], most[CONFIG_DURATION_TEXT_MAX];

	service->has_ejection = !cJSON_IsFalse(child_of(json, "ejection"));
	if (service->ejection.base_ms > service->ejection.max_ms)
		config_problem(r, &base, "got \"%s\", wanted at most the max, \"%s\"",
			       config_format_duration(service->ejection.base_ms, got),
			       config_format_duration(service->ejection.max_ms, most));
}

static void check_limits(struct config_reader *r, const struct config_place *at, const cJSON *json,
			 const struct config_service *service)
{
	struct config_place place = { .parent = at, .key = "limits" };

	if (child_of(json, "limits") && service->protocol == PROTOCOL_UDP)
		config_problem(r, &place, "got limits, wanted none: they are of TCP connections");
}

static void check_connect(struct config_reader *r, const struct config_place *at,
			  const struct config_service *service)
{
	struct config_place timeout = { .parent = at, .key = "connect_timeout" };
	struct config_place timing = { .parent = at, .key = "connect_timing" };

	if (service->protocol != PROTOCOL_UDP)
		return;
	if (service->connect_timeout_ms > 0)
		config_problem(r, &timeout,
			       "got a duration, wanted none: nobody answers a connect() of UDP");
	if (service->connect_timing)
		config_problem(r, &timing,
			       "got true, wanted false: a connect() of UDP takes no time");
}

/* What service and defaults of services have in common. */
static void check_rules(struct config_reader *r, const struct config_place *at, const cJSON *json,
			struct config_service *service)
{
	check_balance(r, at, json, service);
	check_connect(r, at, service);
	check_ejection(r, at, json, service);
	check_limits(r, at, json, service);
	check_probe(r, at, json, service);
}

static void check_owner(struct config_reader *r, const struct config_place *at,
			struct config_cloudmap *cloudmap)
{
	const struct config_place object = { .parent = at, .key = "cloudmap" };
	const struct config_place namespace = { .parent = &object, .key = "namespace" };
	const struct config_place owner = { .parent = &object, .key = "owner_account" };

	if (cloudmap->namespace)
		config_check_owner(r, &namespace, &owner, cloudmap->namespace,
				   &cloudmap->owner_account);
}

void config_check_service(struct config_reader *r, const struct config_place *at, const cJSON *json,
			  struct config_service *service)
{
	const cJSON *dns = child_of(json, "dns"), *fixed = child_of(json, "static");
	bool port_is_good = service->port != 0 || !child_of(json, "port");

	/* no VIP is all zero; a port that could not be read must not look like "any port" */
	service->has_vip = addr_is_unicast(&service->vip) && port_is_good;
	check_source(r, at, json, service);
	check_weights(r, at, json);
	check_owner(r, at, &service->cloudmap);
	if (cJSON_IsObject(dns))
		check_dns(r, at, dns, service);
	if (cJSON_IsObject(fixed))
		check_static(r, at, fixed, service);
	if (cJSON_IsArray(child_of(json, "split")))
		config_check_split(r, at, child_of(json, "split"), service);
	config_check_fallback(r, at, &service->cloudmap);
	check_rules(r, at, json, service);
}

void config_check_defaults(struct config_reader *r, const struct config_place *at,
			   const cJSON *json, struct config_service *defaults)
{
	check_rules(r, at, json, defaults);
}

static int compare_names(const void *left, const void *right)
{
	const struct config_name *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	return a->alias < b->alias ? -1 : a->alias > b->alias;
}

static int list_names(struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++)
		n += 1 + c->services[i].n_aliases;
	c->names = calloc(n + 1, sizeof(*c->names));
	if (!c->names)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_services; i++) {
		const struct config_service *s = &c->services[i];

		if (s->name)
			c->names[c->n_names++] = (struct config_name){ s->name, i, 0 };
		for (size_t j = 0; j < s->n_aliases; j++)
			c->names[c->n_names++] = (struct config_name){ s->aliases[j], i, j + 1 };
	}
	qsort(c->names, c->n_names, sizeof(*c->names), compare_names);
	return 0;
}

static void refuse_name(struct config_reader *r, const struct config_name *refused,
			const struct config_name *holder)
{
	const struct config_place services = { .key = "services" };
	const struct config_place service = { .parent = &services, .index = refused->service };
	const struct config_place key = { .parent = &service,
					  .key = refused->alias ? "aliases" : "name" };
	const struct config_place alias = { .parent = &key, .index = refused->alias - 1 };

	config_problem(r, refused->alias ? &alias : &key,
		       "got \"%s\", wanted a name that services[%zu] does not have", refused->name,
		       holder->service);
}

void config_check_names(struct config_reader *r, struct config *c)
{
	const struct config_name *first = NULL;

	if (list_names(c) < 0) {
		r->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < c->n_names; i++) {
		if (first && streq(c->names[i].name, first->name))
			refuse_name(r, &c->names[i], first);
		else
			first = &c->names[i];
	}
}

void config_check_dns(struct config_reader *r, const struct config *c)
{
	struct config_place dns = { .key = "dns" };
	struct config_place floor = { .parent = &dns, .key = "ttl_min" };
	char got[CONFIG_DURATION_TEXT_MAX], most[CONFIG_DURATION_TEXT_MAX];

	if (c->dns_ttl.max_ms > 0 && c->dns_ttl.min_ms > c->dns_ttl.max_ms)
		config_problem(r, &floor, "got \"%s\", wanted at most the ttl_max, \"%s\"",
			       config_format_duration(c->dns_ttl.min_ms, got),
			       config_format_duration(c->dns_ttl.max_ms, most));
}

static int compare_vips(const void *left, const void *right)
{
	const struct config_service *a = *(const struct config_service *const *)left;
	const struct config_service *b = *(const struct config_service *const *)right;
	int order = addr_compare(&a->vip, &b->vip);

	if (order)
		return order;
	if (a->port != b->port) /* any port, which is 0, comes first */
		return (int)a->port - (int)b->port;
	return a < b ? -1 : a > b;
}

static void refuse_vip(struct config_reader *r, const struct config *c,
		       const struct config_service *refused, const struct config_service *holder)
{
	const struct config_place services = { .key = "services" };
	struct config_place service = { .parent = &services,
					.index = (size_t)(refused - c->services),
					.service = refused->name };
	struct config_place vip = { .parent = &service, .key = "vip" };
	char text[ADDR_TEXT_MAX], port[16];

	(void)snprintf(port, sizeof(port), holder->port ? "port %u" : "any port", holder->port);
	config_problem(
		r, &vip,
		"got \"%s\", wanted one that services[%zu] does not have for %s, protocol %s",
		addr_format(&refused->vip, text), (size_t)(holder - c->services), port,
		config_protocol_name(holder->protocol));
}

/* Who holds an address and port so far; the sweep goes by address, then port. */
struct vip_holders {
	const struct config_service *any_port, *tcp, *udp;
};

static const struct config_service *find_holder(const struct vip_holders *h,
						const struct config_service *s)
{
	if (h->any_port)
		return h->any_port;
	if (h->tcp && s->protocol != PROTOCOL_UDP)
		return h->tcp;
	return s->protocol != PROTOCOL_TCP ? h->udp : NULL;
}

static void take_vip(struct vip_holders *h, const struct config_service *s)
{
	if (s->port == 0)
		h->any_port = s;
	if (s->protocol != PROTOCOL_UDP)
		h->tcp = s;
	if (s->protocol != PROTOCOL_TCP)
		h->udp = s;
}

void config_check_vips(struct config_reader *r, const struct config *c)
{
	_cleanup_free_ const struct config_service **list = calloc(c->n_services + 1,
								   sizeof(*list));
	struct vip_holders holders = { 0 };
	size_t n = 0;

	if (!list) {
		r->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < c->n_services; i++) {
		if (c->services[i].has_vip)
			list[n++] = &c->services[i];
	}
	qsort(list, n, sizeof(*list), compare_vips);
	for (size_t i = 0; i < n; i++) {
		const struct config_service *holder;

		if (i > 0 && addr_compare(&list[i]->vip, &list[i - 1]->vip) != 0)
			holders = (struct vip_holders){ 0 };
		else if (i > 0 && list[i]->port != list[i - 1]->port)
			holders.tcp = holders.udp = NULL;
		holder = find_holder(&holders, list[i]);
		if (holder)
			refuse_vip(r, c, list[i], holder);
		else
			take_vip(&holders, list[i]);
	}
}
