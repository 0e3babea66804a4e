/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens between the SYN and the end of the handshake, for services that ask for it: it
 * bounds the time, measures it, and tells when a connection is pending no more. Attached only while
 * one asks, because it runs for every TCP socket of the machine, some six times in its life: of
 * others it knows nothing and touches nothing, not even the reply, which may be another program's.
 */
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>

#include "sender.bpf.h"
#include "track.bpf.h"

#define AF_INET 2
#define SECOND_MS 1000
#define TRIES 4 /* SYNs within the time, at most */

static __always_inline struct shunt_attempt *attempt_of(struct bpf_sock_ops *ctx)
{
	return ctx->sk ? bpf_sk_storage_get(&shunt_attempts, ctx->sk, NULL, 0) : NULL;
}

/* An attempt that came to nothing before a SYN leaves its note; the socket may have gone elsewhere.
 */
static __always_inline bool attempt_goes_there(struct bpf_sock_ops *ctx,
					       const struct shunt_attempt *attempt)
{
	const volatile __u32 *remote = ctx->remote_ip6; /* the verifier takes no loads of 64 bits */
	struct shunt_address peer = { { [10] = 0xff, [11] = 0xff } };
	__u32 *words = (__u32 *)peer.octets;

	if (ctx->family == AF_INET) {
		words[3] = ctx->remote_ip4;
	} else {
		words[0] = remote[0];
		words[1] = remote[1];
		words[2] = remote[2];
		words[3] = remote[3];
	}
	return same_address(&peer, &attempt->backend) &&
	       bpf_ntohl(ctx->remote_port) == attempt->port;
}

/* --- TCP_USER_TIMEOUT, lent ------------------------------------------------------------------- */

/* bpf_getsockopt() knows it from Linux 6.0 only. */
static __always_inline bool user_timeout_read(struct bpf_sock_ops *ctx, __u32 *ret_ms)
{
	const struct tcp_sock *tcp = ctx->sk ? bpf_skc_to_tcp_sock(ctx->sk) : NULL;

	if (!tcp)
		return false;
	*ret_ms = tcp->inet_conn.icsk_user_timeout;
	return true;
}

static __always_inline bool user_timeout_set(struct bpf_sock_ops *ctx, __u32 ms)
{
	return bpf_setsockopt(ctx, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)) == 0;
}

/* The application's own stays if it is no longer than ours. */
static __always_inline void attempt_limit(struct bpf_sock_ops *ctx, struct shunt_attempt *attempt)
{
	__u32 own_ms;

	if (!user_timeout_read(ctx, &own_ms) || (own_ms && own_ms <= attempt->limit_ms) ||
	    !user_timeout_set(ctx, attempt->limit_ms))
		return;
	attempt->own_ms = own_ms;
	attempt->given_ms = attempt->limit_ms;
}

/* If it is still ours: the application may have set another meanwhile. */
static __always_inline void attempt_give_back(struct bpf_sock_ops *ctx,
					      struct shunt_attempt *attempt)
{
	__u32 now_ms;

	if (!attempt->given_ms)
		return;
	if (user_timeout_read(ctx, &now_ms) && now_ms == attempt->given_ms)
		(void)user_timeout_set(ctx, attempt->own_ms);
	attempt->given_ms = 0;
}

/*
 * The kernel looks at TCP_USER_TIMEOUT when a SYN is due again, and never before the second is
 * sent: after a second, unless told otherwise.
 */
static __always_inline void attempt_pace(struct bpf_sock_ops *ctx)
{
	const struct shunt_attempt *attempt = attempt_of(ctx);
	__u32 first_ms;

	if (!attempt || !attempt->begun_ns || !attempt->limit_ms)
		return;
	first_ms = attempt->limit_ms / TRIES;
	if (first_ms < SECOND_MS)
		ctx->reply = first_ms * settings.hz / SECOND_MS + 1;
}

/* --- timing ----------------------------------------------------------------------------------- */

