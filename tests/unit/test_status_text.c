/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/json.h"
#include "ctl/status_text.h"

static void assert_shown(const char *json, const char *expected)
{
	_cleanup_(json_free_p) cJSON *status = cJSON_Parse(json);
	_cleanup_free_ char *text = NULL;

	assert_non_null(status);
	text = status_text(status);
	assert_string_equal(text, expected);
}

static const char trouble[] =
	"{\"version\":\"0.1.0\",\"layout\":1,\"pid\":71,\"uptime_s\":12.34,"
	"\"config\":{\"origin\":\"/etc/shunt/shunt.json\",\"error\":\"vips.cidr: got 1\"},"
	"\"cgroup\":{\"path\":\"/sys/fs/"
	"cgroup\",\"id\":1,\"attached\":false,\"error\":\"detached\"},"
	"\"credentials\":{\"provider\":\"container\",\"available\":true,"
	"\"expires_at\":\"2026-11-21T06:00:00Z\",\"error\":\"timeout\","
	"\"passed_over\":[{\"provider\":\"environment\",\"why\":\"AWS_ACCESS_KEY_ID is not "
	"set\"}]},"
	"\"region\":{\"name\":\"eu-west-1\",\"from\":\"instance metadata\",\"error\":null},"
	"\"clock_offset_s\":-420,"
	"\"budget\":{\"calls_per_second\":100,\"in_last_second\":41,\"waiting\":5,\"calls\":900,"
	"\"refused\":3,\"held_back\":[{\"operation\":\"DiscoverInstances\","
	"\"calls_per_second\":12.5}],\"without_revisions\":{\"sources\":1,"
	"\"code\":\"AccessDenied\\u001b[2J\"}},"
	"\"services\":[{\"name\":\"backend\",\"aliases\":[\"be\"],\"vip\":\"127.254.0.10\","
	"\"port\":8080,\"protocol\":\"tcp\",\"source\":\"cloudmap\","
	"\"target\":\"internal.myapp/backend\",\"backends\":3,\"last_success_s\":1700000000,"
	"\"age_s\":40.4,\"next_s\":4.2,"
	"\"probe\":{\"interval_s\":5,\"round_s\":5.1,\"backends\":2,\"failing\":2,\"panic\":true,"
	"\"portless\":1,\"error\":\"Network is unreachable\"},"
	"\"states\":[{\"backend\":\"10.0.1.54:3000\",\"state\":\"draining\","
	"\"why\":\"drained by shuntctl\",\"age_s\":12},"
	"{\"backend\":\"10.0.1.91:3000\",\"state\":\"unhealthy\",\"why\":\"its source says so\","
	"\"age_s\":null}],"
	"\"keeping\":\"3 backends of 40 s ago: RequestLimitExceeded\","
	"\"shrink\":{\"answered\":0,\"in_force\":3,\"for_s\":12.1,\"confirm_s\":30},"
	"\"error\":{\"code\":\"RequestLimitExceeded\",\"message\":\"Rate \\u001b[2Jexceeded\","
	"\"count\":7,\"age_s\":1.25},"
	"\"rejected\":{\"count\":1,\"why\":\"i-1: no AWS_INSTANCE_IPV4\"},"
	"\"misweighted\":{\"count\":2,\"why\":\"i-2: WEIGHT got 'x'\"},"
	"\"note\":\"drawn \\u001b[2Jby lot\","
	"\"notes\":[\"VIP moved\"]}],"
	"\"problems\":[\"the programs are not attached\"]}";

