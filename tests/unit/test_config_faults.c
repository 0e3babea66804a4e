/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused, and in which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/config_keys.h"

/* Seconds that hostile input may take; a sanitized build takes several times what ours does. */
#define CPU_S_MAX 10

static void refuse(const char *text, size_t length, struct diag *problems)
{
	const struct config_environment environment = { 0 };
	struct config *c = NULL;

	assert_int_equal(config_parse(text, length, "file", &environment, &c, problems), -EINVAL);
	assert_null(c);
	assert_true(problems->total > 0);
}

/* The text is refused with exactly these lines. */
static void is_refused(const char *text, const char *const *lines, size_t n)
{
	_cleanup_(diag_done) struct diag problems = { 0 };

	refuse(text, strlen(text), &problems);
	for (size_t i = 0; i < problems.n && i < n; i++)
		assert_string_equal(problems.lines[i], lines[i]);
	if (problems.n != n)
		diag_print(&problems, "unexpected: ", stderr);
	assert_int_equal(problems.n, n);
}

struct refused {
	const char *text, *line;
};

/* Each text has one fault. `around` holds %s for it; NULL: it is the whole. */
static void are_refused(const char *around, const struct refused *cases, size_t n)
{
	char text[1024];

	for (size_t i = 0; i < n; i++) {
		const char *at = around ? strstr(around, "%s") : NULL;

		if (at)
			(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - around), around,
				       cases[i].text, at + 2);
		is_refused(at ? text : cases[i].text, &cases[i].line, 1);
	}
}

static void what_is_no_json_is_refused_with_its_line_and_column(void **state)
{
	static const struct refused cases[] = {
		{ "", "file:1:1: got the end of the text, wanted a value" },
		{ " \n ", "file:2:2: got the end of the text, wanted a value" },
		{ "{\"services\": []} x",
		  "file:1:18: got 'x', wanted nothing after the end of the value" },
		{ "{\"services\": []}{}",
		  "file:1:17: got '{', wanted nothing after the end of the value" },
		{ "{\"services\": [],}", "file:1:17: got '}', wanted a key in double quotes" },
		{ "{\"services\": [,]}", "file:1:15: got ',', wanted a value" },
		{ "{\"services\": [1,]}", "file:1:17: got ']', wanted a value" },
		{ "{\"services\" []}", "file:1:13: got '[', wanted ':' after a key" },
		{ "{\n\t\"a\": 1\n\t\"b\": 2}", "file:3:2: got '\"', wanted ',' or '}'" },
		{ "[1 2]", "file:1:4: got '2', wanted ',' or ']'" },
		{ "{services: []}", "file:1:2: got 's', wanted a key in double quotes" },
		{ "{'services': []}", "file:1:2: got ''', wanted a key in double quotes" },
		{ "True", "file:1:1: got 'T', wanted a value" },
		{ "truth", "file:1:1: got 't', wanted a value" },
		{ "nul", "file:1:1: got 'n', wanted a value" },
		{ "[NaN]", "file:1:2: got 'N', wanted a value" },
		{ "[01]", "file:1:3: got '1', wanted a number without leading zeros" },
		{ "[-]", "file:1:3: got ']', wanted a digit" },
		{ "[+1]", "file:1:2: got '+', wanted a value" },
		{ "[1.]", "file:1:4: got ']', wanted a digit" },
		{ "[1e]", "file:1:4: got ']', wanted a digit" },
		{ "[.5]", "file:1:2: got '.', wanted a value" },
		{ "[0x10]", "file:1:3: got 'x', wanted ',' or ']'" },
		{ "[// no\n1]", "file:1:2: got '/', wanted a value" },
		{ "\xef\xbb\xbf{}", "file:1:1: got octet 0xef, wanted a value" },
		{ "\f{}", "file:1:1: got octet 0x0c, wanted a value" },
		{ "[\"", "file:1:3: got the end of the text, wanted a closing double quote" },
		{ "[\"a\nb\"]",
		  "file:1:4: got octet 0x0a, wanted no control character in a string" },
		{ "[\"\xff\"]", "file:1:3: got octet 0xff, wanted UTF-8" },
		{ "[\"\xc3\xa4\xc0\x80\"]", "file:1:4: got octet 0xc0, wanted UTF-8" },
		{ "[\"\xed\xa0\x80\"]", "file:1:3: got octet 0xed, wanted UTF-8" },
		{ "[\"\\x\"]",
		  "file:1:4: got 'x', wanted one of \" \\ / b f n r t u after a backslash" },
		{ "[\"\\u12g4\"]", "file:1:7: got 'g', wanted four hexadecimal digits after \\u" },
		{ "[\"\\u0000\"]", "file:1:9: got '\"', wanted text without a NUL (\\u0000)" },
		{ "[\"\\ud800\"]", "file:1:9: got '\"', wanted both halves of a surrogate pair" },
		{ "[\"\\ude00\"]", "file:1:9: got '\"', wanted both halves of a surrogate pair" },
		{ "[1111111111111111111111111111111111111111111111111111111111111111]",
		  "file:1:66: got ']', wanted a shorter number" },
		{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
		  "file:1:17: got '[', wanted at most 16 levels of nesting" },
	};

	(void)state;
	are_refused(NULL, cases, ARRAY_SIZE(cases));
}

static void a_nul_in_the_text_is_refused(void **state)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	static const char text[] = "{\"services\":[]}";

	(void)state;
	refuse(text, sizeof(text), &problems);
	assert_string_equal(problems.lines[0],
			    "file:1:16: got octet 0x00, wanted nothing after the end of the value");
}

