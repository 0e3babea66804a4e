/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/sigv4.h"

#define DATA_HOST "Host: data-servicediscovery.us-east-1.amazonaws.com"

static const struct sigv4_key key = {
	.access_key_id = "AKIDEXAMPLE",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "servicediscovery",
};

/* The vectors were made by botocore. */
static void a_signature_is_what_botocore_makes_of_the_request(void **state)
{
	static const struct {
		const char *host, *signature;
	} rows[] = {
		{ DATA_HOST, "a456b13a40ec08d210ddc5de39d9df0742b2f663dd54972a01b875f235fee0a9" },
		{ "Host: data-servicediscovery-fips.us-east-1.amazonaws.com",
		  "1fc425ecef68e86a4e902293ce132ba465e047201432c6f4bbdfc247458cdd81" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const headers[] = {
			rows[i].host,
			"X-Amz-Target: Route53AutoNaming_v20170314.DiscoverInstances",
			"X-Amz-Date: 20240501T120000Z",
			"X-Amz-Security-Token: AQoDYXdzEJr//token+EXAMPLE==",
			"content-type:   application/x-amz-json-1.1  ",
			NULL,
		};
		const struct sigv4_request request = {
			.method = "POST",
			.headers = headers,
			.body = "{\"NamespaceName\": \"prod.local\", \"ServiceName\": \"orders\", "
				"\"HealthStatus\": \"HEALTHY_OR_ELSE_ALL\", \"MaxResults\": 1000}",
			.stamp = "20240501T120000Z",
		};
		char wanted[512], *header = NULL;

		(void)snprintf(wanted, sizeof(wanted),
			       "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240501/"
			       "us-east-1/servicediscovery/aws4_request, SignedHeaders="
			       "content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
			       "Signature=%s",
			       rows[i].signature);
		assert_int_equal(sigv4_sign(&key, &request, &header), 0);
		assert_string_equal(header, wanted);
		free(header);
	}
}

/* "AWS4" and 60 characters are one block of SHA-256. The vectors were made by Python's hmac. */
static void a_secret_may_be_longer_than_a_block(void **state)
{
	static const struct {
		size_t length;
		const char *signature;
	} rows[] = {
		{ 60, "626c583721f4ae31fef9d235bbaf9b6ff7669284204b7807eb643513c25fcb6f" },
		{ 61, "453189348ecf09dc95409622f85b602279f8986bf23724482ee392795b2f6f35" },
		{ 200, "fc45c3d87048c563f12f1d4690ea643a10f4802740c9bf027a43495b4b501dbd" },
	};
	const char *const headers[] = { "X-Note:   a  b   c ", "X-Amz-Date: 20240501T120000Z",
					DATA_HOST, NULL };
	const struct sigv4_request request = {
		.method = "POST", .headers = headers, .body = "{}", .stamp = "20240501T120000Z"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char secret[201] = "", *header = NULL;
		struct sigv4_key long_key = key;

		memset(secret, 's', rows[i].length);
		long_key.secret_access_key = secret;
		assert_int_equal(sigv4_sign(&long_key, &request, &header), 0);
		assert_string_equal(strstr(header, "Signature=") + strlen("Signature="),
				    rows[i].signature);
		free(header);
	}
}

static void what_cannot_be_signed_is_refused(void **state)
{
	static const char *const good[] = { DATA_HOST, NULL };
	static const char *const bare[] = { "Host", NULL };
	static const char *const nameless[] = { ": x", NULL };
	static const char *const many[] = { "a: 1", "b: 1", "c: 1", "d: 1", "e: 1", "f: 1",
					    "g: 1", "h: 1", "i: 1", "j: 1", "k: 1", "l: 1",
					    "m: 1", "n: 1", "o: 1", "p: 1", "q: 1", NULL };
	static const struct sigv4_request rows[] = {
		{ "POST", bare, "", "20240501T120000Z" },
		{ "POST", nameless, "", "20240501T120000Z" },
		{ "POST", many, "", "20240501T120000Z" },
		{ "POST", good, "", "20240501T120000" },
		{ "POST", good, "", "20240501T120000Z0" },
		{ "POST", good, "", "2024-05-01T12:00" },
		{ "POST", good, "", "" },
	};
	char *header = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(sigv4_sign(&key, &rows[i], &header), -EINVAL);
		assert_null(header);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_what_botocore_makes_of_the_request),
		cmocka_unit_test(a_secret_may_be_longer_than_a_block),
		cmocka_unit_test(what_cannot_be_signed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
