/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_keys.h"

#include <limits.h>
#include <sys/un.h>

#include "core/budget.h"
#include "core/config.h"

#define MINUTE_MS 60000u
#define HOUR_MS (60 * MINUTE_MS)
#define CLOUDMAP_NAMESPACE_MAX 1024 /* Cloud Map API reference: NamespaceName, ServiceName */
#define CLOUDMAP_SERVICE_MAX 127
#define CLOUDMAP_ATTRIBUTE_MAX 255

const struct config_word config_words_protocol[] = {
	{ "tcp", PROTOCOL_TCP },
	{ "udp", PROTOCOL_UDP },
	{ "any", PROTOCOL_ANY },
	{ 0 },
};

const struct config_word config_words_dns_type[] = {
	{ "A", CONFIG_DNS_A },
	{ "AAAA", CONFIG_DNS_AAAA },
	{ "SRV", CONFIG_DNS_SRV },
	{ 0 },
};

const struct config_word config_words_source[] = {
	{ "cloudmap", CONFIG_SOURCE_CLOUDMAP },
	{ "dns", CONFIG_SOURCE_DNS },
	{ "static", CONFIG_SOURCE_STATIC },
	{ "split", CONFIG_SOURCE_SPLIT },
	{ 0 },
};

/* Which Maglev it is, affinity tells. */
const struct config_word config_words_balance[] = {
	{ "round_robin", BALANCE_ROUND_ROBIN },
	{ "random", BALANCE_RANDOM },
	{ "least_connections", BALANCE_LEAST_CONNECTIONS },
	{ "maglev", BALANCE_MAGLEV_TASK },
	{ 0 },
};

const struct config_word config_words_affinity[] = {
	{ "task", BALANCE_MAGLEV_TASK },
	{ "socket", BALANCE_MAGLEV_SOCKET },
	{ 0 },
};

static const struct config_word words_on_empty[] = {
	{ "refuse", ON_EMPTY_REFUSE },
	{ "pass", ON_EMPTY_PASS },
	{ 0 },
};

static const struct config_word words_reset[] = {
	{ "keep", CONFIG_RESET_KEEP },
	{ "reset", CONFIG_RESET },
	{ 0 },
};

static const struct config_word words_then[] = {
	{ "reset", CONFIG_RESET },
	{ 0 },
};

static const struct config_word words_watch[] = {
	{ "demand", CONFIG_WATCH_DEMAND },
	{ "always", CONFIG_WATCH_ALWAYS },
	{ 0 },
};

#define AT(field) .offset = offsetof(struct config, field)
#define SERVICE_AT(field) .offset = offsetof(struct config_service, field)
#define NAMESPACE_AT(field) .offset = offsetof(struct config_namespace, field)
#define PART_AT(field) .offset = offsetof(struct config_part, field)
#define NOT_BUILT(of_path)                                     \
	{                                                      \
		.path = of_path, .type = CONFIG_TYPE_NOT_BUILT \
	}

