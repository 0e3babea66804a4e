/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/cloudmap_wire.h"

#define PORT 8080

static const struct cloudmap_wire_question asked = { .service = "orders", .port = PORT };

static int parse(const char *body, uint16_t port, struct cloudmap_wire_answer *ret,
		 struct cloudmap_wire_error *error)
{
	struct cloudmap_wire_reply reply = { .status = 200, .body = body, .length = strlen(body) };

	memset(error, 0, sizeof(*error));
	return cloudmap_wire_parse(
		&reply, &(struct cloudmap_wire_question){ .service = "orders", .port = port }, ret,
		error);
}

/* "10.0.0.1:80 healthy zone;..." */
static const char *describe(const struct cloudmap_wire_answer *a, char *text, size_t size)
{
	char at[ADDR_PORT_TEXT_MAX];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < a->endpoints.n && used < size; i++) {
		const struct endpoint *e = &a->endpoints.list[i];

		assert_int_equal(e->weight, 1);
		used += (size_t)snprintf(text + used, size - used, "%s%s %s%s%s", i ? ";" : "",
					 addr_port_format(&e->at, at),
					 e->state == STATE_HEALTHY ? "healthy" : "unhealthy",
					 e->zone[0] ? " " : "", e->zone);
	}
	return text;
}

static void the_request_asks_for_all_instances_whatever_their_health(void **state)
{
	const struct config_cloudmap orders = { .namespace = "prod.local", .service = "or\"ders" };
	_cleanup_free_ char *body = cloudmap_wire_request(&orders);
	_cleanup_free_ char *revision = cloudmap_wire_revision_request(&orders);

	(void)state;
	assert_string_equal(body,
			    "{\"NamespaceName\":\"prod.local\",\"ServiceName\":\"or\\\"ders\","
			    "\"HealthStatus\":\"ALL\",\"MaxResults\":1000}");
	assert_string_equal(revision,
			    "{\"NamespaceName\":\"prod.local\",\"ServiceName\":\"or\\\"ders\"}");
}

static void a_service_of_a_shared_namespace_is_asked_for_with_its_owner(void **state)
{
	const struct config_cloudmap orders = {
		.namespace = "arn:aws:servicediscovery:us-west-2:123456789012:namespace/"
			     "ns-e1tpmexample0001",
		.service = "orders",
		.owner_account = "123456789012",
	};
	_cleanup_free_ char *revision = cloudmap_wire_revision_request(&orders);

	(void)state;
	assert_string_equal(revision, "{\"OwnerAccount\":\"123456789012\",\"NamespaceName\":"
				      "\"arn:aws:servicediscovery:us-west-2:123456789012:namespace/"
				      "ns-e1tpmexample0001\",\"ServiceName\":\"orders\"}");
}

#define INSTANCES(list) "{\"Instances\":[" list "],\"InstancesRevision\":2}"
#define INSTANCE(attributes) "{\"InstanceId\":\"i-1\",\"Attributes\":{" attributes "}}"
#define IPV4(address) "\"AWS_INSTANCE_IPV4\":\"" address "\""
#define IPV6(address) "\"AWS_INSTANCE_IPV6\":\"" address "\""
#define CNAME(name) "\"AWS_INSTANCE_CNAME\":\"" name "\""
#define AT_PORT(port) "\"AWS_INSTANCE_PORT\":\"" port "\""