static void wrong_types_and_unknown_keys_are_refused(void **state)
{
	static const struct refused cases[] = {
		{ "\"cgroup\": 1",
		  "file: cgroup: got 1, wanted an absolute path, at most 4095 octets" },
		{ "\"bpffs\": \"sys\"",
		  "file: bpffs: got \"sys\", wanted an absolute path, at most 4095 octets" },
		{ "\"control_socket\": null",
		  "file: control_socket: got null, wanted an absolute path, at most 107 octets" },
		{ "\"metrics\": []", "file: metrics: got a list, wanted an object" },
		{ "\"metrics\": {\"listen\": \"9464\"}",
		  "file: metrics.listen: got \"9464\", wanted ip:port or [v6]:port" },
		{ "\"metrics\": {\"listen\": \"127.0.0.1:0\"}",
		  "file: metrics.listen: got \"127.0.0.1:0\", wanted ip:port or [v6]:port" },
		{ "\"vips\": {\"cidr\": \"127.254.0.1/16\"}",
		  "file: vips.cidr: got \"127.254.0.1/16\", wanted a unicast range without host "
		  "bits and clear of 169.254.169.0 to 169.254.175.255, such as "
		  "\"127.254.0.0/16\"" },
		{ "\"aws\": {\"region\": true}", "file: aws.region: got true, wanted an AWS region "
						 "such as us-east-1, at most 63 octets" },
		{ "\"dns\": {\"servers\": {}}",
		  "file: dns.servers: got an object, wanted a list of at most 8, each ip[:port] of "
		  "a unicast address" },
		{ "\"dns\": {\"servers\": [\"10.0.0.2\", \"ns\"]}",
		  "file: dns.servers[1]: got \"ns\", wanted ip[:port] of a unicast address" },
		{ "\"dns\": {\"servers\": [53]}",
		  "file: dns.servers[0]: got 53, wanted ip[:port] of a unicast address" },
		{ "\"dns\": {\"ttl_min\": \"10ms\"}",
		  "file: dns.ttl_min: got \"10ms\", wanted a duration from 100ms to 1h, such as "
		  "\"5s\"" },
		{ "\"dns\": {\"ttl_min\": \"1m\", \"ttl_max\": \"30s\"}",
		  "file: dns.ttl_min: got \"1m\", wanted at most the ttl_max, \"30s\"" },
		{ "\"dns\": {\"ttl_max\": 30}",
		  "file: dns.ttl_max: got 30, wanted a duration from 1s to 24h, such as \"5s\"" },
		{ "\"color\": 1", "file: color: unknown key" },
		{ "\"state-dir\": 1", "file: state-dir: unknown key, did you mean \"state_dir\"?" },
		{ "\"BPFFS\": \"/\"", "file: BPFFS: unknown key, did you mean \"bpffs\"?" },
		{ "\"metrics\": {\"listne\": 1}",
		  "file: metrics.listne: unknown key, did you mean \"listen\"?" },
		{ "\"\": 1", "file: : unknown key" },
		{ "\"a\\u001bb\": 1", "file: a\\x1bb: unknown key" },
		{ "\"bpffs\": \"/a\", \"bpffs\": \"/a\", \"bpffs\": 1",
		  "file: bpffs: got this key more than once, wanted it once" },
		{ "\"services\": [{}]",
		  "file: services: got this key more than once, wanted it once" },
		{ "\"exclude_cgroups\": [\"a\", \"a//b\"]",
		  "file: exclude_cgroups[1]: got \"a//b\", wanted a path below the cgroup that is "
		  "attached to, without empty parts, . and .., wildcards in its last part only" },
		{ "\"exclude_cgroups\": \"a\"",
		  "file: exclude_cgroups: got \"a\", wanted a list of at most 64, each a path "
		  "below "
		  "the cgroup that is attached to, without empty parts, . and .., wildcards in its "
		  "last part only" },
		{ "\"names\": {}", "file: names: not built in this version, leave it out" },
		{ "\"metrics\": {\"per_backend\": 1}",
		  "file: metrics.per_backend: got 1, wanted true or false" },
	};

	(void)state;
	are_refused("{\"services\": [], %s}", cases, ARRAY_SIZE(cases));
}

