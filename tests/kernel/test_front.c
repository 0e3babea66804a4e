/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that share a bucket: four find a way in it, the others spill into the hash. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "playground.h"

#define TOGETHER 8 /* in a bucket of SHUNT_BUCKET_WAYS */

static struct agent agent;
static char vips[TOGETHER][ADDR_PORT_TEXT_MAX];

/* 127.x.y.z:80/udp, as many as fall into the first one's bucket. */
static void find_vips(void)
{
	uint32_t bucket = 0;
	size_t n = 0;

	for (uint32_t i = 1; n < TOGETHER; i++) {
		const uint8_t octets[4] = { 127, (uint8_t)(100 + (i >> 16)), (uint8_t)(i >> 8),
					    (uint8_t)i };
		struct addr_port vip = { addr_from_ipv4(octets), 80 };
		uint32_t address;

		memcpy(&address, octets, sizeof(address));
		if (n == 0)
			bucket = SHUNT_BUCKET_OF(SHUNT_WAY_KEY(address, 80, IPPROTO_UDP));
		if (SHUNT_BUCKET_OF(SHUNT_WAY_KEY(address, 80, IPPROTO_UDP)) == bucket)
			(void)addr_port_format(&vip, vips[n++]);
	}
}

static int begin(void **state)
{
	(void)state;
	playground_enter();
	find_vips();
	return 0;
}

static int end(void **state)
{
	(void)state;
	playground_leave();
	return 0;
}

static int start(void **state)
{
	(void)state;
	agent_init(&agent);
	return agent_start(&agent);
}

static int stop(void **state)
{
	(void)state;
	agent_end(&agent);
	return 0;
}

/* Services s0..., the i-th with the backend 10.0.0.(i + 1), those of the mask. */
static struct table services(unsigned int mask)
{
	struct table t = { 0 };

	for (unsigned int i = 0; i < TOGETHER; i++) {
		char name[8], backend[32];

		if (!(mask >> i & 1))
			continue;
		(void)snprintf(name, sizeof(name), "s%u", i);
		(void)snprintf(backend, sizeof(backend), "10.0.0.%u:9", i + 1);
		wanted_add(&t, &(struct wanted_service){ name, vips[i], PROTOCOL_UDP, backend });
	}
	return t;
}

static void become_with(struct table t, const char *name, const char *vip,
			enum shunt_protocol protocol, const char *backends)
{
	wanted_add(&t, &(struct wanted_service){ name, vip, protocol, backends });
	table_sort(&t);
	agent_become(&agent, t);
	agent_grace(&agent);
}

static void only_these_answer(unsigned int mask)
{
	for (unsigned int i = 0; i < TOGETHER; i++)
		assert_int_equal(playground_reach(vips[i], SOCKET_UDP),
				 mask >> i & 1 ? (int)i + 1 : 0);
}

static void a_full_bucket_loses_nobody(void **state)
{
	static const unsigned int masks[] = {
		0xff, 0xfc, 0x0f, 0xf0, 0xff, 0x81, 0x7e, 0x00, 0xff
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		agent_become(&agent, services(masks[i]));
		only_these_answer(masks[i]);
		agent_grace(&agent);
		if (i % 2) {
			agent_stop(&agent);
			assert_int_equal(agent_start(&agent), 0);
			only_these_answer(masks[i]);
		}
	}
}

/* The key of s7 lies in the hash; when it moves, there is a free way in its bucket. */
static void a_key_that_spilled_moves_and_goes_without_a_trace(void **state)
{
	_cleanup_(plan_state_done) struct plan_state left = { 0 };

	(void)state;
	agent_become(&agent, services(0xff));
	become_with(services(0xff), "t", vips[7], PROTOCOL_TCP, "10.0.0.20:9");
	become_with(services(0xfc), "t", vips[7], PROTOCOL_TCP, "10.0.0.20:9");
	become_with(services(0x7c), "t", vips[7], PROTOCOL_ANY, "10.0.0.20:9");
	assert_int_equal(playground_reach(vips[7], SOCKET_UDP), 20);
	agent_become(&agent, services(0x7c));
	agent_grace(&agent);
	for (unsigned int i = 0; i < 4; i++) { /* take the ids that became free */
		char name[8], vip[32];

		(void)snprintf(name, sizeof(name), "n%u", i);
		(void)snprintf(vip, sizeof(vip), "127.254.0.%u:80", i + 1);
		become_with(services(0x7c), name, vip, PROTOCOL_UDP, "10.0.0.30:9");
		only_these_answer(0x7c);
	}
	agent_become(&agent, services(0));
	assert_int_equal(dataplane_read_state(agent.dataplane, &left), 0);
	assert_int_equal(left.fronts.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_bucket_loses_nobody),
		TEST(a_key_that_spilled_moves_and_goes_without_a_trace),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
