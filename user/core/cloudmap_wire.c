/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_wire.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "core/reply_json.h"

#define INSTANCES_ASKED \
	1000 /* the most there can be; the API's default is 100, without a word of the rest */

void cloudmap_wire_answer_done(struct cloudmap_wire_answer *a)
{
	endpoints_done(&a->endpoints);
	*a = (struct cloudmap_wire_answer){ 0 };
}

static bool name_service(cJSON *body, const char *namespace, const char *service)
{
	return cJSON_AddStringToObject(body, "NamespaceName", namespace) &&
	       cJSON_AddStringToObject(body, "ServiceName", service);
}

char *cloudmap_wire_request(const char *namespace, const char *service)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();

	if (!name_service(body, namespace, service) ||
	    !cJSON_AddStringToObject(body, "HealthStatus", "ALL") ||
	    !cJSON_AddNumberToObject(body, "MaxResults", INSTANCES_ASKED))
		return NULL;
	return cJSON_PrintUnformatted(body);
}

char *cloudmap_wire_revision_request(const char *namespace, const char *service)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();

	return name_service(body, namespace, service) ? cJSON_PrintUnformatted(body) : NULL;
}

/* --- instances -------------------------------------------------------------------------------- */

/* An instance while it is read, and why it cannot be used. */
struct instance {
	const cJSON *attributes;
	struct endpoint endpoint;
	char why[CLOUDMAP_WIRE_WHY_MAX];
};

