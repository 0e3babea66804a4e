/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/cloudmap_lists.h"
#include "core/cloudmap_wire.h"
#include "fuzz/fuzz.h"

static const struct {
	long status;
	const char *error_type;
	bool ipv6_first;
} heads[] = {
	{ 200, NULL, false },
	{ 400, NULL, false },
	{ 400, "com.amazonaws.servicediscovery#ServiceNotFound", false },
	{ 503, "ServiceUnavailable:http://internal.amazon.com/coral/", false },
	{ 200, "#", false },
	{ 200, NULL, true },
};

static void endpoints_are_usable(const struct endpoints *e)
{
	fuzz_demand(e->n <= ENDPOINTS_MAX, "endpoints are bounded");
	for (size_t i = 0; i < e->n; i++) {
		const struct endpoint *one = &e->list[i];

		fuzz_demand(addr_is_unicast(&one->at.addr),
			    "an endpoint has an address of one host");
		fuzz_demand(one->weight >= 1 && one->weight <= ENDPOINT_WEIGHT_MAX,
			    "a weight is within bounds");
		fuzz_demand(one->state == STATE_HEALTHY || one->state == STATE_UNHEALTHY,
			    "a source says healthy or unhealthy");
		fuzz_demand(memchr(one->zone, '\0', sizeof(one->zone)), "a zone has its end");
		fuzz_demand(i == 0 || addr_port_compare(&e->list[i - 1].at, &one->at) < 0,
			    "endpoints are sorted, each once");
	}
}

static void names_are_names(const struct cloudmap_wire_answer *a)
{
	for (size_t i = 0; i < a->n_names; i++) {
		const struct cloudmap_wire_name *one = &a->names[i];

		fuzz_demand(one->name[0] && memchr(one->name, '\0', sizeof(one->name)),
			    "a name has letters and an end");
		fuzz_demand(memchr(one->id, '\0', sizeof(one->id)), "an id has its end");
		fuzz_demand(one->endpoint.weight >= 1 &&
				    one->endpoint.weight <= ENDPOINT_WEIGHT_MAX,
			    "a weight is within bounds");
	}
}

/* As io/http hands it over: NUL-terminated beyond its length. */
static char *body_copy(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1);

	if (!body)
		abort();
	memcpy(body, data, size);
	body[size] = '\0';
	return body;
}

static void demand_error(int r, const struct cloudmap_wire_error *error)
{
	fuzz_demand(r == 0 || r == -EBADMSG, "a reply is an answer or an error");
	fuzz_demand((r == 0) == (*error->code == '\0'), "an error has a code");
	fuzz_demand(r == 0 || *error->message, "an error says something");
	(void)cloudmap_reply_blames_credentials(error->code);
	(void)cloudmap_reply_lacks_operation(error->code);
	(void)cloudmap_reply_throttles(error->code);
	(void)cloudmap_reply_blames_server(error->code);
}

static void read_instances(const struct cloudmap_wire_reply *reply, bool ipv6_first)
{
	const struct cloudmap_wire_question asked = { .service = (char *)"backend",
						      .port = 8080,
						      .weight_attribute = (char *)"WEIGHT",
						      .ipv6_first = ipv6_first };
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	struct cloudmap_wire_error error = { 0 };

	demand_error(cloudmap_wire_parse(reply, &asked, &answer, &error), &error);
	fuzz_demand((answer.rejected > 0) == (*answer.rejected_why != '\0'),
		    "who is left out is told");
	fuzz_demand((answer.misweighted > 0) == (*answer.misweighted_why != '\0'),
		    "whose weight is bad is told");
	endpoints_are_usable(&answer.endpoints);
	names_are_names(&answer);
}

static void read_revision(const struct cloudmap_wire_reply *reply)
{
	struct cloudmap_wire_error error = { 0 };
	uint64_t revision;

	demand_error(cloudmap_reply_read_revision(reply, &revision, &error), &error);
}

static void namespace_is_whole(const struct cloudmap_namespace *n)
{
	fuzz_demand(n->id && n->name && n->http_name, "a namespace has an id and names");
}

static void read_namespaces(const struct cloudmap_wire_reply *reply)
{
	static const struct config_namespace wanted = { .cloudmap = (char *)"internal.myapp" };
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace found = { 0 };
	_cleanup_free_ char *token = NULL;
	struct cloudmap_wire_error error = { 0 };
	int r = cloudmap_lists_read_namespaces(reply, &wanted, &found, &token, &error);

	demand_error(r, &error);
	fuzz_demand(r == 0 || (!found.id && !token), "an error changes nothing");
	if (found.id)
		namespace_is_whole(&found);
}

static void read_namespace(const struct cloudmap_wire_reply *reply)
{
	_cleanup_(cloudmap_namespace_done) struct cloudmap_namespace found = { 0 };
	struct cloudmap_wire_error error = { 0 };
	int r = cloudmap_lists_read_namespace(reply, &found, &error);

	demand_error(r, &error);
	if (r == 0)
		namespace_is_whole(&found);
}

static void read_services(const struct cloudmap_wire_reply *reply)
{
	_cleanup_(cloudmap_names_done) struct cloudmap_names names = { 0 };
	_cleanup_free_ char *token = NULL;
	struct cloudmap_wire_error error = { 0 };

	demand_error(cloudmap_lists_read_services(reply, &names, &token, &error), &error);
	fuzz_demand(names.n <= CLOUDMAP_LISTS_ROWS_MAX, "a page is bounded");
	for (size_t i = 0; i < names.n; i++)
		fuzz_demand(names.list[i] && *names.list[i], "a service has a name");
}

static void is_json(char *body, const char *holds)
{
	_cleanup_free_ char *owned = body;
	_cleanup_(json_free_p) cJSON *json = NULL;

	fuzz_demand(owned && (json = cJSON_Parse(owned)), "a question is JSON");
	fuzz_demand(strstr(owned, holds), "and has what is asked for");
}

/* Names come from the configuration, ids and tokens from answers. */
static void ask_for(const struct cloudmap_wire_reply *reply)
{
	char *text = (char *)(uintptr_t)reply->body;
	const struct config_cloudmap service = { .namespace = text, .service = text };
	const struct config_namespace wanted = { .cloudmap = text };
	const struct cloudmap_namespace of = { .id = text, .arn = text, .name = text };

	is_json(cloudmap_wire_request(&service), "MaxResults");
	is_json(cloudmap_wire_revision_request(&service), "ServiceName");
	is_json(cloudmap_lists_ask_namespaces(&wanted, text), "NextToken");
	is_json(cloudmap_lists_ask_namespace(&wanted), "Id");
	is_json(cloudmap_lists_ask_services(&of, reply->length % 2, text), "NAMESPACE_ID");
}

/* What the first character says, beside the heads. */
static const struct {
	char letter;
	void (*read)(const struct cloudmap_wire_reply *reply);
} answers[] = {
	{ 'q', ask_for },	 { 'r', read_revision }, { 'n', read_namespaces },
	{ 'g', read_namespace }, { 's', read_services },
};

void fuzz_cloudmap(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *body = NULL;
	struct cloudmap_wire_reply reply = { .status = 200 };
	size_t head;

	if (size == 0)
		return;
	body = body_copy(data + 1, size - 1);
	reply.body = body;
	reply.length = size - 1;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (answers[i].letter == (char)data[0]) {
			answers[i].read(&reply);
			return;
		}
	}
	head = (size_t)(data[0] - '0') % ARRAY_SIZE(heads);
	reply.status = heads[head].status;
	reply.error_type = heads[head].error_type;
	read_instances(&reply, heads[head].ipv6_first);
}