/* Unrolled, so that the bounds are in the instructions and not in a map. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	const __u64 bounds_us[] = { SHUNT_TIMING_BOUNDS };
	__u32 bucket = 0;

	_Static_assert(sizeof(bounds_us) / sizeof(bounds_us[0]) == SHUNT_TIMING_BUCKETS - 1, "");
#pragma clang loop unroll(full)
	for (int i = 0; i < SHUNT_TIMING_BUCKETS - 1; i++)
		bucket += ns > bounds_us[i] * 1000;
	return bucket;
}

static __always_inline void attempt_time(const struct shunt_attempt *attempt)
{
	__u32 service_id = attempt->service_id, bucket;
	const struct shunt_policy *policy = bpf_map_lookup_elem(&shunt_policies, &service_id);
	struct shunt_timing *timing = bpf_map_lookup_elem(&shunt_timings, &service_id);
	__u64 ns = bpf_ktime_get_ns() - attempt->begun_ns;

	if (!attempt->begun_ns || !policy || !policy->rules.connect_timing || !timing ||
	    !service_is(service_id, attempt->generation))
		return;
	bucket = bucket_of(ns);
	if (bucket >= SHUNT_TIMING_BUCKETS)
		return;
	__sync_fetch_and_add(&timing->count[bucket], 1);
	__sync_fetch_and_add(&timing->sum_ns, ns);
}

/* --- an attempt's life ------------------------------------------------------------------------ */

/* Whether it fails, the socket's state tells; others may want to be told of that, too. */
static __always_inline void attempt_listen(struct bpf_sock_ops *ctx, struct shunt_attempt *attempt)
{
	__u32 flags = ctx->bpf_sock_ops_cb_flags;

	if (flags & BPF_SOCK_OPS_STATE_CB_FLAG)
		return;
	(void)bpf_sock_ops_cb_flags_set(ctx, (int)(flags | BPF_SOCK_OPS_STATE_CB_FLAG));
	attempt->flags |= SHUNT_ATTEMPT_CALLS;
}

static __always_inline void attempt_forget(struct bpf_sock_ops *ctx,
					   const struct shunt_attempt *attempt)
{
	__u32 flags = ctx->bpf_sock_ops_cb_flags;

	if (attempt->flags & SHUNT_ATTEMPT_CALLS)
		(void)bpf_sock_ops_cb_flags_set(ctx, (int)(flags & ~BPF_SOCK_OPS_STATE_CB_FLAG));
	if (ctx->sk)
		(void)bpf_sk_storage_delete(&shunt_attempts, ctx->sk);
}

static __always_inline void attempt_begin(struct bpf_sock_ops *ctx)
{
	struct shunt_attempt *attempt = attempt_of(ctx);
	const struct shunt_policy *policy;
	__u32 service_id;

	if (!attempt)
		return;
	attempt_give_back(ctx, attempt); /* of an attempt before, whose end was not seen */
	service_id = attempt->service_id;
	policy = bpf_map_lookup_elem(&shunt_policies, &service_id);
	if (!policy || !attempt_goes_there(ctx, attempt)) {
		attempt_forget(ctx, attempt);
		return;
	}
	attempt->begun_ns = bpf_ktime_get_ns();
	attempt->limit_ms = policy->rules.connect_timeout_ms;
	attempt_listen(ctx, attempt);
	if (attempt->limit_ms)
		attempt_limit(ctx, attempt);
}

static __always_inline void attempt_end(struct bpf_sock_ops *ctx, bool established)
{
	struct shunt_attempt *attempt = attempt_of(ctx);

	if (!attempt)
		return;
	attempt_give_back(ctx, attempt);
	if (established) {
		attempt_time(attempt);
		track_established(bpf_get_socket_cookie(ctx));
	}
	attempt_forget(ctx, attempt);
}

SEC("sockops")
int shunt_events(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		attempt_begin(ctx);
		break;
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		attempt_pace(ctx);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		attempt_end(ctx, true);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == BPF_TCP_CLOSE)
			attempt_end(ctx, false);
		else if (ctx->args[0] == BPF_TCP_SYN_RECV && ctx->args[1] == BPF_TCP_ESTABLISHED)
			attempt_end(ctx, true); /* both ends sent a SYN */
		break;
	default:
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