static void faults_of_a_service_name_it_and_its_place(void **state)
{
	static const struct refused cases[] = {
		{ "\"vip\": \"224.0.0.1\"", "file: services[0].vip (x): got \"224.0.0.1\", wanted "
					    "a unicast IP address" },
		{ "\"vip\": \"10.0.0.1:80\"",
		  "file: services[0].vip (x): got \"10.0.0.1:80\", wanted a unicast IP address" },
		{ "\"port\": 0",
		  "file: services[0].port (x): got 0, wanted a whole number from 1 to 65535" },
		{ "\"port\": 65536",
		  "file: services[0].port (x): got 65536, wanted a whole number from 1 to 65535" },
		{ "\"port\": 8080.5",
		  "file: services[0].port (x): got 8080.5, wanted a whole number from 1 to 65535" },
		{ "\"port\": -1",
		  "file: services[0].port (x): got -1, wanted a whole number from 1 to 65535" },
		{ "\"port\": 1e999",
		  "file: services[0].port (x): got inf, wanted a whole number from 1 to 65535" },
		{ "\"port\": \"80\"",
		  "file: services[0].port (x): got \"80\", wanted a whole number from 1 to 65535" },
		{ "\"protocol\": \"TCP\"", "file: services[0].protocol (x): got \"TCP\", wanted "
					   "one of \"tcp\", \"udp\", \"any\"" },
		{ "\"shrink_confirm\": \"25h\"",
		  "file: services[0].shrink_confirm (x): got \"25h\", wanted a duration from 0s to "
		  "24h, such as \"5s\"" },
		{ "\"shrink_confirm\": 30", "file: services[0].shrink_confirm (x): got 30, wanted "
					    "a duration from 0s to 24h, such as \"5s\"" },
		{ "\"on_empty\": false",
		  "file: services[0].on_empty (x): got false, wanted one of \"refuse\", \"pass\"" },
		{ "\"watch\": \"\"",
		  "file: services[0].watch (x): got \"\", wanted one of \"demand\", \"always\"" },
		{ "\"aliases\": [\"a\", \"b c\"]",
		  "file: services[0].aliases[1] (x): got \"b c\", wanted a DNS name" },
		{ "\"aliases\": \"a\"", "file: services[0].aliases (x): got \"a\", wanted a list "
					"of at most 16, each a DNS name" },
		{ "\"aliases\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
		  "file: services[0].aliases (x): got a list of 17, wanted a list of at most 16, "
		  "each a DNS name" },
		{ "\"balance\": \"fewest\"",
		  "file: services[0].balance (x): got \"fewest\", wanted one of "
		  "\"round_robin\", \"random\", \"least_connections\", \"maglev\"" },
		{ "\"balance\": \"maglev\", \"affinity\": \"host\"",
		  "file: services[0].affinity (x): got \"host\", wanted one of \"task\", "
		  "\"socket\"" },
		{ "\"weights\": {\"attribute\": \"WEIGHT\"}",
		  "file: services[0].weights (x): got weights, wanted none: only Cloud Map's "
		  "instances have attributes" },
		{ "\"zone\": {\"min\": 0, \"prefer\": \"a\"}",
		  "file: services[0].zone.min (x): got 0, wanted a whole number from 1 to 1000" },
		{ "\"zone\": {\"min\": 1}",
		  "file: services[0].zone.prefer (x): got nothing, wanted text without blanks, at "
		  "most 31 octets" },
		{ "\"slow_start\": \"2h\"",
		  "file: services[0].slow_start (x): got \"2h\", wanted a duration from 0s to 1h, "
		  "such as \"5s\"" },
		{ "\"exclude_cgroups\": [\"a*/b\"]",
		  "file: services[0].exclude_cgroups[0] (x): got \"a*/b\", wanted a path below the "
		  "cgroup that is attached to, without empty parts, . and .., wildcards in its "
		  "last "
		  "part only" },
		{ "\"balance\": \"random\", \"affinity\": \"task\"",
		  "file: services[0].affinity (x): got an affinity, wanted none: only maglev has "
		  "one" },
		{ "\"retries\": 1",
		  "file: services[0].retries (x): not built in this version, leave it out" },
		{ "\"protcol\": \"tcp\"",
		  "file: services[0].protcol (x): unknown key, did you mean \"protocol\"?" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", \"static\": {\"endpoints\": []}, %s}]}",
		    cases, ARRAY_SIZE(cases));
}

static void faults_of_ejection_and_limits_are_found(void **state)
{
	static const struct refused cases[] = {
		{ "\"ejection\": 5",
		  "file: services[0].ejection (x): got 5, wanted an object, or false" },
		{ "\"ejection\": {\"failures\": 0}",
		  "file: services[0].ejection.failures (x): got 0, wanted a whole number from 1 to "
		  "1000" },
		{ "\"ejection\": {\"max_percent\": 101}",
		  "file: services[0].ejection.max_percent (x): got 101, wanted a whole number from "
		  "0 to 100" },
		{ "\"ejection\": {\"base\": \"6m\"}",
		  "file: services[0].ejection.base (x): got \"6m\", wanted at most the max, "
		  "\"5m\"" },
		{ "\"ejection\": {\"for\": \"1s\"}",
		  "file: services[0].ejection.for (x): unknown key" },
		{ "\"limits\": {\"connections\": 0}", "file: services[0].limits.connections (x): "
						      "got 0, wanted a whole number from 1 to "
						      "2147483647" },
		{ "\"limits\": {\"connections\": 4294967296}",
		  "file: services[0].limits.connections (x): got 4294967296, wanted a whole number "
		  "from 1 to 2147483647" },
		{ "\"limits\": {\"per_backend\": 1.5}",
		  "file: services[0].limits.per_backend (x): got 1.5, wanted a whole number from 1 "
		  "to 2147483647" },
		{ "\"limits\": {\"connections\": 1}, \"protocol\": \"udp\"",
		  "file: services[0].limits (x): got limits, wanted none: they are of TCP "
		  "connections" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", \"static\": {\"endpoints\": []}, %s}]}",
		    cases, ARRAY_SIZE(cases));
}

static void faults_of_probes_are_found(void **state)
{
	static const struct refused cases[] = {
		{ "\"probe\": true",
		  "file: services[0].probe (x): got true, wanted an object, or false" },
		{ "\"probe\": {\"interval\": \"999ms\"}",
		  "file: services[0].probe.interval (x): got \"999ms\", wanted a duration from 1s "
		  "to "
		  "1h, such as \"5s\"" },
		{ "\"probe\": {\"timeout\": \"2s\", \"interval\": \"1s\"}",
		  "file: services[0].probe.timeout (x): got \"2s\", wanted at most the interval, "
		  "\"1s\"" },
		{ "\"probe\": {\"failures\": 0}", "file: services[0].probe.failures (x): got 0, "
						  "wanted a whole number from 1 to 100" },
		{ "\"probe\": {\"success\": 1}",
		  "file: services[0].probe.success (x): unknown key, did you mean \"successes\"?" },
		{ "\"probe\": {}, \"protocol\": \"udp\"",
		  "file: services[0].probe (x): got a probe, wanted none: it is one of TCP" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", \"static\": {\"endpoints\": []}, %s}]}",
		    cases, ARRAY_SIZE(cases));
}

static void what_becomes_of_connections_is_a_word_or_an_object(void **state)
{
	static const struct refused cases[] = {
		{ "\"on_removal\": \"kill\"",
		  "file: services[0].on_removal (x): got \"kill\", wanted an object, or one of "
		  "\"keep\", \"reset\"" },
		{ "\"on_removal\": true",
		  "file: services[0].on_removal (x): got true, wanted an object, or one of "
		  "\"keep\", \"reset\"" },
		{ "\"on_removal\": {\"after\": \"1s\"}",
		  "file: services[0].on_removal.then (x): got nothing, wanted one of \"reset\"" },
		{ "\"on_unhealthy\": {\"after\": \"48h\", \"then\": \"reset\"}",
		  "file: services[0].on_unhealthy.after (x): got \"48h\", wanted a duration from "
		  "0s "
		  "to 24h, such as \"5s\"" },
		{ "\"on_unhealthy\": {\"after\": \"1s\", \"then\": \"keep\"}",
		  "file: services[0].on_unhealthy.then (x): got \"keep\", wanted one of "
		  "\"reset\"" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", \"static\": {\"endpoints\": []}, %s}]}",
		    cases, ARRAY_SIZE(cases));
}

static void faults_of_what_a_connect_may_take_are_found(void **state)
{
	static const struct refused cases[] = {
		{ "\"connect_timeout\": \"99ms\"",
		  "file: services[0].connect_timeout (x): got \"99ms\", wanted a duration from "
		  "100ms to 5m, such as \"5s\"" },
		{ "\"connect_timing\": 1",
		  "file: services[0].connect_timing (x): got 1, wanted true or false" },
		{ "\"protocol\": \"udp\", \"connect_timeout\": \"3s\"",
		  "file: services[0].connect_timeout (x): got a duration, wanted none: nobody "
		  "answers a connect() of UDP" },
		{ "\"connect_timing\": true, \"protocol\": \"udp\"",
		  "file: services[0].connect_timing (x): got true, wanted false: a connect() of "
		  "UDP "
		  "takes no time" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", \"static\": {\"endpoints\": []}, %s}]}",
		    cases, ARRAY_SIZE(cases));
}

static void faults_of_a_source_are_found(void **state)
{
	static const struct refused cases[] = {
		{ "\"port\": 1",
		  "file: services[0] (x): got no source, wanted one of cloudmap, dns, "
		  "static, split" },
		{ "\"static\": {\"file\": \"/a\"}, \"dns\": {\"name\": \"a\", \"type\": \"A\"}",
		  "file: services[0] (x): got dns and static, wanted one of cloudmap, dns, "
		  "static, split" },
		{ "\"dns\": {\"name\": \"a\", \"type\": \"A\"}, \"probe\": {}",
		  "file: services[0].probe (x): got a probe, wanted none: the backends have no "
		  "port "
		  "of their own" },
		{ "\"static\": 1", "file: services[0].static (x): got 1, wanted an object" },
		{ "\"static\": {}",
		  "file: services[0].static (x): got neither, wanted one of endpoints, file" },
		{ "\"static\": {\"endpoints\": [], \"file\": \"/a\"}",
		  "file: services[0].static (x): got endpoints and file, wanted one of endpoints, "
		  "file" },
		{ "\"static\": {\"endpoints\": [\"10.0.0.1\"]}",
		  "file: services[0].static.endpoints[0] (x): got \"10.0.0.1\", wanted ip:port or "
		  "[v6]:port of a unicast address" },
		{ "\"static\": {\"endpoints\": [\"0.0.0.0:1\"]}",
		  "file: services[0].static.endpoints[0] (x): got \"0.0.0.0:1\", wanted ip:port or "
		  "[v6]:port of a unicast address" },
		{ "\"dns\": {\"type\": \"A\"}", "file: services[0].dns.name (x): got nothing, "
						"wanted a DNS name, at most 253 octets" },
		{ "\"dns\": {\"name\": \"a\", \"type\": \"MX\"}",
		  "file: services[0].dns.type (x): got \"MX\", wanted one of \"A\", \"AAAA\", "
		  "\"SRV\"" },
		{ "\"dns\": {\"name\": \"a\", \"type\": \"SRV\", \"port\": 1}",
		  "file: services[0].dns.port (x): got a port, wanted none: SRV records tell it" },
		{ "\"cloudmap\": {\"namespace\": \"n\", \"service\": \"s\"}",
		  "file: aws.region: got nothing, wanted an AWS region here, in AWS_REGION, in "
		  "AWS_DEFAULT_REGION or in the profile, for the services with cloudmap" },
	};

	(void)state;
	are_refused("{\"services\": [{\"name\": \"x\", %s}]}", cases, ARRAY_SIZE(cases));
}

static void faults_of_cloud_map_are_found(void **state)
{
	static const struct refused cases[] = {
		{ "\"service\": \"s\"", "file: services[0].cloudmap.namespace (x): got nothing, "
					"wanted text without blanks, at most 1024 octets" },
		{ "\"namespace\": \"\", \"service\": \"s\"",
		  "file: services[0].cloudmap.namespace (x): got \"\", wanted text without blanks, "
		  "at most 1024 octets" },
		{ "\"namespace\": \"n\", \"service\": \"a b\"",
		  "file: services[0].cloudmap.service (x): got \"a b\", wanted text without "
		  "blanks, at most 127 octets" },
		{ "\"namespace\": \"a/b\", \"service\": \"s\", \"dns_fallback\": true",
		  "file: services[0].cloudmap.dns_fallback (x): got true for \"s.a/b\", "
		  "wanted "
		  "a name that DNS can have" },
		{ "\"namespace\": \"n\", \"service\": \"s\", \"dns_fallback\": \"yes\"",
		  "file: services[0].cloudmap.dns_fallback (x): got \"yes\", wanted true or "
		  "false" },
		{ "\"namespace\": \"n\", \"service\": \"s\", \"dns_fallback_after\": \"2h\"",
		  "file: services[0].cloudmap.dns_fallback_after (x): got \"2h\", wanted a "
		  "duration "
		  "from 0s to 1h, such as \"5s\"" },
		{ "\"namespace\": \"n\", \"service\": \"s\", \"poll\": \"50ms\"",
		  "file: services[0].cloudmap.poll (x): got \"50ms\", wanted a duration from 100ms "
		  "to 1h, such as \"5s\"" },
	};

	(void)state;
	are_refused("{\"aws\": {\"region\": \"eu-west-1\"}, \"services\": [{\"name\": \"x\", "
		    "\"cloudmap\": {%s}}]}",
		    cases, ARRAY_SIZE(cases));
}

static void a_name_must_be_one_of_dns(void **state)
{
	static const char *const names[] = {
		"",	   ".",
		"a..b",	   ".a",
		"a..",	   "-a",
		"a-",	   "a.-b",
		"a b",	   "a/b",
		"\\u00e4", "10.0.0.1",
		"a:80",	   "a23456789012345678901234567890123456789012345678901234567890123x",
	};
	char text[256], line[256];
	const char *lines[] = { line };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *shown = streq(names[i], "\\u00e4") ? "\xc3\xa4" : names[i];

		(void)snprintf(text, sizeof(text),
			       "{\"services\":[{\"name\":\"%s\",\"static\":{\"endpoints\":[]}}]}",
			       names[i]);
		(void)snprintf(line, sizeof(line),
			       "file: services[0].name (%s): got \"%s\", wanted a DNS name, at "
			       "most 253 octets",
			       shown, shown);
		is_refused(text, lines, 1);
	}
}

static void an_endpoint_must_be_encrypted_or_local_and_nothing_but_a_host(void **state)
{
	static const char *const urls[] = {
		"",
		"https://",
		"http://10.0.0.1",
		"http://example.com",
		"http://[fd00::1]:80",
		"http://localhost.example.com",
		"ftp://localhost",
		"https://user@example.com",
		"https://example.com/path",
		"https://example.com?q",
		"https://example.com#f",
		"https://example.com:",
		"https://example.com:0",
		"https://example.com:65536",
		"https://::1",
		"https://[::1",
		"https://a b",
		"example.com",
		"https://example.com//",
	};
	char text[256], line[256];
	const char *lines[] = { line };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"services\":[],\"aws\":{\"endpoint\":\"%s\"}}", urls[i]);
		(void)snprintf(
			line, sizeof(line),
			"file: aws.endpoint: got \"%s\", wanted https://HOST[:PORT], or http:// to "
			"a "
			"loopback address or localhost, and nothing after it, at most 512 octets",
			urls[i]);
		is_refused(text, lines, 1);
	}
}

static void a_duration_is_a_number_and_a_unit(void **state)
{
	static const char *const durations[] = { "",
						 "5",
						 "s",
						 "5 s",
						 "+5s",
						 "-5s",
						 "5.5s",
						 "5S",
						 "5sec",
						 "5d",
						 "99999999999999999999s",
						 "4294967295h",
						 " 5s",
						 "5s " };
	char text[256], line[256];
	const char *lines[] = { line };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"services\":[{\"name\":\"x\",\"static\":{\"file\":\"/"
			       "a\"},\"shrink_confirm\":\"%s\"}]}",
			       durations[i]);
		(void)snprintf(line, sizeof(line),
			       "file: services[0].shrink_confirm (x): got \"%s\", wanted a "
			       "duration from 0s to 24h, such as \"5s\"",
			       durations[i]);
		is_refused(text, lines, 1);
	}
}

