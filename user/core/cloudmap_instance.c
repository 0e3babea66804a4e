/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_instance.h"

#include <errno.h>
#include <stdarg.h>

#include "core/config_names.h"
#include "core/reply_json.h"

static int _printf_(2, 3) reject(struct cloudmap_instance *in, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(in->why, sizeof(in->why), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* *ret is NULL when there is none of that name. */
static int attribute(struct cloudmap_instance *in, const char *name, const char **ret)
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

static int read_address_of(struct cloudmap_instance *in, const char *name, const char *text,
			   bool ipv4)
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

/* What a client of the other family could not use is the second choice. */
static int read_addresses(struct cloudmap_instance *in, bool ipv6_first, bool *ret_found)
{
	int r = 0;

	*ret_found = false;
	for (int i = 0; i < 2; i++) {
		bool ipv4 = (i == 0) != ipv6_first;
		const char *name = ipv4 ? "AWS_INSTANCE_IPV4" : "AWS_INSTANCE_IPV6";
		char why[CLOUDMAP_INSTANCE_WHY_MAX];
		const char *text;
		int e;

		memcpy(why, in->why, sizeof(why)); /* of two bad ones the first is told */
		e = attribute(in, name, &text);
		if (e == 0 && !text)
			continue;
		*ret_found = true;
		if (e == 0)
			e = read_address_of(in, name, text, ipv4);
		if (e == 0)
			return 0;
		if (r < 0)
			memcpy(in->why, why, sizeof(why));
		r = e;
	}
	return r;
}

/* A name in the place of an address: of whatever host, or of a load balancer. */
static int read_name(struct cloudmap_instance *in)
{
	static const char *const names[] = { "AWS_INSTANCE_CNAME", "AWS_ALIAS_DNS_NAME" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = NULL;
		const char *text;
		int r = attribute(in, names[i], &text);

		if (r < 0)
			return r;
		if (!text)
			continue;
		r = config_name_make(text, &name);
		if (r < 0)
			return reject(in, "%s got '%.64s', wanted a DNS name", names[i], text);
		(void)util_copy(in->name, sizeof(in->name), name);
		return 0;
	}
	return reject(in, "neither an address (AWS_INSTANCE_IPV4, AWS_INSTANCE_IPV6) nor a name "
			  "(AWS_INSTANCE_CNAME, AWS_ALIAS_DNS_NAME) is there");
}

/* One backend an instance: of a dual-stack one the address of the family that clients ask in. */
static int read_where(struct cloudmap_instance *in, bool ipv6_first)
{
	bool found;
	int r = read_addresses(in, ipv6_first, &found);

	return found ? r : read_name(in);
}

static int read_port(struct cloudmap_instance *in, uint16_t default_port)
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
static void read_zone(struct cloudmap_instance *in)
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
int cloudmap_instance_read_weight(struct cloudmap_instance *in, const char *name)
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

static void read_state(struct cloudmap_instance *in, const cJSON *json)
{
	bool repeated;
	const cJSON *status = reply_json_member(json, "HealthStatus", &repeated);
	bool unhealthy = cJSON_IsString(status) && streq(status->valuestring, "UNHEALTHY");

	/* Whether the unhealthy are used is not decided here: they are, where nobody is healthy
	 * (core/shares). */
	in->endpoint.state = unhealthy ? STATE_UNHEALTHY : STATE_HEALTHY;
}

int cloudmap_instance_read(struct cloudmap_instance *in, const cJSON *json, uint16_t default_port,
			   bool ipv6_first)
{
	bool repeated;
	int r;

	*in = (struct cloudmap_instance){ 0 };
	in->attributes = reply_json_member(json, "Attributes", &repeated);
	if (repeated)
		return reject(in, "Attributes is there twice");
	if (!cJSON_IsObject(in->attributes))
		return reject(in, "Attributes got %s, wanted an object",
			      reply_json_kind(in->attributes));
	r = read_where(in, ipv6_first);
	if (r == 0)
		r = read_port(in, default_port);
	if (r < 0)
		return r;
	read_zone(in);
	read_state(in, json);
	return 0;
}
