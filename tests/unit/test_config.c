/* SPDX-License-Identifier: Apache-2.0 */
/* What good configurations are read as. Bad ones: test_config_faults.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/balance.h"
#include "core/config.h"
#include "core/config_names.h"
#include "core/config_types.h"

static struct config *parse_in(const char *text, const char *region)
{
	const struct config_environment environment = { .aws_region = region };
	struct config *c = NULL;
	struct diag problems = { 0 };
	int r = config_parse(text, strlen(text), "test", &environment, &c, &problems);

	diag_print(&problems, "", stderr);
	diag_done(&problems);
	assert_int_equal(r, 0);
	return c;
}

static struct config *parse(const char *text)
{
	return parse_in(text, NULL);
}

static void is_address(const struct addr *a, const char *wanted)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(a, text), wanted);
}

static void is_port(const struct addr_port *a, const char *wanted)
{
	char text[ADDR_PORT_TEXT_MAX];

	assert_string_equal(addr_port_format(a, text), wanted);
}

static void no_services_and_nothing_else_is_a_configuration(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse("{\"services\": []}");

	(void)state;
	assert_null(c->cgroup);
	assert_string_equal(c->bpffs, "/sys/fs/bpf");
	assert_string_equal(c->state_dir, "/var/lib/shunt");
	assert_string_equal(c->control_socket, "/run/shunt/control.sock");
	is_port(&c->metrics_listen, "127.0.0.1:9464");
	is_address(&c->vips.addr, "127.254.0.0");
	assert_int_equal(c->vips.length, 16);
	assert_null(c->aws.region);
	assert_null(c->aws.endpoint);
	assert_null(c->aws.data_endpoint);
	assert_int_equal(c->n_dns_servers, 0);
	assert_int_equal(c->dns_ttl.min_ms, 1000);
	assert_int_equal(c->dns_ttl.max_ms, 300000);
	assert_int_equal(c->n_services, 0);
}

static void a_service_has_the_defaults_of_the_manual(void **state)
{
	_cleanup_(config_free_p) struct config *c =
		parse("{\"services\":[{\"name\":\"x\",\"static\":{\"endpoints\":[]}}]}");
	const struct config_service *s = &c->services[0];

	(void)state;
	assert_false(s->has_vip);
	assert_int_equal(s->port, 0);
	assert_int_equal(s->protocol, PROTOCOL_TCP);
	assert_int_equal(s->on_empty, ON_EMPTY_REFUSE);
	assert_int_equal(s->watch, CONFIG_WATCH_DEMAND);
	assert_int_equal(s->balance, BALANCE_ROUND_ROBIN);
	assert_null(s->zone.prefer);
	assert_int_equal(s->zone.min, 3);
	assert_int_equal(s->slow_start_ms, 0);
	assert_false(s->has_probe);
	assert_true(s->has_ejection);
	assert_int_equal(s->ejection.failures, 5);
	assert_int_equal(s->ejection.within_ms, 30000);
	assert_int_equal(s->ejection.base_ms, 30000);
	assert_int_equal(s->ejection.max_ms, 300000);
	assert_int_equal(s->ejection.max_percent, 50);
	assert_int_equal(s->ejection.panic_percent, 50);
	assert_int_equal(s->limits.connections, 0);
	assert_int_equal(s->limits.per_backend, 0);
	assert_int_equal(s->on_removal.then, CONFIG_RESET_KEEP);
	assert_int_equal(s->on_unhealthy.then, CONFIG_RESET_KEEP);
	assert_int_equal(s->connect_timeout_ms, 0);
	assert_false(s->connect_timing);
	assert_int_equal(s->shrink_confirm_ms, 30000);
	assert_int_equal(s->cloudmap.poll_ms, 5000);
	assert_false(s->cloudmap.dns_fallback);
	assert_int_equal(s->cloudmap.dns_fallback_after_ms, 30000);
	assert_int_equal(s->n_aliases, 0);
}

static void a_namespace_says_what_its_services_are_like(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(
		"{\"aws\":{\"region\":\"us-east-1\"},\"namespaces\":[{\"cloudmap\":\"n\"},"
		"{\"cloudmap\":\"arn:aws:servicediscovery:us-west-2:123456789012:namespace/"
		"ns-e1tpmexample0001\",\"domain\":\"Apps.Internal.\",\"short\":true,\"poll\":"
		"\"5m\","
		"\"include\":[\"web-*\",\"api\"],\"exclude\":[\"*-old\"],\"defaults\":{"
		"\"port\":80,\"cloudmap\":{\"poll\":\"1s\"},\"ejection\":false}}]}");
	const struct config_namespace *plain = &c->namespaces[0], *n = &c->namespaces[1];

	(void)state;
	assert_int_equal(c->n_namespaces, 2);
	assert_int_equal(c->n_services, 0);
	assert_string_equal(plain->cloudmap, "n");
	assert_null(plain->owner_account);
	assert_int_equal(plain->poll_ms, 60000);
	assert_int_equal(plain->shrink_confirm_ms, 30000);
	assert_int_equal(plain->defaults.cloudmap.poll_ms, 5000);
	assert_true(plain->defaults.has_ejection);
	assert_int_equal(plain->defaults.ejection.failures, 5);
	assert_true(config_namespace_wants(plain, "anything"));
	assert_string_equal(n->owner_account, "123456789012");
	assert_string_equal(n->domain, "apps.internal");
	assert_true(n->also_short);
	assert_int_equal(n->poll_ms, 300000);
	assert_int_equal(n->defaults.port, 80);
	assert_int_equal(n->defaults.cloudmap.poll_ms, 1000);
	assert_false(n->defaults.has_ejection);
	assert_true(config_namespace_wants(n, "web-1"));
	assert_true(config_namespace_wants(n, "API"));
	assert_false(config_namespace_wants(n, "web-1-old"));
	assert_false(config_namespace_wants(n, "apis"));
}

static void a_namespace_is_told_by_name_id_or_arn(void **state)
{
	static const struct {
		const char *text;
		enum config_namespace_kind kind;
		const char *account;
	} rows[] = {
		{ "prod.local", CONFIG_NAMESPACE_NAME, NULL },
		{ "ns-prod", CONFIG_NAMESPACE_NAME, NULL },
		{ "ns-a3ccy2e7e3a7rile", CONFIG_NAMESPACE_ID, NULL },
		{ "ns-A3ccy2e7e3a7rile", CONFIG_NAMESPACE_NAME, NULL },
		{ "arn:aws-cn:servicediscovery:cn-north-1:123456789012:namespace/"
		  "ns-a3ccy2e7e3a7rile",
		  CONFIG_NAMESPACE_ARN, "123456789012" },
		{ "arn:aws:servicediscovery:us-west-2:12345678901:namespace/ns-a3ccy2e7e3a7rile",
		  CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:aws:servicediscovery:us-west-2:1234567890123:namespace/ns-a3ccy2e7e3a7rile",
		  CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:aws:servicediscovery:us-west-2:123456789012:service/srv-a3ccy2e7e3a7rile",
		  CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:aws:servicediscovery:us-west-2:123456789012:namespace/ns-short",
		  CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:", CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:aws:servicediscovery", CONFIG_NAMESPACE_ARN, NULL },
		{ "arn:aws:servicediscovery:", CONFIG_NAMESPACE_ARN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *account = config_namespace_account(rows[i].text);

		assert_int_equal(config_namespace_kind(rows[i].text), rows[i].kind);
		assert_int_equal(account != NULL, rows[i].account != NULL);
		if (account)
			assert_memory_equal(account, rows[i].account, CONFIG_ACCOUNT_LENGTH);
	}
}

static void resetting_connections_is_a_word_or_a_time_and_a_word(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(
		"{\"services\":[{\"name\":\"x\",\"static\":{\"endpoints\":[]},"
		"\"on_removal\":{\"after\":\"30s\",\"then\":\"reset\"},"
		"\"on_unhealthy\":\"reset\"}]}");
	const struct config_service *s = &c->services[0];

	(void)state;
	assert_int_equal(s->on_removal.then, CONFIG_RESET);
	assert_int_equal(s->on_removal.after_ms, 30000);
	assert_int_equal(s->on_unhealthy.then, CONFIG_RESET);
	assert_int_equal(s->on_unhealthy.after_ms, 0);
}

static void the_affinity_tells_which_maglev_it_is(void **state)
{
	static const struct {
		const char *keys;
		enum shunt_balance wanted;
		const char *affinity;
	} cases[] = {
		{ "\"balance\": \"round_robin\"", BALANCE_ROUND_ROBIN, NULL },
		{ "\"balance\": \"random\"", BALANCE_RANDOM, NULL },
		{ "\"balance\": \"maglev\"", BALANCE_MAGLEV_TASK, "task" },
		{ "\"balance\": \"maglev\", \"affinity\": \"task\"", BALANCE_MAGLEV_TASK, "task" },
		{ "\"affinity\": \"socket\", \"balance\": \"maglev\"", BALANCE_MAGLEV_SOCKET,
		  "socket" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_free_ char *text = NULL;
		const char *affinity = balance_affinity(cases[i].wanted);

		assert_true(asprintf(&text,
				     "{\"services\":[{\"name\":\"x\",\"static\":"
				     "{\"endpoints\":[]},%s}]}",
				     cases[i].keys) > 0);
		c = parse(text);
		assert_int_equal(c->services[0].balance, cases[i].wanted);
		assert_string_equal(affinity ? affinity : "",
				    cases[i].affinity ? cases[i].affinity : "");
	}
	assert_string_equal(balance_name(BALANCE_MAGLEV_SOCKET), "maglev");
	assert_string_equal(balance_name(BALANCE_RANDOM), "random");
}

static void what_ejects_and_limits_is_read(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(
		"{\"services\":[{\"name\":\"x\",\"static\":{\"endpoints\":[]},"
		"\"balance\":\"least_connections\","
		"\"ejection\":{\"failures\":3,\"within\":\"10s\",\"base\":\"1s\",\"max\":\"1m\","
		"\"max_percent\":0,\"panic_percent\":100},"
		"\"limits\":{\"connections\":100000,\"per_backend\":7,\"pending\":8}},"
		"{\"name\":\"y\",\"static\":{\"endpoints\":[]},\"ejection\":false}]}");
	const struct config_service *s = &c->services[0];

	(void)state;
	assert_int_equal(s->balance, BALANCE_LEAST_CONNECTIONS);
	assert_true(s->has_ejection);
	assert_int_equal(s->ejection.failures, 3);
	assert_int_equal(s->ejection.within_ms, 10000);
	assert_int_equal(s->ejection.base_ms, 1000);
	assert_int_equal(s->ejection.max_ms, 60000);
	assert_int_equal(s->ejection.max_percent, 0);
	assert_int_equal(s->ejection.panic_percent, 100);
	assert_int_equal(s->limits.connections, 100000);
	assert_int_equal(s->limits.per_backend, 7);
	assert_int_equal(s->limits.pending, 8);
	assert_false(c->services[1].has_ejection);
}

static void probes_are_made_where_they_are_asked_for(void **state)
{
	static const struct {
		const char *keys;
		bool has_probe;
		struct probe_rules rules;
	} cases[] = {
		{ "\"probe\": false", false, { 5000, 1000, 3, 2 } },
		{ "\"probe\": {}", true, { 5000, 1000, 3, 2 } },
		{ "\"probe\": {\"interval\": \"1m\", \"timeout\": \"1m\", \"failures\": 1, "
		  "\"successes\": 7}",
		  true,
		  { 60000, 60000, 1, 7 } },
		{ "\"probe\": {}, \"protocol\": \"any\"", true, { 5000, 1000, 3, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_free_ char *text = NULL;
		const struct probe_rules *rules;

		assert_true(asprintf(&text,
				     "{\"services\":[{\"name\":\"x\",\"dns\":"
				     "{\"name\":\"x\",\"type\":\"SRV\"},%s}]}",
				     cases[i].keys) > 0);
		c = parse(text);
		rules = &c->services[0].probe;
		assert_int_equal(c->services[0].has_probe, cases[i].has_probe);
		assert_int_equal(rules->interval_ms, cases[i].rules.interval_ms);
		assert_int_equal(rules->timeout_ms, cases[i].rules.timeout_ms);
		assert_int_equal(rules->failures, cases[i].rules.failures);
		assert_int_equal(rules->successes, cases[i].rules.successes);
	}
}

static const char whole[] =
	"{ \"cgroup\": \"/sys/fs/cgroup\", \"bpffs\": \"/bpf\", \"state_dir\": \"/state\",\n"
	"  \"control_socket\": \"/run/c.sock\", \"metrics\": { \"listen\": \"[::1]:99\" },\n"
	"  \"vips\": { \"cidr\": \"fd00:1::/64\" },\n"
	"  \"aws\": { \"region\": \"eu-west-1\", \"endpoint\": \"https://One.Example:8443/\",\n"
	"             \"data_endpoint\": \"http://[::1]:4566\" },\n"
	"  \"dns\": { \"servers\": [\"169.254.169.253\", \"10.0.0.2:5353\", \"fd00::2\"] },\n"
	"  \"services\": [\n"
	"    { \"name\": \"Backend.Internal.\", \"aliases\": [\"BACKEND\", \"_b\"], \"vip\": "
	"\"::1\",\n"
	"      \"port\": 8e3, \"protocol\": \"any\", \"on_empty\": \"pass\", \"watch\": "
	"\"always\",\n"
	"      \"shrink_confirm\": \"2m\", \"connect_timeout\": \"3s\", "
	"\"connect_timing\": true,\n"
	"      \"cloudmap\": { \"namespace\": \"internal.myapp\", \"service\": \"backend\", "
	"\"poll\": \"250ms\" } },\n"
	"    { \"name\": \"a\", \"port\": 3000, \"dns\": { \"name\": \"A.internal\", \"type\": "
	"\"AAAA\" } },\n"
	"    { \"name\": \"srv\", \"dns\": { \"name\": \"_x._tcp.internal\", \"type\": \"SRV\" } "
	"},\n"
	"    { \"name\": \"cache\", \"port\": 6379, \"protocol\": \"udp\",\n"
	"      \"static\": { \"endpoints\": [\"10.0.1.91:6379\", \"[fd00::3]:1\", "
	"\"10.0.1.54:6379\"] } },\n"
	"    { \"name\": \"file\", \"static\": { \"file\": \"/etc/endpoints\" } } ] }\r\n";

static void every_key_of_the_whole_is_read(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse_in(whole, "us-east-1");

	(void)state;
	assert_string_equal(c->cgroup, "/sys/fs/cgroup");
	assert_string_equal(c->bpffs, "/bpf");
	assert_string_equal(c->state_dir, "/state");
	assert_string_equal(c->control_socket, "/run/c.sock");
	is_port(&c->metrics_listen, "[::1]:99");
	is_address(&c->vips.addr, "fd00:1::");
	assert_int_equal(c->vips.length, 64);
	assert_string_equal(c->aws.region, "eu-west-1");
	assert_string_equal(c->aws.endpoint, "https://one.example:8443");
	assert_string_equal(c->aws.data_endpoint, "http://[::1]:4566");
	assert_int_equal(c->n_dns_servers, 3);
	is_port(&c->dns_servers[0], "169.254.169.253:53");
	is_port(&c->dns_servers[1], "10.0.0.2:5353");
	is_port(&c->dns_servers[2], "[fd00::2]:53");
}

static void every_key_of_a_service_is_read(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(whole);
	const struct config_service *s = c->services;

	(void)state;
	assert_int_equal(c->n_services, 5);
	assert_string_equal(s->name, "backend.internal");
	assert_int_equal(s->n_aliases, 2);
	assert_string_equal(s->aliases[0], "backend");
	assert_string_equal(s->aliases[1], "_b");
	assert_true(s->has_vip);
	is_address(&s->vip, "::1");
	assert_int_equal(s->port, 8000);
	assert_int_equal(s->protocol, PROTOCOL_ANY);
	assert_int_equal(s->on_empty, ON_EMPTY_PASS);
	assert_int_equal(s->watch, CONFIG_WATCH_ALWAYS);
	assert_int_equal(s->shrink_confirm_ms, 120000);
	assert_int_equal(s->connect_timeout_ms, 3000);
	assert_true(s->connect_timing);
	assert_false(c->services[1].connect_timing);
	assert_int_equal(s->source, CONFIG_SOURCE_CLOUDMAP);
	assert_string_equal(s->cloudmap.namespace, "internal.myapp");
	assert_string_equal(s->cloudmap.service, "backend");
	assert_int_equal(s->cloudmap.poll_ms, 250);
}

static void every_source_is_read(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(whole);
	const struct config_service *s = c->services;

	(void)state;
	assert_int_equal(s[1].source, CONFIG_SOURCE_DNS);
	assert_string_equal(s[1].dns.name, "a.internal");
	assert_int_equal(s[1].dns.type, CONFIG_DNS_AAAA);
	assert_int_equal(s[1].dns.port, 3000); /* the service's */
	assert_int_equal(s[2].dns.type, CONFIG_DNS_SRV);
	assert_int_equal(s[2].dns.port, 0);
	assert_int_equal(s[3].source, CONFIG_SOURCE_STATIC);
	assert_int_equal(s[3].fixed.endpoints.n, 3);
	is_port(&s[3].fixed.endpoints.list[0].at, "10.0.1.54:6379");
	is_port(&s[3].fixed.endpoints.list[1].at, "10.0.1.91:6379");
	is_port(&s[3].fixed.endpoints.list[2].at, "[fd00::3]:1");
	assert_int_equal(s[3].fixed.endpoints.list[0].weight, 1);
	assert_int_equal(s[3].fixed.endpoints.list[0].state, STATE_HEALTHY);
	assert_null(s[3].fixed.file);
	assert_string_equal(s[4].fixed.file, "/etc/endpoints");
}

