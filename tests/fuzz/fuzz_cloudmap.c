/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

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

void fuzz_cloudmap(const uint8_t *data, size_t size)
{
	struct cloudmap_wire_question asked = { .service = "backend",
						.port = 8080,
						.weight_attribute = "WEIGHT" };
	_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer answer = { 0 };
	_cleanup_free_ char *body = NULL;
	struct cloudmap_wire_error error = { 0 };
	struct cloudmap_wire_reply reply;
	size_t head;
	int r;

	if (size == 0)
		return;
	head = (size_t)(data[0] - '0') % ARRAY_SIZE(heads);
	asked.ipv6_first = heads[head].ipv6_first;
	body = body_copy(data + 1, size - 1);
	reply = (struct cloudmap_wire_reply){ .status = heads[head].status,
					      .error_type = heads[head].error_type,
					      .body = body,
					      .length = size - 1 };
	r = cloudmap_wire_parse(&reply, &asked, &answer, &error);
	fuzz_demand(r == 0 || r == -EBADMSG, "a reply is an answer or an error");
	fuzz_demand((r == 0) == (*error.code == '\0'), "an error has a code");
	fuzz_demand(r == 0 || reply.status != 200 || *error.message, "an error says something");
	fuzz_demand((answer.rejected > 0) == (*answer.rejected_why != '\0'),
		    "who is left out is told");
	fuzz_demand((answer.misweighted > 0) == (*answer.misweighted_why != '\0'),
		    "whose weight is bad is told");
	(void)cloudmap_reply_blames_credentials(error.code);
	endpoints_are_usable(&answer.endpoints);
	names_are_names(&answer);
}