static void a_range_for_vips_leaves_the_addresses_of_aws_alone(void **state)
{
	static const char *const ranges[] = {
		"169.254.169.0/24", "169.254.169.252/30", "169.254.0.0/16", "169.254.174.0/24",
		"0.0.0.0/8",	    "10.0.0.0/7",	  "224.0.0.0/16",   "ff00::/64",
		"fd00::/16",	    "10.0.0.0",		  "10.0.0.0/33"
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };

		(void)snprintf(text, sizeof(text), "{\"services\":[],\"vips\":{\"cidr\":\"%s\"}}",
			       ranges[i]);
		refuse(text, strlen(text), &problems);
		assert_int_equal(problems.total, 1);
		assert_non_null(strstr(problems.lines[0], "file: vips.cidr: got \""));
	}
}

static void names_and_aliases_are_used_once(void **state)
{
	static const char text[] =
		"{\"services\":["
		"{\"name\":\"a\",\"aliases\":[\"b\",\"A.\"],\"static\":{\"file\":\"/a\"}},"
		"{\"name\":\"B\",\"static\":{\"file\":\"/a\"}},"
		"{\"name\":\"c\",\"aliases\":[\"d\",\"a\"],\"static\":{\"file\":\"/a\"}}]}";
	static const char *const lines[] = {
		"file: services[0].aliases[1]: got \"a\", wanted a name that services[0] does not "
		"have",
		"file: services[2].aliases[1]: got \"a\", wanted a name that services[0] does not "
		"have",
		"file: services[1].name: got \"b\", wanted a name that services[0] does not have",
	};

	(void)state;
	is_refused(text, lines, ARRAY_SIZE(lines));
}

