/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How redirected TCP connections end: an error that the socket reports, or its destruction. Both
 * hooks see every socket of the machine; for those that are not ours a look at one cell is all.
 *
 * The two race, in different contexts: whoever takes the track counts.
 */
#include "track.bpf.h"

#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113
#define ENETUNREACH 101
#define SOCK_DONE 1 /* include/net/sock.h: the peer's FIN has come */

/* What we read of the kernel's structures; where the members lie is put right at the load (CO-RE).
 */
struct sock_common {
	__u16 skc_dport;
	struct {
		__s64 counter;
	} skc_cookie;
	unsigned long skc_flags;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	int sk_err;
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u64 bytes_acked; /* SYN and FIN counted in */
	__u64 bytes_sent;  /* payload, retransmissions counted in */
	__u64 bytes_retrans;
	__u64 bytes_received; /* payload, and the peer's FIN */
	__u32 total_retrans;
} __attribute__((preserve_access_index));

static __always_inline void failure_add(const struct shunt_track *track, enum shunt_failure failure)
{
	__u32 service_id = track->service_id;
	struct shunt_failures *failures = bpf_map_lookup_elem(&shunt_failures, &service_id);

	if (failures)
		__sync_fetch_and_add(&failures->count[failure], 1);
}

static __always_inline enum shunt_failure failure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAILURE_REFUSED;
	case ETIMEDOUT:
		return FAILURE_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return FAILURE_UNREACHABLE;
	default:
		return FAILURE_OTHER;
	}
}

static __always_inline void bytes_add(struct shunt_counters *counters, const struct sock *sk,
				      const struct tcp_sock *tcp)
{
	__u64 sent = tcp->bytes_sent - tcp->bytes_retrans;
	__u64 received = tcp->bytes_received - (sk->__sk_common.skc_flags >> SOCK_DONE & 1);

	if (sent)
		__sync_fetch_and_add(&counters->bytes_sent, sent);
	if (received)
		__sync_fetch_and_add(&counters->bytes_received, received);
	if (tcp->total_retrans)
		__sync_fetch_and_add(&counters->retransmits, tcp->total_retrans);
}

/* The end of a track that was ours: `error` is the socket's, 0 when it was closed. */
static __always_inline void track_end(const struct shunt_track *track, struct sock *sk, int error)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct shunt_counters *counters = track_counters(track);

	if (!counters)
		return;
	__sync_fetch_and_add(&counters->active, -1);
	/* wiped: disconnected by the application or by MPTCP above it, or there was no route */
	if (!tcp || !sk->__sk_common.skc_dport)
		return;
	if (tcp->bytes_acked == 0)
		failure_add(track, failure_of(error));
	else if (error == ECONNRESET)
		failure_add(track, FAILURE_RESET);
	bytes_add(counters, sk, tcp);
}

SEC("tp_btf/inet_sk_error_report")
int shunt_error(__u64 *arguments)
{
	struct sock *sk = (struct sock *)arguments[0];
	__u64 cookie = (__u64)sk->__sk_common.skc_cookie.counter;
	struct shunt_track track;
	int error = sk->sk_err;

	/* a refused blocking connect() reports a second time, without an error */
	if (!cookie || !error || !track_take(cookie, &track))
		return 0;
	track_end(&track, sk, error);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int shunt_destroy(__u64 *arguments)
{
	struct sock *sk = (struct sock *)arguments[0];
	__u64 cookie = (__u64)sk->__sk_common.skc_cookie.counter;
	struct shunt_track track;

	if (!cookie || !track_take(cookie, &track))
		return 0;
	track_end(&track, sk, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