static void what_is_wrong_is_told_verbatim(void **state)
{
	(void)state;
	assert_shown(
		trouble,
		"shuntd 0.1.0, pid 71, up 12 s, layout 1\n"
		"configuration: /etc/shunt/shunt.json\n"
		"    refused, the one before stays in force: vips.cidr: got 1\n"
		"cgroup: /sys/fs/cgroup (id 1), NOT attached\n"
		"    error: detached\n"
		"credentials: container, expire at 2026-11-21T06:00:00Z\n"
		"    error: timeout\n"
		"    not by environment: AWS_ACCESS_KEY_ID is not set\n"
		"region: eu-west-1, by instance metadata\n"
		"clock: 7 min ahead of AWS's; requests are signed with the time corrected\n"
		"calls to Cloud Map: 41 in the last second, at most 100, 5 waiting\n"
		"    DiscoverInstances is held back to 12.5 a second, for the account's quota\n"
		"    revisions are not told for 1 source (AccessDenied\\x1b[2J): all instances are "
		"asked for at each beat\n"
		"PROBLEM: the programs are not attached\n"
		"\n"
		"backend 127.254.0.10:8080/tcp -> 3 backends, answered 40 s ago, next in 4.2 s\n"
		"    source: cloudmap internal.myapp/backend\n"
		"    alias: be\n"
		"    probe: 2 of 2 fail, every 5.0 s; these are more than half, so probes are "
		"ignored; 1 without a port of its own cannot be probed\n"
		"    probe: this host cannot: Network is unreachable\n"
		"    10.0.1.54:3000 draining: drained by shuntctl 12 s ago\n"
		"    10.0.1.91:3000 unhealthy: its source says so\n"
		"    keeping 3 backends of 40 s ago: RequestLimitExceeded\n"
		"    error: RequestLimitExceeded: Rate \\x1b[2Jexceeded (7 in a row, last 1.2 s "
		"ago)\n"
		"    shrink: the answer has 0 where 3 are in force, for 12 s; believed after "
		"30 s\n"
		"    left out: 1 without a usable address: i-1: no AWS_INSTANCE_IPV4\n"
		"    given weight 1: 2 with a bad weight: i-2: WEIGHT got 'x'\n"
		"    note: drawn \\x1b[2Jby lot\n"
		"    note: VIP moved\n");
}

static void services_without_trouble_are_short(void **state)
{
	(void)state;
	assert_shown(
		"{\"version\":\"0.1.0\",\"layout\":1,\"pid\":1,\"uptime_s\":100000,"
		"\"config\":{\"origin\":\"SHUNT_CONFIG\",\"error\":null},"
		"\"cgroup\":{\"path\":\"/c\",\"id\":1,\"attached\":true,\"error\":null},"
		"\"foreign_programs\":[{\"hook\":\"connect4\",\"program\":7,\"name\":\"cil\","
		"\"cgroup\":\"/c\",\"displaced\":false},{\"hook\":\"sendmsg6\",\"program\":8,"
		"\"name\":\"\",\"cgroup\":null,\"displaced\":true}],"
		"\"exclude_cgroups\":[{\"path\":\"proxied/*\",\"cgroups\":2,\"error\":null},"
		"{\"path\":\"/x\",\"cgroups\":0,\"error\":\"elsewhere\"}],"
		"\"credentials\":{\"provider\":\"none\",\"available\":false,"
		"\"expires_at\":null,\"error\":null},"
		"\"budget\":{\"calls_per_second\":100,\"in_last_second\":0,\"waiting\":0,"
		"\"calls\":7,\"held_back\":[],\"without_revisions\":null},"
		"\"services\":[{\"name\":\"a\",\"aliases\":[],\"vip\":\"::1\",\"port\":0,"
		"\"protocol\":\"any\",\"balance\":\"round_robin\",\"affinity\":null,"
		"\"source\":\"static\",\"target\":\"list\","
		"\"backends\":1,\"last_success_s\":1,\"age_s\":0.04,\"next_s\":null,"
		"\"keeping\":null,\"shrink\":null,\"error\":null,\"rejected\":null,"
		"\"notes\":[]},"
		"{\"name\":\"b\",\"vip\":null,\"port\":1,\"protocol\":\"tcp\","
		"\"balance\":\"maglev\",\"affinity\":\"socket\","
		"\"zone\":{\"prefer\":\"z1\",\"min\":3,\"has_all\":false},"
		"\"exclude_cgroups\":[{\"path\":\"a\",\"cgroups\":1,\"error\":null}],"
		"\"use\":\"idle\",\"slow_starting\":2,\"probe\":{\"interval_s\":60,\"backends\":3,"
		"\"failing\":1,\"panic\":false,\"portless\":0,\"error\":null},"
		"\"source\":\"dns\",\"target\":\"A b.internal\",\"backends\":0,"
		"\"age_s\":null}],\"problems\":[]}",
		"shuntd 0.1.0, pid 1, up 28 h, layout 1\n"
		"configuration: SHUNT_CONFIG\n"
		"cgroup: /c (id 1), attached\n"
		"    also on connect4: program 7 ('cil') of /c\n"
		"    displaced from sendmsg6: program 8 ('') of -\n"
		"    excluded: proxied/* (2 cgroups)\n"
		"    excluded: /x (0 cgroups): elsewhere\n"
		"credentials: none, not available\n"
		"calls to Cloud Map: 0 in the last second, at most 100\n"
		"\n"
		"a [::1]:any/any -> 1 backend, answered 0.0 s ago\n"
		"    source: static list\n"
		"\n"
		"b no VIP -> 0 backends, never answered\n"
		"    source: dns A b.internal\n"
		"    balance: maglev by socket\n"
		"    zone: z1 has too few healthy backends (3 wanted), all are used\n"
		"    excluded: a (1 cgroup)\n"
		"    idle: asked for seldom until a task connects\n"
		"    slow start: 2 new backends\n"
		"    probe: 1 of 3 fails, every 60 s\n");
}