static void a_vip_leads_to_one_service_for_each_port_and_protocol(void **state)
{
	static const struct {
		const char *first, *second;
		const char *holder; /* NULL: they get along */
	} cases[] = {
		{ "\"port\":1", "\"port\":1", "port 1, protocol tcp" },
		{ "\"port\":1", "\"port\":2", NULL },
		{ "\"port\":1", "\"port\":1,\"protocol\":\"udp\"", NULL },
		{ "\"port\":1,\"protocol\":\"any\"", "\"port\":1,\"protocol\":\"udp\"",
		  "port 1, protocol any" },
		{ "\"port\":1,\"protocol\":\"udp\"", "\"port\":1,\"protocol\":\"any\"",
		  "port 1, protocol udp" },
		{ "\"aliases\":[]", "\"port\":1", "any port, protocol tcp" },
		{ "\"aliases\":[]", "\"port\":1,\"protocol\":\"udp\"", "any port, protocol tcp" },
		{ "\"aliases\":[]", "\"aliases\":[]", "any port, protocol tcp" },
	};
	const struct config_environment environment = { 0 };
	char text[512], line[256];
	const char *lines[] = { line };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_(diag_done) struct diag problems = { 0 };

		(void)snprintf(
			text, sizeof(text),
			"{\"services\":[{\"name\":\"a\",\"vip\":\"fd00::1\",\"static\":{\"file\":"
			"\"/a\"},%s},"
			"{\"name\":\"b\",\"vip\":\"FD00:0::1\",\"static\":{\"file\":\"/a\"},%s}]}",
			cases[i].first, cases[i].second);
		(void)snprintf(line, sizeof(line),
			       "file: services[1].vip (b): got \"fd00::1\", wanted one that "
			       "services[0] does not have for %s",
			       cases[i].holder ? cases[i].holder : "");
		if (cases[i].holder)
			is_refused(text, lines, 1);
		else
			assert_int_equal(config_parse(text, strlen(text), "file", &environment, &c,
						      &problems),
					 0);
	}
}