static void instances_become_endpoints(void **state)
{
	static const struct {
		const char *body, *endpoints;
	} rows[] = {
		{ INSTANCES(""), "" },
		{ "{\"Instances\":[]}", "" },
		{ " \r\n\t{\"Instances\":[]}\n ", "" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1"))), "10.0.0.1:8080 healthy" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") "," AT_PORT("1"))), "10.0.0.1:1 healthy" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") "," AT_PORT("65535"))),
		  "10.0.0.1:65535 healthy" },
		{ INSTANCES(INSTANCE(IPV6("2600:1f14::a") "," AT_PORT("80"))),
		  "[2600:1f14::a]:80 healthy" },
		{ INSTANCES(INSTANCE(IPV6("2600:1f14::a") "," IPV4("10.0.0.1"))),
		  "10.0.0.1:8080 healthy" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.2")) "," INSTANCE(IPV4("10.0.0.1")) "," INSTANCE(
			  IPV4("10.0.0.2"))),
		  "10.0.0.1:8080 healthy;10.0.0.2:8080 healthy" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") ",\"AVAILABILITY_ZONE\":\"us-east-1a\"")),
		  "10.0.0.1:8080 healthy us-east-1a" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") ",\"AvailabilityZone\":\"us-east-1b\"")),
		  "10.0.0.1:8080 healthy us-east-1b" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") ",\"AVAILABILITY_ZONE\":\"a-zone-that-is-"
						      "longer-than-any-there-is\"")),
		  "10.0.0.1:8080 healthy" },
		{ INSTANCES(
			  "{\"HealthStatus\":\"UNHEALTHY\",\"Attributes\":{" IPV4("10.0.0.1") "}}"),
		  "10.0.0.1:8080 unhealthy" },
		{ INSTANCES("{\"HealthStatus\":\"UNKNOWN\",\"Attributes\":{" IPV4("10.0.0.1") "}}"),
		  "10.0.0.1:8080 healthy" },
		{ INSTANCES("{\"HealthStatus\":7,\"Attributes\":{" IPV4("10.0.0.1") "}}"),
		  "10.0.0.1:8080 healthy" },
		/* Names are exact: another's attribute is another attribute. */
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1") ",\"aws_instance_port\":\"1\"")),
		  "10.0.0.1:8080 healthy" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cloudmap_wire_error error;
		struct cloudmap_wire_answer a;

		assert_int_equal(parse(rows[i].body, PORT, &a, &error), 0);
		assert_string_equal(describe(&a, text, sizeof(text)), rows[i].endpoints);
		assert_int_equal(a.rejected, 0);
		assert_string_equal(a.rejected_why, "");
		cloudmap_wire_answer_done(&a);
	}
}

/* `why` is "" where nothing is reported. */
static void weights_come_from_an_attribute_and_a_bad_one_is_1_and_reported(void **state)
{
	static const struct {
		const char *attributes;
		unsigned int weight;
		const char *why;
	} rows[] = {
		{ "", 1, "" },
		{ ",\"WEIGHT\":\"1\"", 1, "" },
		{ ",\"WEIGHT\":\"1000\"", 1000, "" },
		{ ",\"weight\":\"5\"", 1, "" },
		{ ",\"WEIGHT\":\"0\"", 1, "instance i-1: WEIGHT got '0', wanted 1 to 1000" },
		{ ",\"WEIGHT\":\"1001\"", 1, "instance i-1: WEIGHT got '1001', wanted 1 to 1000" },
		{ ",\"WEIGHT\":\"-1\"", 1, "instance i-1: WEIGHT got '-1', wanted 1 to 1000" },
		{ ",\"WEIGHT\":\"\"", 1, "instance i-1: WEIGHT got '', wanted 1 to 1000" },
		{ ",\"WEIGHT\":\"99999999999999999999\"", 1,
		  "instance i-1: WEIGHT got '99999999999999999999', wanted 1 to 1000" },
		{ ",\"WEIGHT\":5", 1, "instance i-1: WEIGHT got a number, wanted a string" },
		{ ",\"WEIGHT\":\"5\",\"WEIGHT\":\"6\"", 1, "instance i-1: WEIGHT is there twice" },
	};
	const struct cloudmap_wire_question weighted = { .service = "orders",
							 .port = PORT,
							 .weight_attribute = "WEIGHT" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer a = { 0 };
		struct cloudmap_wire_reply reply = { .status = 200 };
		struct cloudmap_wire_error error;
		char body[512];

		(void)snprintf(body, sizeof(body), INSTANCES(INSTANCE(IPV4("10.0.0.1") "%s")),
			       rows[i].attributes);
		reply.body = body;
		reply.length = strlen(body);
		assert_int_equal(cloudmap_wire_parse(&reply, &weighted, &a, &error), 0);
		assert_int_equal(a.endpoints.n, 1);
		assert_int_equal(a.endpoints.list[0].weight, rows[i].weight);
		assert_string_equal(a.misweighted_why, rows[i].why);
		assert_int_equal(a.misweighted, rows[i].why[0] != '\0');
		assert_int_equal(a.rejected, 0);
	}
}

