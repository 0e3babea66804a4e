/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: JSON text to a checked struct, or every fault of it at once. Pure: it reads no
 * file and no environment (config_environment is handed in), and a config that was returned is
 * whole and valid. The grammar and the keys: CONTRACT of the project, docs/shunt.json.5.
 */
#pragma once

#include <netinet/in.h>

#include "base/addr.h"
#include "base/diag.h"
#include "core/config_namespace.h"
#include "core/config_service.h"
#include "shunt/layout.h"

#define CONFIG_BYTES_MAX (8 << 20)
#define CONFIG_DEPTH_MAX 16
#define CONFIG_SERVICES_MAX SHUNT_SERVICES_MAX
#define CONFIG_ALIASES_MAX 16
#define CONFIG_DNS_SERVERS_MAX 8

/* A name or an alias of services[service]. */
struct config_name {
	const char *name; /* that service's */
	size_t service;
	size_t alias; /* 0: its name; else 1 + its index */
};

struct config {
	char *cgroup; /* NULL: the cgroup2 root found on the machine */
	char *bpffs;
	char *state_dir;
	char *control_socket;
	struct addr_port metrics_listen;
	bool metrics_per_backend;
	struct addr_prefix vips;
	struct {
		char *region;	/* NULL when nothing tells it: nothing needs it, or it may come */
		bool is_needed; /* some service uses Cloud Map */
		char *endpoint; /* of the control plane: scheme://host[:port], no path */
		char *data_endpoint;   /* of DiscoverInstances */
		bool fips, dual_stack; /* AWS's own endpoints are of that kind */
	} aws;
	uint16_t calls_per_second; /* to Cloud Map */
	struct addr_port dns_servers[CONFIG_DNS_SERVERS_MAX];
	size_t n_dns_servers; /* 0: those of /etc/resolv.conf */
	struct config_dns_ttl {
		uint32_t min_ms, max_ms;
	} dns_ttl;
	struct config_cgroups exclude; /* from all services */
	struct config_service *services;
	size_t n_services;
	struct config_name *names; /* all of them, sorted */
	size_t n_names;
	struct config_namespace *namespaces; /* whose services are imported */
	size_t n_namespaces;
};

/* What of the environment a configuration may depend on; NULL for what is not set. */
struct config_environment {
	const char *aws_region;	  /* AWS_REGION, AWS_DEFAULT_REGION, that of the profile */
	const char *aws_endpoint; /* AWS_ENDPOINT_URL_SERVICEDISCOVERY, AWS_ENDPOINT_URL */
	bool region_may_come;	  /* the metadata of the task or the instance may tell it */
	bool use_fips_endpoint, use_dualstack_endpoint; /* AWS_USE_..., those of the profile */
};

/*
 * Parses and checks. `origin` names the text in messages ("/etc/shunt/shunt.json", "SHUNT_CONFIG").
 * 0 and *ret (the caller's), or -EINVAL with every problem in *problems (place, value got, what was
 * wanted), or -ENOMEM. *ret is touched on success only.
 */
int config_parse(const char *text, size_t length, const char *origin,
		 const struct config_environment *environment, struct config **ret,
		 struct diag *problems);
void config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free);

/*
 * The region has become known after all: takes it, and the endpoints that follow from it. 0;
 * -EINVAL: it is none; -ENOMEM.
 */
int config_set_region(struct config *c, const char *region);

/* Of those that are written out; NULL if there is none of that name or alias. */
const struct config_service *config_find_service(const struct config *c, const char *name);

/* Whether two parts ask one source for the same thing at the same pace: a reload keeps it. */
bool config_same_source(const struct config_service *a, const struct config_service *b);

/*
 * A service has parts: those of its split, or itself as the only one. A part is a service without a
 * split, but with the rules of the whole; what it points to is borrowed from there.
 */
size_t config_count_parts(const struct config_service *s);
struct config_service config_part_service(const struct config_service *s, size_t part);
uint16_t config_part_weight(const struct config_service *s, size_t part);

/* Whether two parts are one that is asked otherwise at most: what is known of it still holds. */
bool config_same_target(const struct config_service *a, const struct config_service *b);

/* The name in DNS of a service of Cloud Map; the caller's. 0, -ENOMEM, or -EINVAL: it has none. */
int config_fallback_name(const struct config_cloudmap *c, char **ret);

/* Whether clients ask for the service at an IPv6 address: its VIP, or one of vips.cidr. */
bool config_is_ipv6(const struct config *c, const struct config_service *s);

/*
 * What a part has its backends from: "cloudmap us-east-1 internal.myapp/backend". The caller's;
 * NULL: from the configuration itself, or out of memory.
 */
char *config_identity(const struct config *c, const struct config_service *part);

/* The words of the configuration for these values: "cloudmap", "tcp", "A" ... */
const char *config_source_name(enum config_source source);
const char *config_protocol_name(enum shunt_protocol protocol);
const char *config_dns_type_name(enum config_dns_type type);
