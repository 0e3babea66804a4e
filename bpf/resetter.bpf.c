/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resets the connections that are to be (bpf/reset.bpf.h), by iterators over the sockets of
 * one network namespace: that of the task that made the iterator. An object of its own, because
 * kernels before 6.5 lack bpf_sock_destroy(), and then take nothing of it.
 */
#include "reset.bpf.h"

struct udp_sock;
struct seq_file;

struct bpf_iter_meta {
	__bpf_md_ptr(struct seq_file *, seq);
} __attribute__((preserve_access_index));

struct bpf_iter__tcp {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct sock_common *, sk_common);
	__u32 uid __attribute__((aligned(8)));
} __attribute__((preserve_access_index));

struct bpf_iter__udp {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct udp_sock *, udp_sk);
	__u32 uid __attribute__((aligned(8)));
	int bucket __attribute__((aligned(8)));
} __attribute__((preserve_access_index));

extern int bpf_sock_destroy(struct sock_common *sk) __ksym;

/* Writes an octet for each that is destroyed. */
static __always_inline void destroy(struct bpf_iter_meta *meta, struct sock_common *sk,
				    __u32 service_id, const struct shunt_reset *row)
{
	__u8 one = 1;
	struct shunt_policy *policy = bpf_map_lookup_elem(&shunt_policies, &service_id);
	enum shunt_reset_reason reason = row->reason;

	if (bpf_sock_destroy(sk))
		return;
	(void)bpf_seq_write(meta->seq, &one, sizeof(one));
	if (policy && reason < RESETS)
		__sync_fetch_and_add(&policy->resets[reason], 1);
}

SEC("iter/tcp")
int shunt_end_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	const struct shunt_reset *row;
	struct origin origin;
	struct peer peer;

	if (!sk || sk->skc_state == TCP_LISTEN || sk->skc_state == TCP_TIME_WAIT ||
	    sk->skc_state == TCP_NEW_SYN_RECV || sk->skc_state == TCP_CLOSE)
		return 0;
	peer = peer_of(sk);
	if (!peer.port || !track_origin(sk, &peer, &origin))
		return 0;
	row = reset_find(&origin, &peer);
	if (row)
		destroy(ctx->meta, sk, origin.service_id, row);
	return 0;
}

SEC("iter/udp")
int shunt_end_udp(struct bpf_iter__udp *ctx)
{
	struct sock_common *sk = (struct sock_common *)ctx->udp_sk;
	const struct shunt_sender *sender;
	const struct shunt_reset *row;
	__u32 service_id = 0;
	struct peer peer;

	if (!sk || sk->skc_state != TCP_ESTABLISHED)
		return 0;
	peer = peer_of(sk);
	sender = peer.port ? bpf_sk_storage_get(&shunt_senders, sk, NULL, 0) : NULL;
	row = sender ? sender_reset(sender, &peer, &service_id) : NULL;
	if (row)
		destroy(ctx->meta, sk, service_id, row);
	return 0;
}

char _license[] SEC("license") = "GPL";