static const struct config_key keys[] = {
	{ "cgroup", CONFIG_TYPE_PATH, .max = PATH_MAX - 1, AT(cgroup),
	  .help = "cgroup2 directory to attach to; without it the cgroup2 root found on the "
		  "machine" },
	{ "bpffs", CONFIG_TYPE_PATH, .max = PATH_MAX - 1, .fallback = "/sys/fs/bpf", AT(bpffs),
	  .help = "BPF file system; pins lie in its directory shunt" },
	{ "state_dir", CONFIG_TYPE_PATH, .max = PATH_MAX - 1, .fallback = "/var/lib/shunt",
	  AT(state_dir),
	  .help = "directory of what is remembered on this host, such as drained backends" },
	{ "control_socket", CONFIG_TYPE_PATH,
	  .max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	  .fallback = "/run/shunt/control.sock", AT(control_socket),
	  .help = "Unix socket on which the agent answers shuntctl" },
	{ "metrics", CONFIG_TYPE_OBJECT, .help = "the metrics page" },
	{ "metrics.listen", CONFIG_TYPE_LISTEN, .fallback = "127.0.0.1:9464", AT(metrics_listen),
	  .help = "where /metrics, /healthz and /readyz are served" },
	{ "metrics.per_backend", CONFIG_TYPE_FLAG, .fallback = "false", AT(metrics_per_backend),
	  .help = "count connections, failures and bytes by backend, too" },
	{ "vips", CONFIG_TYPE_OBJECT, .help = "virtual addresses for services without a vip" },
	{ "vips.cidr", CONFIG_TYPE_PREFIX, .fallback = "127.254.0.0/16", AT(vips),
	  .help = "range that they are chosen from, by the service's name" },
	{ "aws", CONFIG_TYPE_OBJECT, .help = "AWS Cloud Map's API" },
	{ "aws.region", CONFIG_TYPE_REGION, .max = 63, AT(aws.region),
	  .help = "region; without it AWS_REGION, AWS_DEFAULT_REGION, that of the profile, of an "
		  "endpoint below, or what the metadata of the task or the instance says" },
	{ "aws.endpoint", CONFIG_TYPE_URL, .max = 512, AT(aws.endpoint),
	  .help = "control plane; without it AWS_ENDPOINT_URL_SERVICEDISCOVERY, AWS_ENDPOINT_URL, "
		  "or servicediscovery of the region" },
	{ "aws.data_endpoint", CONFIG_TYPE_URL, .max = 512, AT(aws.data_endpoint),
	  .help = "data plane (DiscoverInstances); without it data-servicediscovery of the region, "
		  "or endpoint where that is not AWS's own" },
	{ "aws.use_fips_endpoint", CONFIG_TYPE_FLAG, .fallback = "false", AT(aws.fips),
	  .help = "AWS's own endpoints are those validated by FIPS 140; also by "
		  "AWS_USE_FIPS_ENDPOINT" },
	{ "aws.use_dualstack_endpoint", CONFIG_TYPE_FLAG, .fallback = "false", AT(aws.dual_stack),
	  .help = "AWS's own endpoints are those with IPv6 as well; also by "
		  "AWS_USE_DUALSTACK_ENDPOINT" },
	{ "dns", CONFIG_TYPE_OBJECT, .help = "DNS" },
	{ "dns.servers", CONFIG_TYPE_SERVERS, .max = CONFIG_DNS_SERVERS_MAX,
	  .help = "servers to ask, port 53 unless given; without them those of /etc/resolv.conf, "
		  "as it is then" },
	{ "dns.ttl_min", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS, .fallback = "1s",
	  AT(dns_ttl.min_ms), .help = "an answer is asked for again no sooner than this" },
	{ "dns.ttl_max", CONFIG_TYPE_DURATION, .min = 1000, .max = 24 * HOUR_MS, .fallback = "5m",
	  AT(dns_ttl.max_ms), .help = "and no later than this" },
	{ "budget", CONFIG_TYPE_OBJECT, .help = "how often Cloud Map may be called" },
	{ "budget.calls_per_second", CONFIG_TYPE_NUMBER, .min = 1, .max = BUDGET_CALLS_MAX,
	  .fallback = "100", AT(calls_per_second),
	  .help = "calls that this host begins in a second at most; what is due longest goes "
		  "first, "
		  "what is in use before what is idle" },
	{ "exclude_cgroups", CONFIG_TYPE_CGROUPS, .max = CONFIG_CGROUPS_MAX, AT(exclude),
	  .help = "cgroups whose tasks no service redirects, such as those with a proxy of their "
		  "own" },
	{ "services", CONFIG_TYPE_SERVICES, .max = CONFIG_SERVICES_MAX,
	  .help = "the services, an object each; may be empty, and left out where there are "
		  "namespaces" },
	{ "services[].name", CONFIG_TYPE_NAME, .required = true, .own = true,
	  .max = SHUNT_NAME_MAX - 3, SERVICE_AT(name),
	  .help = "logical name; letters count alike in either case" },
	{ "services[].aliases", CONFIG_TYPE_NAMES, .own = true, .max = CONFIG_ALIASES_MAX,
	  .help = "further names of it" },
	{ "services[].vip", CONFIG_TYPE_ADDRESS, .own = true, SERVICE_AT(vip),
	  .help = "virtual address, within vips.cidr or not; without it one is chosen from there" },
	{ "services[].port", CONFIG_TYPE_NUMBER, .min = 1, .max = UINT16_MAX, SERVICE_AT(port),
	  .help = "port of the virtual address; without it any port leads to the backend's own" },
	{ "services[].protocol", CONFIG_TYPE_WORD, .fallback = "tcp",
	  .words = config_words_protocol, SERVICE_AT(protocol), .help = "what is redirected" },
	{ "services[].cloudmap", CONFIG_TYPE_OBJECT, .help = "source: the API of AWS Cloud Map" },
	{ "services[].cloudmap.namespace", CONFIG_TYPE_TEXT, .required = true, .own = true,
	  .max = CLOUDMAP_NAMESPACE_MAX, SERVICE_AT(cloudmap.namespace),
	  .help = "HTTP name of the namespace, or its ARN" },
	{ "services[].cloudmap.owner_account", CONFIG_TYPE_ACCOUNT, .own = true,
	  SERVICE_AT(cloudmap.owner_account),
	  .help = "whose namespace it is, where another account shares it; without it that of "
		  "the ARN, or our own" },
	{ "services[].cloudmap.service", CONFIG_TYPE_TEXT, .required = true, .own = true,
	  .max = CLOUDMAP_SERVICE_MAX, SERVICE_AT(cloudmap.service),
	  .help = "name of the service in it" },
	{ "services[].cloudmap.poll", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS,
	  .fallback = "5s", SERVICE_AT(cloudmap.poll_ms), .help = "how often it is asked" },
	{ "services[].cloudmap.dns_fallback", CONFIG_TYPE_FLAG, .fallback = "false",
	  SERVICE_AT(cloudmap.dns_fallback),
	  .help = "ask DNS for SERVICE.NAMESPACE in its place while the API fails" },
	{ "services[].cloudmap.dns_fallback_after", CONFIG_TYPE_DURATION, .min = 0, .max = HOUR_MS,
	  .fallback = "30s", SERVICE_AT(cloudmap.dns_fallback_after_ms),
	  .help = "once it has failed for so long" },
	{ "services[].dns", CONFIG_TYPE_OBJECT, .own = true,
	  .help = "source: DNS records, asked for again as their TTL ends" },
	{ "services[].dns.name", CONFIG_TYPE_NAME, .required = true, .max = SHUNT_NAME_MAX - 3,
	  SERVICE_AT(dns.name), .help = "name to look up" },
	{ "services[].dns.type", CONFIG_TYPE_WORD, .required = true, .words = config_words_dns_type,
	  SERVICE_AT(dns.type),
	  .help = "type of its records; SRV brings ports and weights with it" },
	{ "services[].dns.port", CONFIG_TYPE_NUMBER, .min = 1, .max = UINT16_MAX,
	  SERVICE_AT(dns.port),
	  .help = "port of the backends, for A and AAAA; without it the service's port" },
	{ "services[].static", CONFIG_TYPE_OBJECT, .own = true,
	  .help = "source: endpoints written down, in a list or a file" },
	{ "services[].static.endpoints", CONFIG_TYPE_ENDPOINTS, .max = ENDPOINTS_MAX,
	  .help = "the endpoints themselves" },
	{ "services[].static.file", CONFIG_TYPE_PATH, .max = PATH_MAX - 1, SERVICE_AT(fixed.file),
	  .help = "file with one ip:port [weight=N] [zone=Z] a line, watched" },
	{ "services[].split", CONFIG_TYPE_PARTS, .own = true, .max = CONFIG_PARTS_MAX,
	  .help = "source: several services of Cloud Map that share the connections" },
	{ "services[].split[].cloudmap", CONFIG_TYPE_OBJECT, .required = true,
	  .help = "one of them" },
	{ "services[].split[].cloudmap.namespace", CONFIG_TYPE_TEXT, .required = true,
	  .max = CLOUDMAP_NAMESPACE_MAX, PART_AT(cloudmap.namespace),
	  .help = "HTTP name of its namespace, or its ARN" },
	{ "services[].split[].cloudmap.owner_account", CONFIG_TYPE_ACCOUNT,
	  PART_AT(cloudmap.owner_account), .help = "whose namespace it is, as above" },
	{ "services[].split[].cloudmap.service", CONFIG_TYPE_TEXT, .required = true,
	  .max = CLOUDMAP_SERVICE_MAX, PART_AT(cloudmap.service),
	  .help = "name of the service in it" },
	{ "services[].split[].cloudmap.poll", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS,
	  .fallback = "5s", PART_AT(cloudmap.poll_ms), .help = "how often it is asked" },
	{ "services[].split[].cloudmap.dns_fallback", CONFIG_TYPE_FLAG, .fallback = "false",
	  PART_AT(cloudmap.dns_fallback),
	  .help = "ask DNS for SERVICE.NAMESPACE in its place while the API fails" },
	{ "services[].split[].cloudmap.dns_fallback_after", CONFIG_TYPE_DURATION, .min = 0,
	  .max = HOUR_MS, .fallback = "30s", PART_AT(cloudmap.dns_fallback_after_ms),
	  .help = "once it has failed for so long" },
	{ "services[].split[].weight", CONFIG_TYPE_NUMBER, .required = true, .min = 0,
	  .max = CONFIG_PART_WEIGHT_MAX, PART_AT(weight),
	  .help = "its share of the connections, beside the weights of the others; with 0 it is "
		  "watched and gets none" },
	{ "services[].shrink_confirm", CONFIG_TYPE_DURATION, .min = 0, .max = 24 * HOUR_MS,
	  .fallback = "30s", SERVICE_AT(shrink_confirm_ms),
	  .help = "how long a shrink must be repeated before it counts" },
	{ "services[].on_empty", CONFIG_TYPE_WORD, .fallback = "refuse", .words = words_on_empty,
	  SERVICE_AT(on_empty),
	  .help = "without a backend: fail with ECONNREFUSED, or let it go where it was going" },
	{ "services[].watch", CONFIG_TYPE_WORD, .fallback = "demand", .words = words_watch,
	  SERVICE_AT(watch),
	  .help = "ask at full pace while the service is used on this host, or always" },
	{ "services[].balance", CONFIG_TYPE_WORD, .fallback = "round_robin",
	  .words = config_words_balance, SERVICE_AT(balance),
	  .help = "backend of a connection: the next in turn, one by lot, of two by lot the one "
		  "with fewer connections, or by consistent hashing the one of its affinity" },
	{ "services[].affinity", CONFIG_TYPE_WORD, .fallback = "task",
	  .words = config_words_affinity, SERVICE_AT(affinity),
	  .help = "with maglev: whose connections go to one backend while it is there" },
	{ "services[].weights", CONFIG_TYPE_OBJECT,
	  .help = "where the weights of Cloud Map's instances come from" },
	{ "services[].weights.attribute", CONFIG_TYPE_TEXT, .required = true,
	  .max = CLOUDMAP_ATTRIBUTE_MAX, SERVICE_AT(weights.attribute),
	  .help = "custom attribute with a weight from 1 to 1000; an instance without a good one "
		  "has weight 1" },
	{ "services[].zone", CONFIG_TYPE_OBJECT,
	  .help = "preference for backends of one availability zone" },
	{ "services[].zone.prefer", CONFIG_TYPE_TEXT, .required = true, .max = SHUNT_ZONE_MAX - 1,
	  SERVICE_AT(zone.prefer),
	  .help = "zone whose backends get all connections, such as us-east-1a" },
	{ "services[].zone.min", CONFIG_TYPE_NUMBER, .min = 1, .max = 1000, .fallback = "3",
	  SERVICE_AT(zone.min),
	  .help = "healthy backends that must be in it; with fewer the zone does not matter" },
	{ "services[].slow_start", CONFIG_TYPE_DURATION, .min = 0, .max = HOUR_MS, .fallback = "0s",
	  SERVICE_AT(slow_start_ms),
	  .help = "how long a new backend takes from a tenth of its share to all of it" },
	{ "services[].exclude_cgroups", CONFIG_TYPE_CGROUPS, .max = CONFIG_CGROUPS_MAX,
	  SERVICE_AT(exclude), .help = "cgroups whose tasks this service does not redirect" },
	{ "services[].ejection", CONFIG_TYPE_SWITCH,
	  .help = "when the kernel keeps connections away from a backend that fails them" },
	{ "services[].ejection.failures", CONFIG_TYPE_NUMBER, .min = 1, .max = 1000,
	  .fallback = "5", SERVICE_AT(ejection.failures),
	  .help = "failed connects after which a backend is ejected, unless successes outweigh "
		  "them" },
	{ "services[].ejection.within", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS,
	  .fallback = "30s", SERVICE_AT(ejection.within_ms),
	  .help = "time in which they have to happen" },
	{ "services[].ejection.base", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS,
	  .fallback = "30s", SERVICE_AT(ejection.base_ms),
	  .help = "how long the first ejection lasts; each further one in a row lasts twice as "
		  "long" },
	{ "services[].ejection.max", CONFIG_TYPE_DURATION, .min = 100, .max = 24 * HOUR_MS,
	  .fallback = "300s", SERVICE_AT(ejection.max_ms),
	  .help = "how long an ejection lasts at most, but for an eighth of jitter" },
	{ "services[].ejection.max_percent", CONFIG_TYPE_NUMBER, .min = 0, .max = 100,
	  .fallback = "50", SERVICE_AT(ejection.max_percent),
	  .help = "how many of its backends a service may have ejected; one always" },
	{ "services[].ejection.panic_percent", CONFIG_TYPE_NUMBER, .min = 0, .max = 100,
	  .fallback = "50", SERVICE_AT(ejection.panic_percent),
	  .help = "with fewer than these in service ejected ones are used like the others" },
	{ "services[].limits", CONFIG_TYPE_OBJECT,
	  .help = "TCP connections at a time on this host; beyond them connect() fails with "
		  "ECONNREFUSED" },
	{ "services[].limits.connections", CONFIG_TYPE_COUNT, .min = 1, .max = INT32_MAX,
	  SERVICE_AT(limits.connections), .help = "to all backends together" },
	{ "services[].limits.per_backend", CONFIG_TYPE_COUNT, .min = 1, .max = INT32_MAX,
	  SERVICE_AT(limits.per_backend), .help = "to each backend" },
	{ "services[].limits.pending", CONFIG_TYPE_COUNT, .min = 1, .max = INT32_MAX,
	  SERVICE_AT(limits.pending), .help = "that are not established yet" },
	{ "services[].probe", CONFIG_TYPE_SWITCH,
	  .help = "whether the agent connects to the backends itself, to see if they can be "
		  "reached; without it, it does not" },
	{ "services[].probe.interval", CONFIG_TYPE_DURATION, .min = 1000, .max = HOUR_MS,
	  .fallback = "5s", SERVICE_AT(probe.interval_ms), .help = "how often each is probed" },
	{ "services[].probe.timeout", CONFIG_TYPE_DURATION, .min = 10, .max = MINUTE_MS,
	  .fallback = "1s", SERVICE_AT(probe.timeout_ms),
	  .help = "how long a connection may take, at most the interval" },
	{ "services[].probe.failures", CONFIG_TYPE_NUMBER, .min = 1, .max = 100, .fallback = "3",
	  SERVICE_AT(probe.failures), .help = "failures in a row after which one is unhealthy" },
	{ "services[].probe.successes", CONFIG_TYPE_NUMBER, .min = 1, .max = 100, .fallback = "2",
	  SERVICE_AT(probe.successes),
	  .help = "successes in a row after which it is healthy again" },
	{ "services[].on_removal", CONFIG_TYPE_WORD_OR_OBJECT, .fallback = "keep",
	  .words = words_reset, SERVICE_AT(on_removal.then),
	  .help = "what becomes of connections to a backend that has left the service" },
	{ "services[].on_removal.after", CONFIG_TYPE_DURATION, .required = true, .min = 0,
	  .max = 24 * HOUR_MS, SERVICE_AT(on_removal.after_ms),
	  .help = "how long they are left alone; a backend that is back by then keeps them" },
	{ "services[].on_removal.then", CONFIG_TYPE_WORD, .required = true, .words = words_then,
	  SERVICE_AT(on_removal.then), .help = "and what becomes of them then" },
	{ "services[].on_unhealthy", CONFIG_TYPE_WORD_OR_OBJECT, .fallback = "keep",
	  .words = words_reset, SERVICE_AT(on_unhealthy.then),
	  .help = "what becomes of connections to a backend that is unhealthy or ejected" },
	{ "services[].on_unhealthy.after", CONFIG_TYPE_DURATION, .required = true, .min = 0,
	  .max = 24 * HOUR_MS, SERVICE_AT(on_unhealthy.after_ms),
	  .help = "how long they are left alone; a backend that is well by then keeps them" },
	{ "services[].on_unhealthy.then", CONFIG_TYPE_WORD, .required = true, .words = words_then,
	  SERVICE_AT(on_unhealthy.then), .help = "and what becomes of them then" },
	{ "services[].connect_timeout", CONFIG_TYPE_DURATION, .min = 100, .max = 5 * MINUTE_MS,
	  SERVICE_AT(connect_timeout_ms),
	  .help = "how long a TCP connect() waits for a backend before it fails with ETIMEDOUT; "
		  "without it, as long as the kernel does: two minutes" },
	{ "services[].connect_timing", CONFIG_TYPE_FLAG, .fallback = "false",
	  SERVICE_AT(connect_timing), .help = "measure how long TCP connects take" },
	{ "namespaces", CONFIG_TYPE_NAMESPACES, .max = CONFIG_NAMESPACES_MAX,
	  .help = "namespaces of Cloud Map, an object each, of which all services are taken, as "
		  "they come and go" },
	{ "namespaces[].cloudmap", CONFIG_TYPE_TEXT, .required = true,
	  .max = CLOUDMAP_NAMESPACE_MAX, NAMESPACE_AT(cloudmap),
	  .help = "HTTP name of the namespace, or its id or ARN" },
	{ "namespaces[].owner_account", CONFIG_TYPE_ACCOUNT, NAMESPACE_AT(owner_account),
	  .help = "whose namespace it is, where another account shares it; without it that of "
		  "the ARN, or our own" },
	{ "namespaces[].domain", CONFIG_TYPE_NAME, .max = SHUNT_NAME_MAX - 3, NAMESPACE_AT(domain),
	  .help = "what follows the name of a service in its name here; without it the "
		  "namespace's name" },
	{ "namespaces[].short", CONFIG_TYPE_FLAG, .fallback = "false", NAMESPACE_AT(also_short),
	  .help = "give each service its name in the namespace, too, as an alias" },
	{ "namespaces[].include", CONFIG_TYPE_PATTERNS, .max = CONFIG_PATTERNS_MAX,
	  NAMESPACE_AT(include),
	  .help = "services that are taken, by their names in the namespace; without it all" },
	{ "namespaces[].exclude", CONFIG_TYPE_PATTERNS, .max = CONFIG_PATTERNS_MAX,
	  NAMESPACE_AT(exclude), .help = "of these, the services that are not taken" },
	{ "namespaces[].poll", CONFIG_TYPE_DURATION, .min = 100, .max = HOUR_MS, .fallback = "60s",
	  NAMESPACE_AT(poll_ms), .help = "how often its services are listed" },
	{ "namespaces[].shrink_confirm", CONFIG_TYPE_DURATION, .min = 0, .max = 24 * HOUR_MS,
	  .fallback = "30s", NAMESPACE_AT(shrink_confirm_ms),
	  .help = "how long a list that lacks more than half must be repeated before it counts" },
	{ "namespaces[].defaults", CONFIG_TYPE_DEFAULTS, NAMESPACE_AT(defaults),
	  .help = "what its services are like" },
	NOT_BUILT("names"),
	NOT_BUILT("services[].retries"),
	NOT_BUILT("services[].adopt"),
	NOT_BUILT("services[].adopt_for"),
};
_Static_assert(ARRAY_SIZE(keys) <= CONFIG_KEYS_MAX, "more keys than CONFIG_KEYS_MAX");

const struct config_key *config_keys(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(keys);
	return keys;
}

size_t config_key_index(const struct config_key *key)
{
	return (size_t)(key - keys);
}

const char *config_word_of(const struct config_word *words, int value)
{
	for (; words->word; words++) {
		if (words->value == value)
			return words->word;
	}
	return "?";
}
