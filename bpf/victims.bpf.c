/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells the cookies of sockets with notes in socket storage that are to be reset,
 * of all network namespaces at once: so the agent knows whether there are any, before it enters
 * one, and where the kernel has no bpf_sock_destroy(), whom to look for by netlink.
 */
#include "reset.bpf.h"

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

SEC("iter/bpf_sk_storage_map")
int shunt_victims(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct shunt_sender *sender = ctx->value;
	const struct sock_common *sk = ctx->sk;
	struct shunt_victim victim = { 0 };
	const struct shunt_reset *row;
	struct peer peer;

	if (!sk || !sender)
		return 0;
	peer = peer_of(sk);
	victim.cookie = (__u64)sk->skc_cookie.counter;
	if (!peer.port || sk->skc_state == TCP_CLOSE || !victim.cookie)
		return 0;
	row = sender_reset(sender, &peer, &victim.service_id);
	if (!row)
		return 0;
	victim.reason = row->reason;
	victim.backend = peer.address;
	victim.port = peer.port;
	(void)bpf_seq_write(ctx->meta->seq, &victim, sizeof(victim));
	return 0;
}

char _license[] SEC("license") = "GPL";