static void the_parts_of_a_split_follow_each_with_its_own_trouble(void **state)
{
	(void)state;
	assert_shown("{\"services\":[{\"name\":\"a\",\"vip\":\"127.254.0.10\",\"port\":80,"
		     "\"protocol\":\"tcp\",\"source\":\"split\",\"target\":null,"
		     "\"backends\":4,\"age_s\":40,\"next_s\":null,\"keeping\":null,"
		     "\"error\":null,\"parts\":["
		     "{\"weight\":90,\"backends\":3,\"source\":\"cloudmap\","
		     "\"target\":\"n/stable\",\"age_s\":1,\"next_s\":4,\"keeping\":null,"
		     "\"shrink\":null,\"error\":null,\"rejected\":null},"
		     "{\"weight\":10,\"backends\":1,\"source\":\"cloudmap\","
		     "\"target\":\"n/can\\u001bary\",\"age_s\":40,\"next_s\":null,"
		     "\"keeping\":\"1 backend of 40 s ago: Throttled\","
		     "\"error\":{\"code\":\"Throttled\",\"count\":2,\"age_s\":1},"
		     "\"rejected\":{\"count\":1,\"why\":\"i-1\"}}]}]}",
		     "shuntd -\n"
		     "configuration: -\n"
		     "cgroup: -, NOT attached\n"
		     "credentials: nobody has needed any\n"
		     "\n"
		     "a 127.254.0.10:80/tcp -> 4 backends, answered 40 s ago\n"
		     "    source: split\n"
		     "    split[0]: weight 90, cloudmap n/stable -> 3 backends, answered 1.0 s "
		     "ago, next in 4.0 s\n"
		     "    split[1]: weight 10, cloudmap n/can\\x1bary -> 1 backend, answered 40 s "
		     "ago\n"
		     "        keeping 1 backend of 40 s ago: Throttled\n"
		     "        error: Throttled (2 in a row, last 1.0 s ago)\n"
		     "        left out: 1 without a usable address: i-1\n");
}

/* An agent of another version may say less, or say it otherwise. */
static void what_is_lacking_is_left_out(void **state)
{
	static const char *const replies[] = {
		"{}", "{\"services\":{},\"config\":[],\"cgroup\":1,\"problems\":null}"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		assert_shown(replies[i], "shuntd -\n"
					 "configuration: -\n"
					 "cgroup: -, NOT attached\n"
					 "credentials: nobody has needed any\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_told_verbatim),
		cmocka_unit_test(services_without_trouble_are_short),
		cmocka_unit_test(the_parts_of_a_split_follow_each_with_its_own_trouble),
		cmocka_unit_test(what_is_lacking_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
