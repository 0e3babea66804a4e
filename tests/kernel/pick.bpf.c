/* SPDX-License-Identifier: GPL-2.0-only */
/* The decision of bpf/pick.bpf.h, to be run by BPF_PROG_TEST_RUN: the hooks themselves cannot be.
 */
#include "pick.bpf.h"
#include "../tests/kernel/pick_arguments.h"

SEC("syscall")
int shunt_test_pick(struct pick_arguments *arguments)
{
	struct pick pick = {
		.address = arguments->address,
		.port = arguments->port,
		.protocol = arguments->protocol,
		.ipv4_only = arguments->ipv4_only,
	};

	arguments->verdict = pick_backend(&pick);
	arguments->address = pick.address;
	arguments->port = pick.port;
	arguments->service_id = pick.service_id;
	return 0;
}

char _license[] SEC("license") = "GPL";
