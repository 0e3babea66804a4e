/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/config.h"
#include "fuzz/fuzz.h"

static void fuzz_identity(const struct config *c, const struct config_service *part)
{
	_cleanup_free_ char *identity = config_identity(c, part);

	fuzz_demand(identity || part->source == CONFIG_SOURCE_STATIC, "a source has an identity");
}

static void namespace_is_whole(const struct config_namespace *n)
{
	fuzz_demand(n->cloudmap && *n->cloudmap, "a namespace is named");
	fuzz_demand(n->poll_ms > 0, "and asked for now and then");
	(void)config_namespace_wants(n, "backend");
	fuzz_demand(config_namespace_kind(n->cloudmap) != CONFIG_NAMESPACE_ARN ||
			    config_namespace_account(n->cloudmap),
		    "an ARN has an account");
}

static void service_is_whole(const struct config *c, const struct config_service *s)
{
	fuzz_demand(s->name && *s->name, "a service has a name");
	fuzz_demand(config_find_service(c, s->name) == s, "a service is found by its name");
	for (size_t i = 0; i < s->n_aliases; i++)
		fuzz_demand(config_find_service(c, s->aliases[i]) == s,
			    "a service is found by its aliases");
	fuzz_demand(config_count_parts(s) >= 1, "a service has a part");
	for (size_t i = 0; i < config_count_parts(s); i++) {
		struct config_service part = config_part_service(s, i);

		fuzz_demand(part.source != CONFIG_SOURCE_SPLIT, "a part has one source");
		fuzz_demand(config_same_source(&part, &part) && config_same_target(&part, &part),
			    "a part is the same as itself");
		fuzz_identity(c, &part);
		fuzz_demand(config_part_weight(s, i) <= CONFIG_PART_WEIGHT_MAX,
			    "a weight is bounded");
		fuzz_demand(*config_source_name(part.source) != '\0', "a source has a name");
		fuzz_demand(part.source != CONFIG_SOURCE_DNS ||
				    *config_dns_type_name(part.dns.type) != '\0',
			    "a type of DNS has a name");
	}
	fuzz_demand(!s->has_vip || addr_is_unicast(&s->vip), "a VIP is an address of one host");
	fuzz_demand(s->fixed.endpoints.n <= ENDPOINTS_MAX, "endpoints are bounded");
}

void fuzz_config(const uint8_t *data, size_t size)
{
	static const struct config_environment environments[] = {
		{ .aws_region = "eu-west-1" },
		{ .aws_region = NULL },
		{ .aws_region = NULL, .region_may_come = true },
		{ .aws_region = "no region" },
	};
	const struct config_environment *environment =
		&environments[size % ARRAY_SIZE(environments)];
	_cleanup_free_ char *text = fuzz_copy(data, size);
	_cleanup_(config_free_p) struct config *c = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };
	int r = config_parse(text, size, "fuzz", environment, &c, &problems);

	fuzz_demand(r == 0 || r == -EINVAL, "a text is a configuration or has faults");
	fuzz_demand((r == 0) == (c != NULL), "a configuration that has faults is not returned");
	fuzz_demand((r == 0) == (problems.total == 0),
		    "faults are told, and told only if there are any");
	for (size_t i = 0; i < problems.n; i++)
		fuzz_demand(strncmp(problems.lines[i], "fuzz", 4) == 0, "a fault has its place");
	for (size_t i = 0; c && i < c->n_namespaces; i++)
		namespace_is_whole(&c->namespaces[i]);
	if (c && !c->aws.region)
		fuzz_demand(config_set_region(c, "no region") == -EINVAL &&
				    config_set_region(c, "eu-west-1") == 0 && c->aws.endpoint,
			    "a region that comes late tells the endpoints");
	for (size_t i = 0; c && i < c->n_services; i++)
		service_is_whole(c, &c->services[i]);
}