static void a_wrong_port_is_not_taken_for_any_port(void **state)
{
	static const char text[] =
		"{\"services\":["
		"{\"name\":\"a\",\"vip\":\"10.0.0.1\",\"port\":\"x\",\"static\":{\"file\":\"/a\"}},"
		"{\"name\":\"b\",\"vip\":\"10.0.0.1\",\"port\":1,\"static\":{\"file\":\"/a\"}}]}";
	static const char *const lines[] = {
		"file: services[0].port (a): got \"x\", wanted a whole number from 1 to 65535",
	};

	(void)state;
	is_refused(text, lines, ARRAY_SIZE(lines));
}

static void all_faults_are_told_at_once(void **state)
{
	static const char text[] = "{ \"cgroup\": 1, \"colour\": 2, \"vips\": { \"cidr\": 3 }, "
				   "\"dns\": { \"servers\": [4] },\n"
				   "  \"services\": [ { \"port\": 0 }, 5, { \"name\": \"x\", "
				   "\"cloudmap\": { \"poll\": 6 } } ] }";
	static const char *const places[] = {
		"file: cgroup: ",
		"file: colour: ",
		"file: vips.cidr: ",
		"file: dns.servers[0]: ",
		"file: services[0].name: ",
		"file: services[0].port: ",
		"file: services[0]: ",
		"file: services[1]: got 5, wanted an object",
		"file: services[2].cloudmap.namespace (x): ",
		"file: services[2].cloudmap.service (x): ",
		"file: services[2].cloudmap.poll (x): ",
		"file: aws.region: ",
	};
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	refuse(text, strlen(text), &problems);
	assert_int_equal(problems.n, ARRAY_SIZE(places));
	for (size_t i = 0; i < problems.n; i++)
		assert_memory_equal(problems.lines[i], places[i], strlen(places[i]));
}

static void the_outermost_value_is_an_object_with_services(void **state)
{
	static const struct refused cases[] = {
		{ "[]", "file: got a list, wanted an object" },
		{ "\"x\"", "file: got \"x\", wanted an object" },
		{ "{}", "file: got neither services nor namespaces, wanted one of them" },
		{ "{\"services\": {}}",
		  "file: services: got an object, wanted a list of at most 16384, each an object" },
	};

	(void)state;
	are_refused(NULL, cases, ARRAY_SIZE(cases));
}

