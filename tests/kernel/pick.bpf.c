/* SPDX-License-Identifier: GPL-2.0-only */
/* The decision of bpf/pick.bpf.h, to be run by BPF_PROG_TEST_RUN: the hooks themselves cannot be.
 */
#include "pick.bpf.h"
#include "../tests/kernel/pick_arguments.h"

static __always_inline __u64 key_of(void *context, enum affinity affinity)
{
	struct pick_arguments *arguments = context;

	/* at an offset that is constant, for the verifier */
	__u64 task = *(volatile __u64 *)&arguments->keys[AFFINITY_TASK];
	__u64 socket = *(volatile __u64 *)&arguments->keys[AFFINITY_SOCKET];

	arguments->keys_asked |= 1U << affinity;
	return affinity == AFFINITY_TASK ? task : socket;
}

static __always_inline bool is_exempt(void *context, __u32 service_id)
{
	struct pick_arguments *arguments = context;

	return arguments->exempt_from == service_id;
}

static __always_inline void end_earlier(void *context)
{
	(void)context; /* no socket, so nothing before */
}

SEC("syscall")
int shunt_test_pick(struct pick_arguments *arguments)
{
	struct pick pick = {
		.address = arguments->address,
		.port = arguments->port,
		.protocol = arguments->protocol,
		.ipv4_only = arguments->ipv4_only,
		.asker = arguments->asker,
		.context = arguments,
	};

	arguments->verdict = pick_backend(&pick, key_of, is_exempt, end_earlier);
	arguments->address = pick.address;
	arguments->port = pick.port;
	arguments->service_id = pick.service_id;
	return 0;
}

char _license[] SEC("license") = "GPL";
