/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config.h"

#include <errno.h>
#include <strings.h>

#include "core/config_check.h"
#include "core/config_keys.h"
#include "core/json.h"

static void config_cgroups_done(struct config_cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->n; i++)
		free(cgroups->paths[i]);
	free(cgroups->paths);
}

static void cloudmap_done(struct config_cloudmap *c)
{
	free(c->namespace);
	free(c->service);
	free(c->owner_account);
}

void config_service_done(struct config_service *s)
{
	for (size_t i = 0; i < s->n_aliases; i++)
		free(s->aliases[i]);
	free(s->aliases);
	free(s->name);
	cloudmap_done(&s->cloudmap);
	free(s->weights.attribute);
	free(s->zone.prefer);
	config_cgroups_done(&s->exclude);
	free(s->dns.name);
	free(s->fixed.file);
	endpoints_done(&s->fixed.endpoints);
	for (size_t i = 0; i < s->n_split; i++)
		cloudmap_done(&s->split[i].cloudmap);
	free(s->split);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_services; i++)
		config_service_done(&c->services[i]);
	free(c->services);
	for (size_t i = 0; i < c->n_namespaces; i++)
		config_namespace_done(&c->namespaces[i]);
	free(c->namespaces);
	config_cgroups_done(&c->exclude);
	free(c->names);
	free(c->cgroup);
	free(c->bpffs);
	free(c->state_dir);
	free(c->control_socket);
	free(c->aws.region);
	free(c->aws.endpoint);
	free(c->aws.data_endpoint);
	free(c);
}

/* The tree of a text, or what is wrong with it, as a problem. */
static int parse_json(const char *text, size_t length, const struct config_reader *r, cJSON **ret)
{
	struct json_fault fault;
	char where[512];
	int e;

	if (length > CONFIG_BYTES_MAX) {
		diag_add(r->problems, r->origin, "got %zu bytes, wanted at most %d", length,
			 CONFIG_BYTES_MAX);
		return -EINVAL;
	}
	e = json_parse(text, length, CONFIG_DEPTH_MAX, ret, &fault);
	if (e != -EINVAL)
		return e;
	(void)snprintf(where, sizeof(where), "%s:%zu:%zu", r->origin, fault.line, fault.column);
	diag_add(r->problems, where, "got %s, wanted %s", fault.got, fault.wanted);
	return e;
}

int config_parse(const char *text, size_t length, const char *origin,
		 const struct config_environment *environment, struct config **ret,
		 struct diag *problems)
{
	struct config_reader r = { .origin = origin, .problems = problems };
	_cleanup_(config_free_p) struct config *c = calloc(1, sizeof(*c));
	_cleanup_(json_free_p) cJSON *json = NULL;
	size_t before = problems->total;
	int e;

	if (!c)
		return -ENOMEM;
	e = parse_json(text, length, &r, &json);
	if (e < 0)
		return e;
	config_read(&r, json, c);
	config_check_names(&r, c);
	config_check_vips(&r, c);
	config_check_dns(&r, c);
	config_check_namespaces(&r, c);
	config_check_aws(&r, c, environment);
	if (r.out_of_memory)
		return -ENOMEM;
	if (problems->total > before)
		return -EINVAL;
	*ret = TAKE_PTR(c);
	return 0;
}

static int compare_name(const void *key, const void *element)
{
	return strcasecmp(key, ((const struct config_name *)element)->name);
}

const struct config_service *config_find_service(const struct config *c, const char *name)
{
	const struct config_name *found;
	char asked[SHUNT_NAME_MAX];
	size_t length;

	if (!util_copy(asked, sizeof(asked), name))
		return NULL;
	length = strlen(asked);
	if (length > 0 && asked[length - 1] == '.') /* which names are kept without */
		asked[length - 1] = '\0';
	found = bsearch(asked, c->names, c->n_names, sizeof(*c->names), compare_name);
	return found ? &c->services[found->service] : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* Its sources then prefer addresses of that family; vips.cidr is taken for one of IPv4. */
static bool has_ipv6_vip(const struct config_service *s)
{
	return s->has_vip && !addr_is_ipv4(&s->vip);
}

static bool same_family(const struct config_service *a, const struct config_service *b)
{
	return has_ipv6_vip(a) == has_ipv6_vip(b);
}

bool config_same_source(const struct config_service *a, const struct config_service *b)
{
	if (a->source != b->source || a->watch != b->watch)
		return false;
	switch (a->source) {
	case CONFIG_SOURCE_CLOUDMAP: /* the port is that of instances that tell none */
		return same_text(a->cloudmap.namespace, b->cloudmap.namespace) &&
		       same_text(a->cloudmap.service, b->cloudmap.service) &&
		       same_text(a->cloudmap.owner_account, b->cloudmap.owner_account) &&
		       same_text(a->weights.attribute, b->weights.attribute) &&
		       a->cloudmap.poll_ms == b->cloudmap.poll_ms && a->port == b->port &&
		       same_family(a, b) && a->cloudmap.dns_fallback == b->cloudmap.dns_fallback &&
		       a->cloudmap.dns_fallback_after_ms == b->cloudmap.dns_fallback_after_ms;
	case CONFIG_SOURCE_DNS:
		return streq(a->dns.name, b->dns.name) && a->dns.type == b->dns.type &&
		       same_family(a, b) && a->dns.port == b->dns.port;
	case CONFIG_SOURCE_STATIC:
		return same_text(a->fixed.file, b->fixed.file) &&
		       endpoints_equal(&a->fixed.endpoints, &b->fixed.endpoints);
	case CONFIG_SOURCE_SPLIT: /* parts are compared, not the whole */
		break;
	}
	return false;
}

bool config_is_ipv6(const struct config *c, const struct config_service *s)
{
	return !addr_is_ipv4(s->has_vip ? &s->vip : &c->vips.addr);
}

const char *config_source_name(enum config_source source)
{
	return config_word_of(config_words_source, source);
}

const char *config_protocol_name(enum shunt_protocol protocol)
{
	return config_word_of(config_words_protocol, protocol);
}

const char *config_dns_type_name(enum config_dns_type type)
{
	return config_word_of(config_words_dns_type, type);
}
