/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/dns_wire.h"
#include "fuzz/fuzz.h"

static void addresses_are(const struct dns_wire_addresses *a, bool ipv4)
{
	fuzz_demand(a->n <= DNS_WIRE_RECORDS_MAX, "addresses are bounded");
	for (size_t i = 0; i < a->n; i++)
		fuzz_demand(!ipv4 || addr_is_ipv4(&a->list[i]), "an A record has four octets");
	fuzz_demand(a->ttl_s <= INT32_MAX, "a TTL is within RFC 2181");
}

void fuzz_dns(const uint8_t *data, size_t size)
{
	static const enum dns_wire_type types[] = { DNS_WIRE_A, DNS_WIRE_AAAA, DNS_WIRE_SRV };
	_cleanup_(dns_wire_done) struct dns_wire_answer answer = { 0 };
	_cleanup_free_ char *packet = NULL;
	enum dns_wire_type type;
	const char *why = NULL;
	int r;

	if (size == 0)
		return;
	type = types[data[0] % ARRAY_SIZE(types)];
	packet = fuzz_copy(data + 1, size - 1);
	r = dns_wire_read((const uint8_t *)packet, size - 1, "name.internal", type, &answer, &why);
	fuzz_demand(r == 0 || r == -EBADMSG, "a packet is an answer or garbled");
	fuzz_demand((r < 0) == (why != NULL), "what is wrong is told");
	if (r < 0)
		return;
	fuzz_demand(answer.code && *answer.code, "an answer has a code");
	fuzz_demand(answer.verdict == DNS_WIRE_FOUND || answer.addresses.n + answer.n_targets == 0,
		    "records are there only if they were found");
	fuzz_demand(type == DNS_WIRE_SRV ? answer.addresses.n == 0 : answer.n_targets == 0,
		    "records are of the type asked for");
	addresses_are(&answer.addresses, type == DNS_WIRE_A);
	for (size_t i = 0; i < answer.n_targets; i++) {
		const struct dns_wire_target *target = &answer.targets[i];

		fuzz_demand(*target->name && memchr(target->name, '\0', sizeof(target->name)),
			    "a target has a name");
		addresses_are(&target->ipv4, true);
		addresses_are(&target->ipv6, false);
	}
}