static void what_is_wrong_with_a_namespace_is_told(void **state)
{
	static const char *const places[] = {
		"file: namespaces[0].defaults.name: got this key, wanted none: each service has "
		"its own",
		"file: namespaces[0].defaults.cloudmap.service: got this key, wanted none: each "
		"service has its own",
		"file: namespaces[0].defaults.ejection.base: got \"1h\", wanted at most the max, "
		"\"5m\"",
		"file: namespaces[0].owner_account: got \"210987654321\", wanted that of the ARN, "
		"\"123456789012\"",
		"file: namespaces[1].owner_account: got \"210987654321\", wanted none beside an "
		"id: shared namespaces are told by name or ARN",
		"file: namespaces[2].cloudmap: got nothing, wanted text without blanks, at most "
		"1024 octets",
		"file: namespaces[2].include[0]: got \"\", wanted a name, perhaps with wildcards",
		"file: namespaces[2].owner_account: got \"12\", wanted the 12 digits of an AWS "
		"account",
		"file: namespaces[4].cloudmap: got \"arn:aws:s3:::b\", wanted a name, or an ARN "
		"like arn:aws:servicediscovery:REGION:ACCOUNT:namespace/ns-ID",
		"file: namespaces[5]: got 7, wanted an object",
		"file: namespaces[6].cloudmap: got the namespace of namespaces[3] again, wanted "
		"another",
	};
	static const char text[] =
		"{\"aws\":{\"region\":\"us-east-1\"},\"namespaces\":["
		"{\"cloudmap\":\"arn:aws:servicediscovery:us-west-2:123456789012:namespace/"
		"ns-e1tpmexample0001\",\"owner_account\":\"210987654321\",\"defaults\":{"
		"\"name\":\"x\",\"cloudmap\":{\"service\":\"x\",\"poll\":\"1s\"},"
		"\"ejection\":{\"base\":\"1h\"}}},"
		"{\"cloudmap\":\"ns-e1tpmexample0001\",\"owner_account\":\"210987654321\"},"
		"{\"include\":[\"\"],\"owner_account\":\"12\"},"
		"{\"cloudmap\":\"a\"},{\"cloudmap\":\"arn:aws:s3:::b\"},7,{\"cloudmap\":\"a\"}]}";
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	refuse(text, sizeof(text) - 1, &problems);
	assert_int_equal(problems.n, ARRAY_SIZE(places));
	for (size_t i = 0; i < problems.n; i++)
		assert_string_equal(problems.lines[i], places[i]);
}

static void a_region_of_the_environment_is_checked_when_it_is_needed(void **state)
{
	static const char needed[] = "{\"services\":[{\"name\":\"x\",\"cloudmap\":{\"namespace\":"
				     "\"n\",\"service\":\"s\"}}]}";
	const struct config_environment environment = { .aws_region = "Narnia\n" };
	_cleanup_(config_free_p) struct config *c = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	assert_int_equal(config_parse("{\"services\":[]}", 15, "f", &environment, &c, &problems),
			 0);
	assert_null(c->aws.region);
	config_free(TAKE_PTR(c));
	assert_int_equal(config_parse(needed, strlen(needed), "f", &environment, &c, &problems),
			 -EINVAL);
	assert_string_equal(
		problems.lines[0],
		"f: aws.region: got \"Narnia\\x0a\" from AWS_REGION, AWS_DEFAULT_REGION or the "
		"profile, wanted an AWS region such as us-east-1");
}