static void of_two_addresses_the_one_that_clients_ask_in_is_taken(void **state)
{
	static const struct {
		const char *attributes, *ipv4_first, *ipv6_first;
	} rows[] = {
		{ IPV6("2600::a") "," IPV4("10.0.0.1"), "10.0.0.1:8080", "[2600::a]:8080" },
		{ IPV4("10.0.0.1"), "10.0.0.1:8080", "10.0.0.1:8080" },
		{ IPV6("2600::a"), "[2600::a]:8080", "[2600::a]:8080" },
		{ IPV6("2600::a") "," IPV4("banana"), "[2600::a]:8080", "[2600::a]:8080" },
		{ IPV6("::") "," IPV4("10.0.0.1"), "10.0.0.1:8080", "10.0.0.1:8080" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer a = { 0 };
		const struct cloudmap_wire_question question = { .service = "orders",
								 .port = PORT,
								 .ipv6_first = i % 2 };
		struct cloudmap_wire_reply reply = { .status = 200 };
		struct cloudmap_wire_error error;
		char body[512], text[ADDR_PORT_TEXT_MAX];

		(void)snprintf(body, sizeof(body), INSTANCES(INSTANCE("%s")),
			       rows[i / 2].attributes);
		reply.body = body;
		reply.length = strlen(body);
		assert_int_equal(cloudmap_wire_parse(&reply, &question, &a, &error), 0);
		assert_int_equal(a.rejected, 0);
		assert_int_equal(a.endpoints.n, 1);
		assert_string_equal(addr_port_format(&a.endpoints.list[0].at, text),
				    i % 2 ? rows[i / 2].ipv6_first : rows[i / 2].ipv4_first);
	}
}

static void an_instance_may_have_a_name_in_the_place_of_an_address(void **state)
{
	static const struct {
		const char *instance, *name, *id;
		uint16_t port;
	} rows[] = {
		{ INSTANCE(CNAME("DB.example.com.")), "db.example.com", "i-1", PORT },
		{ INSTANCE(CNAME("db") "," AT_PORT("5432")), "db", "i-1", 5432 },
		{ INSTANCE("\"AWS_ALIAS_DNS_NAME\":\"dualstack.lb-1.us-east-1.elb.amazonaws.com\""),
		  "dualstack.lb-1.us-east-1.elb.amazonaws.com", "i-1", PORT },
		{ "{\"Attributes\":{" CNAME("_x.y") "}}", "_x.y", "#1", PORT },
		{ "{\"HealthStatus\":\"UNHEALTHY\",\"InstanceId\":\"ill\",\"Attributes\":{" CNAME(
			  "z") "}}",
		  "z", "ill", PORT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(cloudmap_wire_answer_done) struct cloudmap_wire_answer a = { 0 };
		struct cloudmap_wire_error error;
		char body[512];

		(void)snprintf(body, sizeof(body), INSTANCES("%s," INSTANCE(IPV4("10.0.0.2"))),
			       rows[i].instance);
		assert_int_equal(parse(body, PORT, &a, &error), 0);
		assert_int_equal(a.endpoints.n, 1);
		assert_int_equal(a.rejected, 0);
		assert_int_equal(a.n_names, 1);
		assert_string_equal(a.names[0].name, rows[i].name);
		assert_string_equal(a.names[0].id, rows[i].id);
		assert_int_equal(a.names[0].endpoint.at.port, rows[i].port);
		assert_int_equal(a.names[0].endpoint.weight, 1);
		assert_int_equal(a.names[0].endpoint.state,
				 streq(rows[i].id, "ill") ? STATE_UNHEALTHY : STATE_HEALTHY);
	}
}

static void without_a_port_anywhere_the_client_keeps_its_own(void **state)
{
	struct cloudmap_wire_error error;
	struct cloudmap_wire_answer a;

	(void)state;
	assert_int_equal(parse(INSTANCES(INSTANCE(IPV4("10.0.0.1"))), 0, &a, &error), 0);
	assert_int_equal(a.endpoints.list[0].at.port, 0);
	cloudmap_wire_answer_done(&a);
}

#define NOWHERE                                                                          \
	"instance i-1: neither an address (AWS_INSTANCE_IPV4, AWS_INSTANCE_IPV6) nor a " \
	"name (AWS_INSTANCE_CNAME, AWS_ALIAS_DNS_NAME) is there"

/* Instances that cannot be used, and why. */
static const struct {
	const char *instance, *why;
} rejected[] = {
	{ INSTANCE(IPV4("banana")),
	  "instance i-1: AWS_INSTANCE_IPV4 got 'banana', wanted an IPv4 address" },
	{ INSTANCE(IPV4("")), "instance i-1: AWS_INSTANCE_IPV4 got '', wanted an IPv4 address" },
	{ INSTANCE(IPV4("10.0.0.1 ")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '10.0.0.1 ', wanted an IPv4 address" },
	{ INSTANCE(IPV4("10.0.0.256")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '10.0.0.256', wanted an IPv4 address" },
	{ INSTANCE(IPV4("::ffff:10.0.0.1")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '::ffff:10.0.0.1', wanted an IPv4 address" },
	{ INSTANCE(IPV4("0.0.0.0")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '0.0.0.0', which no host can have" },
	{ INSTANCE(IPV4("224.0.0.1")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '224.0.0.1', which no host can have" },
	{ INSTANCE(IPV4("255.255.255.255")),
	  "instance i-1: AWS_INSTANCE_IPV4 got '255.255.255.255', which no host can have" },
	{ INSTANCE(IPV6("::")),
	  "instance i-1: AWS_INSTANCE_IPV6 got '::', which no host can have" },
	{ INSTANCE(IPV6("ff02::1")),
	  "instance i-1: AWS_INSTANCE_IPV6 got 'ff02::1', which no host can have" },
	{ INSTANCE(IPV6("10.0.0.1")),
	  "instance i-1: AWS_INSTANCE_IPV6 got '10.0.0.1', wanted an IPv6 address" },
	{ INSTANCE(IPV6("::ffff:10.0.0.1")),
	  "instance i-1: AWS_INSTANCE_IPV6 got '::ffff:10.0.0.1', wanted an IPv6 address" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("0")),
	  "instance i-1: AWS_INSTANCE_PORT got '0', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("65536")),
	  "instance i-1: AWS_INSTANCE_PORT got '65536', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("-1")),
	  "instance i-1: AWS_INSTANCE_PORT got '-1', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("80x")),
	  "instance i-1: AWS_INSTANCE_PORT got '80x', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("")),
	  "instance i-1: AWS_INSTANCE_PORT got '', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") "," AT_PORT("184467440737095516")),
	  "instance i-1: AWS_INSTANCE_PORT got '184467440737095516', wanted 1 to 65535" },
	{ INSTANCE(IPV4("10.0.0.1") ",\"AWS_INSTANCE_PORT\":80"),
	  "instance i-1: AWS_INSTANCE_PORT got a number, wanted a string" },
	{ INSTANCE(IPV4("10.0.0.1") "," IPV4("10.0.0.3")),
	  "instance i-1: AWS_INSTANCE_IPV4 is there twice" },
	{ INSTANCE("\"AWS_INSTANCE_IPV4\":null"),
	  "instance i-1: AWS_INSTANCE_IPV4 got null, wanted a string" },
	{ INSTANCE(IPV4("banana") "," IPV6("apple")),
	  "instance i-1: AWS_INSTANCE_IPV4 got 'banana', wanted an IPv4 address" },
	{ INSTANCE(IPV4("banana") "," CNAME("db.example.com")),
	  "instance i-1: AWS_INSTANCE_IPV4 got 'banana', wanted an IPv4 address" },
	{ INSTANCE(CNAME("-.example.com")),
	  "instance i-1: AWS_INSTANCE_CNAME got '-.example.com', wanted a DNS name" },
	{ INSTANCE(CNAME("")), "instance i-1: AWS_INSTANCE_CNAME got '', wanted a DNS name" },
	{ INSTANCE(CNAME("10.0.0.1")),
	  "instance i-1: AWS_INSTANCE_CNAME got '10.0.0.1', wanted a DNS name" },
	{ INSTANCE("\"AWS_ALIAS_DNS_NAME\":7"),
	  "instance i-1: AWS_ALIAS_DNS_NAME got a number, wanted a string" },
	{ INSTANCE(CNAME("db.example.com") "," AT_PORT("0")),
	  "instance i-1: AWS_INSTANCE_PORT got '0', wanted 1 to 65535" },
	{ INSTANCE("\"AWS_EC2_INSTANCE_ID\":\"i-0abc\""), NOWHERE },
	{ INSTANCE(""), NOWHERE },
	{ "{}", "instance #1: Attributes got nothing, wanted an object" },
	{ "{\"InstanceId\":\"x\",\"Attributes\":[]}",
	  "instance x: Attributes got an array, wanted an object" },
	{ "{\"InstanceId\":5,\"Attributes\":\"a\"}",
	  "instance #1: Attributes got a string, wanted an object" },
	{ "{\"Attributes\":{},\"Attributes\":{}}", "instance #1: Attributes is there twice" },
};

static void an_instance_without_a_usable_address_is_left_out_alone(void **state)
{
	char body[1024], text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rejected); i++) {
		struct cloudmap_wire_error error;
		struct cloudmap_wire_answer a;

		(void)snprintf(body, sizeof(body),
			       INSTANCES("%s," INSTANCE(IPV4("10.0.0.2")) ",%s"),
			       rejected[i].instance, rejected[i].instance);
		assert_int_equal(parse(body, PORT, &a, &error), 0);
		assert_string_equal(describe(&a, text, sizeof(text)), "10.0.0.2:8080 healthy");
		assert_int_equal(a.rejected, 2);
		assert_string_equal(a.rejected_why, rejected[i].why);
		cloudmap_wire_answer_done(&a);
	}
}

static void an_answer_that_is_not_one_is_garbled_as_a_whole(void **state)
{
	static const struct {
		const char *body, *message;
	} rows[] = {
		{ "", "empty, wanted JSON" },
		{ "{}", "Instances: got nothing, wanted an array" },
		{ "[]", "got an array, wanted an object" },
		{ "null", "got null, wanted an object" },
		{ "{\"Instances\":{}}", "Instances: got an object, wanted an array" },
		{ "{\"Instances\":null}", "Instances: got null, wanted an array" },
		{ "{\"Instances\":\"[]\"}", "Instances: got a string, wanted an array" },
		{ "{\"instances\":[]}", "Instances: got nothing, wanted an array" },
		{ "{\"Instances\":[],\"Instances\":[]}", "Instances is there twice" },
		{ INSTANCES("null"), "Instances: #1 is null, wanted an object" },
		{ INSTANCES(INSTANCE(IPV4("10.0.0.1")) ",7"),
		  "Instances: #2 is a number, wanted an object" },
		{ INSTANCES("{\"ServiceName\":\"Orders\",\"Attributes\":{" IPV4(
			  "10.0.0.1") "}},{\"ServiceName\":\"users\","
				      "\"Attributes\":{" IPV4("10.0.0.2") "}}"),
		  "Instances: #2 is of another service than orders" },
		{ "{\"Instances\":[]", NULL },
		{ "{\"Instances\":[{\"InstanceId\":\"i-1\",\"Attri", NULL },
		{ "{\"Instances\":[]}{\"Instances\":[]}", NULL },
		{ "{\"Instances\":[]}x", NULL },
		{ "{\"Instances\":[],}", NULL },
		{ "{'Instances':[]}", NULL },
		{ "<html><head><title>Log in to the hotel's network</title>", NULL },
		{ "{\"Instances\":[\"\x01\"]}", NULL },
		{ "{\"Instances\":[\"\\u0000\"]}", NULL },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],\"Instances\":[]}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cloudmap_wire_answer a = { .rejected = 77 };
		struct cloudmap_wire_error error;

		assert_int_equal(parse(rows[i].body, PORT, &a, &error), -EBADMSG);
		assert_string_equal(error.code, "garbled");
		if (rows[i].message)
			assert_string_equal(error.message, rows[i].message);
		else
			assert_int_not_equal(error.message[0], '\0');
		assert_int_equal(a.rejected, 77);
	}
}

static void every_cut_of_an_answer_is_garbled(void **state)
{
	static const char whole[] = INSTANCES(INSTANCE(IPV4("10.0.0.1") "," AT_PORT("80")));
	struct cloudmap_wire_reply reply = { .status = 200 };
	struct cloudmap_wire_answer a;
	struct cloudmap_wire_error error;

	(void)state;
	for (size_t length = 0; length < sizeof(whole) - 1; length++) {
		_cleanup_free_ char *body = strndup(whole, length);

		reply.body = body;
		reply.length = length;
		assert_int_equal(cloudmap_wire_parse(&reply, &asked, &a, &error), -EBADMSG);
		assert_string_equal(error.code, "garbled");
	}
}

static void a_nul_in_the_body_is_garbled(void **state)
{
	static const char body[] = "{\"Instances\":[]}\0{}";
	struct cloudmap_wire_reply reply = { .status = 200,
					     .body = body,
					     .length = sizeof(body) - 1 };
	struct cloudmap_wire_answer a;
	struct cloudmap_wire_error error;

	(void)state;
	assert_int_equal(cloudmap_wire_parse(&reply, &asked, &a, &error), -EBADMSG);
	assert_string_equal(error.code, "garbled");
}

static void an_error_keeps_its_code_and_message(void **state)
{
	static const struct {
		long status;
		const char *body, *header, *code, *message;
	} rows[] = {
		{ 400, "{\"__type\":\"ServiceNotFound\",\"Message\":\"No service.\"}", NULL,
		  "ServiceNotFound", "No service." },
		{ 400, "{\"__type\":\"com.amazonaws#NamespaceNotFound\",\"message\":\"m\"}", NULL,
		  "NamespaceNotFound", "m" },
		{ 400, "{\"__type\":\"com.x#InvalidInput:http://y/\",\"message\":\"m\"}", NULL,
		  "InvalidInput", "m" },
		{ 400, "{\"message\":\"m\"}", "RequestLimitExceeded:http://y/",
		  "RequestLimitExceeded", "m" },
		{ 403, "", "AccessDeniedException", "AccessDeniedException",
		  "HTTP status 403 without a message" },
		{ 403, "{\"__type\":7,\"Message\":[]}", NULL, "http_403",
		  "HTTP status 403 without a message" },
		{ 400, "{\"__type\":\"#\",\"Message\":\"m\"}", ":", "http_400", "m" },
		{ 503, "<html>busy</html>", NULL, "http_503", "HTTP status 503 without a message" },
		{ 500, "{\"Instances\":[]}", NULL, "http_500",
		  "HTTP status 500 without a message" },
		{ 302, "", NULL, "http_302", "HTTP status 302 without a message" },
		{ 204, "", NULL, "http_204", "HTTP status 204 without a message" },
		{ 200, "{\"__type\":\"InternalFailure\",\"Message\":\"m\"}", NULL,
		  "InternalFailure", "m" },
		{ 200, "{}", "InternalFailure", "InternalFailure",
		  "HTTP status 200 without a message" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cloudmap_wire_reply reply = { .status = rows[i].status,
						     .body = rows[i].body,
						     .length = strlen(rows[i].body),
						     .error_type = rows[i].header };
		struct cloudmap_wire_answer a;
		struct cloudmap_wire_error error;

		assert_int_equal(cloudmap_wire_parse(&reply, &asked, &a, &error), -EBADMSG);
		assert_string_equal(error.code, rows[i].code);
		assert_string_equal(error.message, rows[i].message);
	}
}

static void long_words_of_the_remote_are_cut(void **state)
{
	_cleanup_free_ char *body = malloc(20000);
	struct cloudmap_wire_answer a;
	struct cloudmap_wire_error error;
	struct cloudmap_wire_reply reply = { .status = 400 };

	(void)state;
	(void)snprintf(body, 20000, "{\"__type\":\"%05000d\",\"Message\":\"%05000d\"}", 1, 2);
	reply.body = body;
	reply.length = strlen(body);
	assert_int_equal(cloudmap_wire_parse(&reply, &asked, &a, &error), -EBADMSG);
	assert_int_equal(strlen(error.code), CLOUDMAP_WIRE_CODE_MAX - 1);
	assert_int_equal(strlen(error.message), CLOUDMAP_WIRE_MESSAGE_MAX - 1);
	(void)snprintf(body, 20000,
		       INSTANCES(
			       "{\"InstanceId\":\"%05000d\",\"Attributes\":{" IPV4("%05000d") "}}"),
		       1, 2);
	reply.status = 200;
	reply.length = strlen(body);
	assert_int_equal(cloudmap_wire_parse(&reply, &asked, &a, &error), 0);
	assert_int_equal(a.rejected, 1);
	assert_in_range(strlen(a.rejected_why), 100, CLOUDMAP_WIRE_WHY_MAX - 1);
	cloudmap_wire_answer_done(&a);
}

/* A body of many values or many instances must cost no more than it is worth. */
static void an_answer_beyond_the_limits_is_garbled(void **state)
{
	static const char one[] = INSTANCE(IPV4("10.%zu.%zu.%zu")) ",";
	size_t size = (ENDPOINTS_MAX + 10) * (sizeof(one) + 10), used;
	_cleanup_free_ char *body = malloc(size);
	struct cloudmap_wire_answer a;
	struct cloudmap_wire_error error;

	(void)state;
	used = (size_t)snprintf(body, size, "{\"Instances\":[");
	for (size_t i = 0; i <= ENDPOINTS_MAX; i++)
		used += (size_t)snprintf(body + used, size - used, one, i >> 16, (i >> 8) & 255,
					 i & 255);
	(void)snprintf(body + used - 1, size - used, "]}");
	assert_int_equal(parse(body, PORT, &a, &error), -EBADMSG);
	assert_string_equal(error.code, "garbled");
	assert_string_equal(error.message, "Instances: more than 16384");

	memset(body, '1', size);
	memcpy(body, "{\"Instances\":[", 14);
	for (size_t i = 15; i + 1 < size; i += 2)
		body[i] = ',';
	memcpy(body + size - 3, "]}", 3);
	assert_int_equal(parse(body, PORT, &a, &error), -EBADMSG);
	assert_string_equal(error.code, "garbled");
}

static void codes_that_blame_the_credentials_are_known(void **state)
{
	static const struct {
		const char *code;
		bool blames;
	} rows[] = {
		{ "ExpiredToken", true },	    { "ExpiredTokenException", true },
		{ "UnrecognizedClient", true },	    { "UnrecognizedClientException", true },
		{ "InvalidClientTokenId", true },   { "AccessDeniedException", false },
		{ "SignatureDoesNotMatch", false }, { "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(cloudmap_reply_blames_credentials(rows[i].code), rows[i].blames);
}

static void a_revision_is_a_count_or_none(void **state)
{
	static const struct {
		const char *number, *wrong;
		uint64_t revision;
	} rows[] = {
		{ "0", NULL, 0 },
		{ "7", NULL, 7 },
		{ "7.0", NULL, 7 },
		{ "9007199254740992", NULL, 9007199254740992 },
		{ "7.5", "InstancesRevision: got a number, wanted a count", 0 },
		{ "-1", "InstancesRevision: got a number, wanted a count", 0 },
		{ "1e300", "InstancesRevision: got a number, wanted a count", 0 },
		{ "\"7\"", "InstancesRevision: got a string, wanted a count", 0 },
		{ "null", "InstancesRevision: got null, wanted a count", 0 },
		{ "7,\"InstancesRevision\":7", "InstancesRevision is there twice", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cloudmap_wire_reply reply = { .status = 200 };
		struct cloudmap_wire_error error = { 0 };
		struct cloudmap_wire_answer answer;
		uint64_t revision = 0;
		char body[128];

		(void)snprintf(body, sizeof(body), "{\"InstancesRevision\":%s}", rows[i].number);
		reply.body = body;
		reply.length = strlen(body);
		assert_int_equal(cloudmap_reply_read_revision(&reply, &revision, &error),
				 rows[i].wrong ? -EBADMSG : 0);
		assert_string_equal(error.message, rows[i].wrong ? rows[i].wrong : "");
		assert_int_equal(revision, rows[i].revision);

		(void)snprintf(body, sizeof(body), "{\"Instances\":[],\"InstancesRevision\":%s}",
			       rows[i].number);
		assert_int_equal(parse(body, PORT, &answer, &error), 0);
		assert_int_equal(answer.has_revision, !rows[i].wrong);
		assert_int_equal(answer.has_revision ? answer.revision : 0, rows[i].revision);
	}
}

static void an_answer_tells_whether_its_service_has_health_checks(void **state)
{
	static const struct {
		const char *instances;
		bool has_health;
	} rows[] = {
		{ "", false },
		{ "{\"HealthStatus\":\"UNKNOWN\"}", false },
		{ "{}", false },
		{ "{\"HealthStatus\":7}", false },
		{ "{\"HealthStatus\":\"HEALTHY\"}", true },
		{ "{\"HealthStatus\":\"UNKNOWN\"},{\"HealthStatus\":\"UNHEALTHY\"}", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cloudmap_wire_answer answer;
		struct cloudmap_wire_error error;
		char body[256];

		(void)snprintf(body, sizeof(body), "{\"Instances\":[%s]}", rows[i].instances);
		assert_int_equal(parse(body, PORT, &answer, &error), 0);
		assert_int_equal(answer.has_health, rows[i].has_health);
		cloudmap_wire_answer_done(&answer);
	}
}

static void codes_that_say_that_an_operation_is_not_there_are_known(void **state)
{
	static const struct {
		const char *code;
		bool lacks;
	} rows[] = {
		{ "UnknownOperationException", true },
		{ "AccessDeniedException", true },
		{ "AccessDenied", true },
		{ "http_404", true },
		{ "http_500", false },
		{ "RequestLimitExceeded", false },
		{ "ServiceNotFound", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(cloudmap_reply_lacks_operation(rows[i].code), rows[i].lacks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_asks_for_all_instances_whatever_their_health),
		cmocka_unit_test(a_service_of_a_shared_namespace_is_asked_for_with_its_owner),
		cmocka_unit_test(instances_become_endpoints),
		cmocka_unit_test(weights_come_from_an_attribute_and_a_bad_one_is_1_and_reported),
		cmocka_unit_test(of_two_addresses_the_one_that_clients_ask_in_is_taken),
		cmocka_unit_test(an_instance_may_have_a_name_in_the_place_of_an_address),
		cmocka_unit_test(without_a_port_anywhere_the_client_keeps_its_own),
		cmocka_unit_test(an_instance_without_a_usable_address_is_left_out_alone),
		cmocka_unit_test(an_answer_that_is_not_one_is_garbled_as_a_whole),
		cmocka_unit_test(every_cut_of_an_answer_is_garbled),
		cmocka_unit_test(a_nul_in_the_body_is_garbled),
		cmocka_unit_test(an_error_keeps_its_code_and_message),
		cmocka_unit_test(long_words_of_the_remote_are_cut),
		cmocka_unit_test(an_answer_beyond_the_limits_is_garbled),
		cmocka_unit_test(codes_that_blame_the_credentials_are_known),
		cmocka_unit_test(a_revision_is_a_count_or_none),
		cmocka_unit_test(an_answer_tells_whether_its_service_has_health_checks),
		cmocka_unit_test(codes_that_say_that_an_operation_is_not_there_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