static void endpoints_of_aws_follow_from_what_is_given(void **state)
{
	static const struct {
		const char *aws, *environment, *region, *endpoint, *data_endpoint;
	} cases[] = {
		{ "", "eu-west-1", "eu-west-1", "https://servicediscovery.eu-west-1.amazonaws.com",
		  "https://data-servicediscovery.eu-west-1.amazonaws.com" },
		{ "\"region\":\"cn-north-1\"", "eu-west-1", "cn-north-1",
		  "https://servicediscovery.cn-north-1.amazonaws.com.cn",
		  "https://data-servicediscovery.cn-north-1.amazonaws.com.cn" },
		{ "\"endpoint\":\"https://servicediscovery-fips.us-gov-west-1.amazonaws.com\"",
		  NULL, "us-gov-west-1",
		  "https://servicediscovery-fips.us-gov-west-1.amazonaws.com",
		  "https://data-servicediscovery-fips.us-gov-west-1.amazonaws.com" },
		{ "\"data_endpoint\":\"https://data-servicediscovery.us-west-2.api.aws\"", NULL,
		  "us-west-2", "https://servicediscovery.us-west-2.amazonaws.com",
		  "https://data-servicediscovery.us-west-2.api.aws" },
		{ "\"endpoint\":\"http://127.0.0.1:4566\"", "eu-west-1", "eu-west-1",
		  "http://127.0.0.1:4566", "http://127.0.0.1:4566" },
		{ "\"endpoint\":\"https://servicediscovery.test\"", "eu-west-1", "eu-west-1",
		  "https://servicediscovery.test", "https://servicediscovery.test" },
		{ "\"endpoint\":\"http://LOCALHOST\"", NULL, NULL, "http://localhost",
		  "http://localhost" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;

		(void)snprintf(text, sizeof(text), "{\"aws\":{%s},\"services\":[]}", cases[i].aws);
		c = parse_in(text, cases[i].environment);
		if (cases[i].region)
			assert_string_equal(c->aws.region, cases[i].region);
		else
			assert_null(c->aws.region);
		assert_string_equal(c->aws.endpoint, cases[i].endpoint);
		assert_string_equal(c->aws.data_endpoint, cases[i].data_endpoint);
	}
}

/* The partitions and their domains are botocore's. */
static void endpoints_are_of_the_kind_and_the_partition_of_the_region(void **state)
{
	static const struct {
		const char *region;
		bool fips, dual_stack;
		const char *data_endpoint;
	} rows[] = {
		{ "us-east-1", true, false,
		  "https://data-servicediscovery-fips.us-east-1.amazonaws.com" },
		{ "us-east-1", false, true, "https://data-servicediscovery.us-east-1.api.aws" },
		{ "us-east-1", true, true, "https://data-servicediscovery-fips.us-east-1.api.aws" },
		{ "us-gov-west-1", true, false,
		  "https://data-servicediscovery-fips.us-gov-west-1.amazonaws.com" },
		{ "cn-north-1", false, true,
		  "https://data-servicediscovery.cn-north-1.api.amazonwebservices.com.cn" },
		{ "eusc-de-east-1", false, false,
		  "https://data-servicediscovery.eusc-de-east-1.amazonaws.eu" },
		{ "us-iso-east-1", false, false,
		  "https://data-servicediscovery.us-iso-east-1.c2s.ic.gov" },
		{ "us-isob-east-1", false, false,
		  "https://data-servicediscovery.us-isob-east-1.sc2s.sgov.gov" },
		{ "eu-isoe-west-1", false, false,
		  "https://data-servicediscovery.eu-isoe-west-1.cloud.adc-e.uk" },
		{ "us-isof-south-1", false, false,
		  "https://data-servicediscovery.us-isof-south-1.csp.hci.ic.gov" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_environment asked = {
			.aws_region = rows[i].region,
			.use_fips_endpoint = rows[i].fips,
			.use_dualstack_endpoint = rows[i].dual_stack,
		};
		_cleanup_(config_free_p) struct config *by_environment = NULL;
		_cleanup_(config_free_p) struct config *by_keys = NULL;
		_cleanup_(config_free_p) struct config *by_endpoint = NULL;
		_cleanup_(diag_done) struct diag problems = { 0 };

		assert_int_equal(config_parse("{\"services\":[]}", 15, "f", &asked, &by_environment,
					      &problems),
				 0);
		assert_string_equal(by_environment->aws.data_endpoint, rows[i].data_endpoint);
		(void)snprintf(text, sizeof(text),
			       "{\"aws\":{\"region\":\"%s\",\"use_fips_endpoint\":%s,"
			       "\"use_dualstack_endpoint\":%s},\"services\":[]}",
			       rows[i].region, rows[i].fips ? "true" : "false",
			       rows[i].dual_stack ? "true" : "false");
		by_keys = parse(text);
		assert_string_equal(by_keys->aws.data_endpoint, rows[i].data_endpoint);
		/* And the region is found in it again. */
		(void)snprintf(text, sizeof(text),
			       "{\"aws\":{\"data_endpoint\":\"%s\"},\"services\":[]}",
			       rows[i].data_endpoint);
		by_endpoint = parse_in(text, NULL);
		assert_string_equal(by_endpoint->aws.region, rows[i].region);
	}
}

static void one_vip_serves_several_ports_and_protocols(void **state)
{
	static const char text[] =
		"{\"services\":["
		"{\"name\":\"a\",\"vip\":\"10.0.0.1\",\"port\":1,\"static\":{\"endpoints\":[]}},"
		"{\"name\":\"b\",\"vip\":\"10.0.0.1\",\"port\":2,\"static\":{\"endpoints\":[]}},"
		"{\"name\":\"c\",\"vip\":\"10.0.0.1\",\"port\":1,\"protocol\":\"udp\","
		"\"static\":{\"endpoints\":[]}}]}";
	_cleanup_(config_free_p) struct config *c = parse(text);

	(void)state;
	assert_int_equal(c->n_services, 3);
}

static void a_service_is_found_by_any_of_its_names(void **state)
{
	_cleanup_(config_free_p) struct config *c = parse(whole);

	(void)state;
	assert_ptr_equal(config_find_service(c, "backend.internal"), &c->services[0]);
	assert_ptr_equal(config_find_service(c, "Backend.Internal."), &c->services[0]);
	assert_ptr_equal(config_find_service(c, "BACKEND"), &c->services[0]);
	assert_ptr_equal(config_find_service(c, "file"), &c->services[4]);
	assert_null(config_find_service(c, "backend.internal.."));
	assert_null(config_find_service(c, "back"));
	assert_null(config_find_service(c, ""));
}

static void a_source_is_the_same_only_if_it_asks_the_same_thing_at_the_same_pace(void **state)
{
	static const char *const services[] = {
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\"}",
		"\"cloudmap\":{\"namespace\":\"m\",\"service\":\"s\"}",
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"t\"}",
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\",\"poll\":\"6s\"}",
		"\"weights\":{\"attribute\":\"w\"},\"cloudmap\":{\"namespace\":\"n\",\"service\":"
		"\"s\"}",
		"\"weights\":{\"attribute\":\"v\"},\"cloudmap\":{\"namespace\":\"n\",\"service\":"
		"\"s\"}",
		"\"port\":1,\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\"}",
		"\"watch\":\"always\",\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\"}",
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\",\"dns_fallback\":true}",
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\","
		"\"dns_fallback_after\":\"1s\"}",
		"\"dns\":{\"name\":\"n\",\"type\":\"A\"}",
		"\"dns\":{\"name\":\"m\",\"type\":\"A\"}",
		"\"dns\":{\"name\":\"n\",\"type\":\"AAAA\"}",
		"\"dns\":{\"name\":\"n\",\"type\":\"A\",\"port\":1}",
		"\"static\":{\"file\":\"/a\"}",
		"\"static\":{\"file\":\"/b\"}",
		"\"static\":{\"endpoints\":[]}",
		"\"static\":{\"endpoints\":[\"10.0.0.1:1\"]}",
	};
	char one[256], other[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(services); j++) {
			_cleanup_(config_free_p) struct config *a = NULL;
			_cleanup_(config_free_p) struct config *b = NULL;

			(void)snprintf(one, sizeof(one), "{\"services\":[{\"name\":\"x\",%s}]}",
				       services[i]);
			(void)snprintf(other, sizeof(other),
				       "{\"services\":[{\"name\":\"y\",\"vip\":\"10.0.0.1\",%s}]}",
				       services[j]);
			a = parse_in(one, "eu-west-1");
			b = parse_in(other, "eu-west-1");
			assert_int_equal(config_same_source(a->services, b->services), i == j);
		}
	}
}

static void a_vip_of_the_other_family_makes_another_source(void **state)
{
	static const char *const sources[] = {
		"\"dns\":{\"name\":\"n\",\"type\":\"SRV\"}",
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\"}"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		char text[512];

		(void)snprintf(text, sizeof(text),
			       "{\"services\":[{\"name\":\"x\",%s},"
			       "{\"name\":\"y\",\"vip\":\"10.0.0.1\",%s},"
			       "{\"name\":\"z\",\"vip\":\"fd00::1\",%s}]}",
			       sources[i], sources[i], sources[i]);
		c = parse_in(text, "eu-west-1");
		assert_true(config_same_source(&c->services[0], &c->services[1]));
		assert_false(config_same_source(&c->services[0], &c->services[2]));
		assert_false(config_is_ipv6(c, &c->services[0]));
		assert_false(config_is_ipv6(c, &c->services[1]));
		assert_true(config_is_ipv6(c, &c->services[2]));
	}
}

static void durations_are_read_in_every_unit_and_written_in_the_largest(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
		const char *shortest;
	} cases[] = {
		{ "0s", 0, "0s" },
		{ "0h", 0, "0s" },
		{ "250ms", 250, "250ms" },
		{ "1000ms", 1000, "1s" },
		{ "90s", 90000, "90s" },
		{ "120s", 120000, "2m" },
		{ "60m", 3600000, "1h" },
		{ "24h", 86400000, "24h" },
		{ "007s", 7000, "7s" },
		{ "4294967295ms", UINT32_MAX, "4294967295ms" },
		{ "1193h", 4294800000, "1193h" },
	};
	char text[CONFIG_DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t ms;

		assert_int_equal(config_parse_duration(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
		assert_string_equal(config_format_duration(ms, text), cases[i].shortest);
	}
}

static void a_name_may_have_253_octets_and_no_more(void **state)
{
	char name[260] = "", *made = NULL;

	(void)state;
	for (int i = 0; i < 63; i++)
		(void)strcat(name, "abc.");
	(void)strcat(name, "d");
	assert_int_equal(strlen(name), 253);
	assert_int_equal(config_name_make(name, &made), 0);
	assert_string_equal(made, name);
	free(made);
	(void)strcat(name, ".");
	assert_int_equal(config_name_make(name, &made), 0);
	free(TAKE_PTR(made));
	name[253] = 'e';
	assert_int_equal(config_name_make(name, &made), -EINVAL);
	assert_null(made);
}

static void values_have_the_words_of_the_configuration(void **state)
{
	(void)state;
	assert_string_equal(config_source_name(CONFIG_SOURCE_STATIC), "static");
	assert_string_equal(config_source_name(CONFIG_SOURCE_CLOUDMAP), "cloudmap");
	assert_string_equal(config_protocol_name(PROTOCOL_ANY), "any");
	assert_string_equal(config_dns_type_name(CONFIG_DNS_SRV), "SRV");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_are_of_the_kind_and_the_partition_of_the_region),
		cmocka_unit_test(no_services_and_nothing_else_is_a_configuration),
		cmocka_unit_test(a_service_has_the_defaults_of_the_manual),
		cmocka_unit_test(what_ejects_and_limits_is_read),
		cmocka_unit_test(probes_are_made_where_they_are_asked_for),
		cmocka_unit_test(a_namespace_says_what_its_services_are_like),
		cmocka_unit_test(a_namespace_is_told_by_name_id_or_arn),
		cmocka_unit_test(resetting_connections_is_a_word_or_a_time_and_a_word),
		cmocka_unit_test(the_affinity_tells_which_maglev_it_is),
		cmocka_unit_test(every_key_of_the_whole_is_read),
		cmocka_unit_test(every_key_of_a_service_is_read),
		cmocka_unit_test(every_source_is_read),
		cmocka_unit_test(endpoints_of_aws_follow_from_what_is_given),
		cmocka_unit_test(one_vip_serves_several_ports_and_protocols),
		cmocka_unit_test(a_service_is_found_by_any_of_its_names),
		cmocka_unit_test(
			a_source_is_the_same_only_if_it_asks_the_same_thing_at_the_same_pace),
		cmocka_unit_test(a_vip_of_the_other_family_makes_another_source),
		cmocka_unit_test(durations_are_read_in_every_unit_and_written_in_the_largest),
		cmocka_unit_test(a_name_may_have_253_octets_and_no_more),
		cmocka_unit_test(values_have_the_words_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
