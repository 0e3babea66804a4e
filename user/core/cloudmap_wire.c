/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cloudmap_wire.h"

#include <errno.h>
#include <strings.h>

#include "core/cloudmap_instance.h"
#include "core/reply_json.h"

#define INSTANCES_ASKED \
	1000 /* the most there can be; the API's default is 100, without a word of the rest */

void cloudmap_wire_answer_done(struct cloudmap_wire_answer *a)
{
	endpoints_done(&a->endpoints);
	free(a->names);
	*a = (struct cloudmap_wire_answer){ 0 };
}

static bool name_service(cJSON *body, const struct config_cloudmap *service)
{
	if (service->owner_account &&
	    !cJSON_AddStringToObject(body, "OwnerAccount", service->owner_account))
		return false;
	return cJSON_AddStringToObject(body, "NamespaceName", service->namespace) &&
	       cJSON_AddStringToObject(body, "ServiceName", service->service);
}

char *cloudmap_wire_request(const struct config_cloudmap *service)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();

	if (!name_service(body, service) || !cJSON_AddStringToObject(body, "HealthStatus", "ALL") ||
	    !cJSON_AddNumberToObject(body, "MaxResults", INSTANCES_ASKED))
		return NULL;
	return cJSON_PrintUnformatted(body);
}

char *cloudmap_wire_revision_request(const struct config_cloudmap *service)
{
	_cleanup_(json_free_p) cJSON *body = cJSON_CreateObject();

	return name_service(body, service) ? cJSON_PrintUnformatted(body) : NULL;
}

/* --- instances -------------------------------------------------------------------------------- */

static void format_id(char id[static CLOUDMAP_WIRE_ID_MAX], const cJSON *json, unsigned int index)
{
	bool repeated;
	const cJSON *text = reply_json_member(json, "InstanceId", &repeated);

	if (cJSON_IsString(text))
		(void)snprintf(id, CLOUDMAP_WIRE_ID_MAX, "%s", text->valuestring);
	else
		(void)snprintf(id, CLOUDMAP_WIRE_ID_MAX, "#%u", index);
}

/* Counts it, and keeps why of the first. */
static void report(unsigned int *count, char why[static CLOUDMAP_WIRE_WHY_MAX], const cJSON *json,
		   unsigned int index, const struct cloudmap_instance *in)
{
	char id[CLOUDMAP_WIRE_ID_MAX];

	if ((*count)++ > 0)
		return;
	format_id(id, json, index);
	(void)snprintf(why, CLOUDMAP_WIRE_WHY_MAX, "instance %s: %.180s", id, in->why);
}

static int add_name(struct cloudmap_wire_answer *a, const cJSON *json, unsigned int index,
		    const struct cloudmap_instance *in)
{
	struct cloudmap_wire_name *added;
	int r;

	if (a->n_names >= ENDPOINTS_MAX)
		return -E2BIG;
	r = util_grow(&a->names, &a->names_capacity, a->n_names + 1, sizeof(*a->names));
	if (r < 0)
		return r;
	added = &a->names[a->n_names++];
	*added = (struct cloudmap_wire_name){ .endpoint = in->endpoint };
	(void)util_copy(added->name, sizeof(added->name), in->name);
	format_id(added->id, json, index);
	return 0;
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
		struct cloudmap_instance in;
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
		if (cloudmap_instance_read(&in, json, asked->port, asked->ipv6_first) < 0) {
			report(&answer->rejected, answer->rejected_why, json, index, &in);
			continue;
		}
		if (cloudmap_instance_read_weight(&in, asked->weight_attribute) < 0)
			report(&answer->misweighted, answer->misweighted_why, json, index, &in);
		r = in.name[0] ? add_name(answer, json, index, &in)
			       : endpoints_add(&answer->endpoints, &in.endpoint);
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