static int _printf_(2, 3) reject(struct instance *in, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(in->why, sizeof(in->why), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* *ret is NULL when there is none of that name. */
static int attribute(struct instance *in, const char *name, const char **ret)
{
	bool repeated;
	const cJSON *item = reply_json_member(in->attributes, name, &repeated);

	if (repeated)
		return reject(in, "%s is there twice", name);
	if (item && !cJSON_IsString(item))
		return reject(in, "%s got %s, wanted a string", name, reply_json_kind(item));
	*ret = item ? item->valuestring : NULL;
	return 0;
}

static int read_address_of(struct instance *in, const char *name, const char *text, bool ipv4)
{
	struct addr *a = &in->endpoint.at.addr;

	/* The colon: IPv4 written as IPv6 reads as IPv4,
	 * and is in the wrong place under either name. */
	if (addr_parse(text, a) < 0 || addr_is_ipv4(a) != ipv4 || !strchr(text, ':') != ipv4)
		return reject(in, "%s got '%.64s', wanted an %s address", name, text,
			      ipv4 ? "IPv4" : "IPv6");
	if (!addr_is_unicast(a))
		return reject(in, "%s got '%.64s', which no host can have", name, text);
	return 0;
}

/* One backend an instance: of a dual-stack one the IPv4 address. */
static int read_address(struct instance *in)
{
	const char *ipv4, *ipv6;
	int r = attribute(in, "AWS_INSTANCE_IPV4", &ipv4);

	if (r < 0)
		return r;
	if (ipv4)
		return read_address_of(in, "AWS_INSTANCE_IPV4", ipv4, true);
	r = attribute(in, "AWS_INSTANCE_IPV6", &ipv6);
	if (r < 0)
		return r;
	if (ipv6)
		return read_address_of(in, "AWS_INSTANCE_IPV6", ipv6, false);
	return reject(in, "neither AWS_INSTANCE_IPV4 nor AWS_INSTANCE_IPV6 is there");
}

static int read_port(struct instance *in, uint16_t default_port)
{
	const char *text;
	unsigned long port;
	int r = attribute(in, "AWS_INSTANCE_PORT", &text);

	if (r < 0)
		return r;
	in->endpoint.at.port = default_port;
	if (!text)
		return 0;
	port = strlen(text) <= 5 ? strtoul(text, NULL, 10) : 0;
	if (port == 0 || port > 65535 || *text == '0' || text[strspn(text, "0123456789")] != '\0')
		return reject(in, "AWS_INSTANCE_PORT got '%.64s', wanted 1 to 65535", text);
	in->endpoint.at.port = (uint16_t)port;
	return 0;
}

/* A zone that would not fit is none: cut short it might be taken for another. */
static void read_zone(struct instance *in)
{
	static const char *const names[] = { "AVAILABILITY_ZONE", "AvailabilityZone" };
	char *zone = in->endpoint.zone;
	bool repeated;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const cJSON *item = reply_json_member(in->attributes, names[i], &repeated);

		if (!cJSON_IsString(item) || repeated)
			continue;
		if (util_copy(zone, sizeof(in->endpoint.zone), item->valuestring))
			return;
		*zone = '\0';
	}
}

/* A bad weight costs nobody an instance: it has weight 1, and is reported. */
static int read_weight(struct instance *in, const char *name)
{
	const char *text = NULL;
	int r;

	in->endpoint.weight = 1;
	r = name ? attribute(in, name, &text) : 0;
	if (r < 0 || !text)
		return r;
	if (endpoint_parse_weight(text, &in->endpoint.weight) < 0)
		return reject(in, "%.64s got '%.64s', wanted 1 to %d", name, text,
			      ENDPOINT_WEIGHT_MAX);
	return 0;
}

static void read_state(struct instance *in, const cJSON *json)
{
	bool repeated;
	const cJSON *status = reply_json_member(json, "HealthStatus", &repeated);
	bool unhealthy = cJSON_IsString(status) && streq(status->valuestring, "UNHEALTHY");

	/* Whether the unhealthy are used is not decided here: they are, where nobody is healthy
	 * (core/shares). */
	in->endpoint.state = unhealthy ? STATE_UNHEALTHY : STATE_HEALTHY;
}

static int read_instance(struct instance *in, const cJSON *json, uint16_t default_port)
{
	bool repeated;
	int r;

	in->attributes = reply_json_member(json, "Attributes", &repeated);
	if (repeated)
		return reject(in, "Attributes is there twice");
	if (!cJSON_IsObject(in->attributes))
		return reject(in, "Attributes got %s, wanted an object",
			      reply_json_kind(in->attributes));
	r = read_address(in);
	if (r < 0)
		return r;
	r = read_port(in, default_port);
	if (r < 0)
		return r;
	read_zone(in);
	read_state(in, json);
	return 0;
}

/* Counts it, and keeps why of the first. */
static void report(unsigned int *count, char why[static CLOUDMAP_WIRE_WHY_MAX], const cJSON *json,
		   unsigned int index, const struct instance *in)
{
	bool repeated;
	const cJSON *id = reply_json_member(json, "InstanceId", &repeated);
	char number[16];

	if ((*count)++ > 0)
		return;
	(void)snprintf(number, sizeof(number), "#%u", index);
	(void)snprintf(why, CLOUDMAP_WIRE_WHY_MAX, "instance %.64s: %.180s",
		       cJSON_IsString(id) ? id->valuestring : number, in->why);
}

/* UNKNOWN is what a service without health checks has. */
static bool tells_health(const cJSON *json)
{
	bool repeated;
	const cJSON *status = reply_json_member(json, "HealthStatus", &repeated);

	return cJSON_IsString(status) && !streq(status->valuestring, "UNKNOWN");
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Promised: never another service's. An answer need not
 * say whose it is, but if it does it is held to it. */
static bool is_of_another(const cJSON *json, const char *service)
{
	bool repeated;
	const cJSON *name = reply_json_member(json, "ServiceName", &repeated);

	return repeated || (cJSON_IsString(name) && strcasecmp(name->valuestring, service) != 0);
}

static int read_instances(const cJSON *instances, const struct cloudmap_wire_question *asked,
			  struct cloudmap_wire_answer *answer, struct cloudmap_wire_error *error)
{
	unsigned int index = 0;
	const cJSON *json;

	cJSON_ArrayForEach(json, instances)
	{
		struct instance in = { 0 };
		int r;

		index++;
		if (!cJSON_IsObject(json))
			return cloudmap_reply_fail(error, "garbled",
						   "Instances: #%u is %s, wanted an object", index,
						   reply_json_kind(json));
		if (is_of_another(json, asked->service))
			return cloudmap_reply_fail(
				error, "garbled", "Instances: #%u is of another service than %.64s",
				index, asked->service);
		answer->has_health |= tells_health(json);
		if (read_instance(&in, json, asked->port) < 0) {
			report(&answer->rejected, answer->rejected_why, json, index, &in);
			continue;
		}
		if (read_weight(&in, asked->weight_attribute) < 0)
			report(&answer->misweighted, answer->misweighted_why, json, index, &in);
		r = endpoints_add(&answer->endpoints, &in.endpoint);
		if (r == -E2BIG)
			return cloudmap_reply_fail(error, "garbled", "Instances: more than %d",
						   ENDPOINTS_MAX);
		if (r < 0)
			return cloudmap_reply_fail(error, "memory", "no memory for %u instances",
						   index);
	}
	endpoints_normalise(&answer->endpoints);
	return 0;
}

int cloudmap_wire_parse(const struct cloudmap_wire_reply *reply,
			const struct cloudmap_wire_question *asked,
			struct cloudmap_wire_answer *ret, struct cloudmap_wire_error *ret_error)
{
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	_cleanup_(json_free_p) cJSON *json = NULL;
	const cJSON *instances;
	int r = cloudmap_reply_open(reply, "Instances", &json, &instances, ret_error);

	if (r < 0)
		return r;
	r = read_instances(instances, asked, &answer, ret_error);
	if (r < 0)
		return r;
	answer.has_revision = cloudmap_reply_revision(json, &answer.revision);
	*ret = answer;
	answer = (struct cloudmap_wire_answer){ 0 };
	return 0;
}
