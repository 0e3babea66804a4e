/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells how many sockets have a TCP_USER_TIMEOUT lent by events.bpf.c that is still to be taken
 * back. An attempt that has had its time is not waited for: its end was seen by nobody, because
 * another program on sock_ops has taken off the flag by which we are called.
 */
#include "maps.bpf.h"

#define SLACK_MS 1000 /* the kernel's timer comes a little late */
#define NS_PER_MS 1000000ULL

struct seq_file;

struct bpf_iter_meta {
	__bpf_md_ptr(struct seq_file *, seq);
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_sk_storage_map {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct bpf_map *, map);
	__bpf_md_ptr(struct sock_common *, sk);
	__bpf_md_ptr(void *, value);
} __attribute__((preserve_access_index));

/* Writes an octet for each. */
SEC("iter/bpf_sk_storage_map")
int shunt_lent(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct shunt_attempt *attempt = ctx->value;
	__u8 one = 1;

	if (!attempt || !attempt->given_ms)
		return 0;
	if (bpf_ktime_get_ns() < attempt->begun_ns + (attempt->limit_ms + SLACK_MS) * NS_PER_MS)
		(void)bpf_seq_write(ctx->meta->seq, &one, sizeof(one));
	return 0;
}

char _license[] SEC("license") = "GPL";