static void what_the_environment_says_of_endpoints_is_checked_where_it_is_needed(void **state)
{
	static const char service[] = "\"services\":[{\"name\":\"x\",\"cloudmap\":{\"namespace\":"
				      "\"n\",\"service\":\"s\"}}]}";
	static const struct {
		const char *aws;
		struct config_environment environment;
		const char *problem;
	} rows[] = {
		{ "{\"region\":\"us-east-1\"}",
		  { .aws_endpoint = "http://10.0.0.1" },
		  "f: aws.endpoint: got \"http://10.0.0.1\" from AWS_ENDPOINT_URL_SERVICEDISCOVERY "
		  "or AWS_ENDPOINT_URL, wanted https://HOST[:PORT], or http:// to a loopback "
		  "address "
		  "or localhost" },
		{ "{\"region\":\"us-east-1\",\"endpoint\":\"https://x.test\"}",
		  { .use_fips_endpoint = true },
		  "f: aws.use_fips_endpoint: got true, here or in AWS_USE_FIPS_ENDPOINT, beside an "
		  "endpoint that is given, wanted one or the other" },
		{ "{\"region\":\"us-east-1\",\"use_dualstack_endpoint\":true}",
		  { .aws_endpoint = "https://x.test" },
		  "f: aws.use_dualstack_endpoint: got true, here or in AWS_USE_DUALSTACK_ENDPOINT, "
		  "beside an endpoint that is given, wanted one or the other" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(config_free_p) struct config *c = NULL;
		_cleanup_(diag_done) struct diag problems = { 0 };

		(void)snprintf(text, sizeof(text), "{\"aws\":%s,%s", rows[i].aws, service);
		assert_int_equal(config_parse(text, strlen(text), "f", &rows[i].environment, &c,
					      &problems),
				 -EINVAL);
		assert_int_equal(problems.total, 1);
		assert_string_equal(problems.lines[0], rows[i].problem);
		diag_done(&problems);
		(void)snprintf(text, sizeof(text), "{\"aws\":%s,\"services\":[]}", rows[i].aws);
		assert_int_equal(config_parse(text, strlen(text), "f", &rows[i].environment, &c,
					      &problems),
				 0);
	}
}

static void a_region_that_may_come_later_is_no_fault_and_completes_the_rest(void **state)
{
	static const char text[] =
		"{\"aws\":{\"use_fips_endpoint\":true},\"services\":[{\"name\":\"x\","
		"\"cloudmap\":{\"namespace\":\"n\",\"service\":\"s\"}}]}";
	const struct config_environment environment = { .region_may_come = true };
	_cleanup_(config_free_p) struct config *c = NULL;
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	assert_int_equal(config_parse(text, strlen(text), "f", &environment, &c, &problems), 0);
	assert_true(c->aws.is_needed);
	assert_null(c->aws.region);
	assert_null(c->aws.data_endpoint);
	assert_int_equal(config_set_region(c, "Narnia"), -EINVAL);
	assert_null(c->aws.region);
	assert_int_equal(config_set_region(c, "us-east-1"), 0);
	assert_string_equal(c->aws.region, "us-east-1");
	assert_string_equal(c->aws.endpoint,
			    "https://servicediscovery-fips.us-east-1.amazonaws.com");
	assert_string_equal(c->aws.data_endpoint,
			    "https://data-servicediscovery-fips.us-east-1.amazonaws.com");
}

/* `start`, then `element` as often as fits into CONFIG_BYTES_MAX, without an end. */
static char *repeat(const char *start, const char *element, size_t *ret_length)
{
	char *text = malloc(CONFIG_BYTES_MAX + 1);
	size_t length = strlen(element), at = strlen(start);

	assert_non_null(text);
	memcpy(text, start, at + 1);
	for (; at + length <= CONFIG_BYTES_MAX - 8; at += length)
		memcpy(text + at, element, length + 1);
	*ret_length = at;
	return text;
}

static void hostile_texts_are_refused_at_little_cost(void **state)
{
	static const struct {
		const char *start, *element, *end;
	} cases[] = {
		{ "", "{\"a\":", "" },
		{ "", "[", "" },
		{ "[", "1,", "1]" },
		{ "{", "\"a\":1,", "\"a\":1}" },
		{ "{", "\"aaaaaaaa\":1,", "\"a\":1}" },
		{ "{", "\"cgroup\":1,", "\"a\":1}" },
		{ "{\"services\":[", "{},", "{}]}" },
		{ "{\"services\":[", "{\"name\":1},", "{}]}" },
		{ "{\"services\":[{\"name\":\"x\",", "\"watch\":1,", "\"a\":1}]}" },
		{ "{\"", "aaaaaaaa", "\":1}" },
		{ "{\"services\":[{\"name\":\"", "\\u001b", "\"}]}" },
		{ "", "        ", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(diag_done) struct diag problems = { 0 };
		size_t length;
		_cleanup_free_ char *text = repeat(cases[i].start, cases[i].element, &length);
		clock_t start = clock();

		memcpy(text + length, cases[i].end, strlen(cases[i].end));
		refuse(text, length + strlen(cases[i].end), &problems);
		assert_in_range((clock() - start) / CLOCKS_PER_SEC, 0, CPU_S_MAX);
		for (size_t j = 0; j < problems.n; j++)
			assert_in_range(strlen(problems.lines[j]), 1, 1024);
	}
}

static void more_than_the_limit_of_bytes_is_refused(void **state)
{
	_cleanup_free_ char *text = malloc(CONFIG_BYTES_MAX + 1);
	_cleanup_(diag_done) struct diag problems = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CONFIG_BYTES_MAX + 1);
	refuse(text, CONFIG_BYTES_MAX + 1, &problems);
	assert_string_equal(problems.lines[0], "file: got 8388609 bytes, wanted at most 8388608");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_that_may_come_later_is_no_fault_and_completes_the_rest),
		cmocka_unit_test(
			what_the_environment_says_of_endpoints_is_checked_where_it_is_needed),
		cmocka_unit_test(what_is_no_json_is_refused_with_its_line_and_column),
		cmocka_unit_test(a_nul_in_the_text_is_refused),
		cmocka_unit_test(wrong_types_and_unknown_keys_are_refused),
		cmocka_unit_test(faults_of_a_service_name_it_and_its_place),
		cmocka_unit_test(faults_of_ejection_and_limits_are_found),
		cmocka_unit_test(faults_of_probes_are_found),
		cmocka_unit_test(what_becomes_of_connections_is_a_word_or_an_object),
		cmocka_unit_test(faults_of_what_a_connect_may_take_are_found),
		cmocka_unit_test(faults_of_a_source_are_found),
		cmocka_unit_test(faults_of_cloud_map_are_found),
		cmocka_unit_test(a_name_must_be_one_of_dns),
		cmocka_unit_test(an_endpoint_must_be_encrypted_or_local_and_nothing_but_a_host),
		cmocka_unit_test(a_duration_is_a_number_and_a_unit),
		cmocka_unit_test(a_range_for_vips_leaves_the_addresses_of_aws_alone),
		cmocka_unit_test(names_and_aliases_are_used_once),
		cmocka_unit_test(a_vip_leads_to_one_service_for_each_port_and_protocol),
		cmocka_unit_test(a_wrong_port_is_not_taken_for_any_port),
		cmocka_unit_test(all_faults_are_told_at_once),
		cmocka_unit_test(the_outermost_value_is_an_object_with_services),
		cmocka_unit_test(what_is_wrong_with_a_namespace_is_told),
		cmocka_unit_test(a_region_of_the_environment_is_checked_when_it_is_needed),
		cmocka_unit_test(hostile_texts_are_refused_at_little_cost),
		cmocka_unit_test(more_than_the_limit_of_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
