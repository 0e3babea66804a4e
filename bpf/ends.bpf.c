/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How redirected TCP connections end: an error that the socket reports, or its destruction. Both
 * hooks see every socket of the machine; for those that are not ours a look at one cell is all.
 *
 * The two race, in different contexts: whoever takes the track counts.
 */
#include "key.bpf.h"
#include "track.bpf.h"

#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113
#define ENETUNREACH 101
#define SOCK_DONE 1 /* include/net/sock.h: the peer's FIN has come */
#define CGROUP_DEPTH_MAX 32

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

/*
 * How much a connection that failed says against its backend, in quarters of a failure. What the
 * host itself lacks (a route, a port, a permission) says nothing.
 */
static __always_inline __u32 evidence_of(int error, const struct tcp_sock *tcp)
{
	switch (error) {
	case ECONNREFUSED:
	case ETIMEDOUT:
		return EVIDENCE_FULL;
	case EHOSTUNREACH:
		return EVIDENCE_HALF;
	case 0: /* given up by the application */
		return tcp->total_retrans ? EVIDENCE_HALF : EVIDENCE_WEAK;
	default:
		return 0;
	}
}

/* The task is the cgroup of TASK_LEVEL, as in bpf/key.bpf.h; here by the socket: nobody runs. */
static __always_inline __u64 task_of(const struct sock *sk)
{
	const struct cgroup *cgroup = sk->sk_cgrp_data.cgroup;

	for (int i = 0; i < CGROUP_DEPTH_MAX && cgroup->level > TASK_LEVEL; i++)
		cgroup = cgroup->self.parent->cgroup;
	return cgroup->kn->id;
}

static __always_inline void load_end(const struct shunt_track *track, const struct tcp_sock *tcp,
				     __u64 sent, __u64 received)
{
	struct shunt_load *load = load_find(track->backend_id, track->born);

	if (!load)
		return;
	__sync_fetch_and_add(&load->failures, tcp->bytes_acked == 0);
	__sync_fetch_and_add(&load->bytes_sent, sent);
	__sync_fetch_and_add(&load->bytes_received, received);
	__sync_fetch_and_add(&load->retransmits, tcp->total_retrans);
}

static __always_inline void bytes_add(struct shunt_counters *counters,
				      const struct shunt_track *track, const struct sock *sk,
				      const struct tcp_sock *tcp)
{
	__u64 sent = tcp->bytes_sent - tcp->bytes_retrans;
	__u64 received = tcp->bytes_received - (sk->__sk_common.skc_flags >> SOCK_DONE & 1);

	if (track->flags & SHUNT_TRACK_LOAD)
		load_end(track, tcp, sent, received);
	if (sent)
		__sync_fetch_and_add(&counters->bytes_sent, sent);
	if (received)
		__sync_fetch_and_add(&counters->bytes_received, received);
	if (tcp->total_retrans)
		__sync_fetch_and_add(&counters->retransmits, tcp->total_retrans);
}

/* What a connection says of its backend: nothing is asked while all is well. */
static __always_inline void judge(const struct shunt_track *track,
				  const struct shunt_counters *counters, const struct sock *sk,
				  const struct tcp_sock *tcp, int error)
{
	__u32 evidence;

	if (tcp->bytes_acked == 0) {
		evidence = evidence_of(error, tcp);
		if (evidence || track->flags & SHUNT_TRACK_TRIAL)
			health_failed(track, task_of(sk), evidence);
	} else if (error == ECONNRESET) {
		if (track->flags & SHUNT_TRACK_TRIAL)
			health_came_through(track);
		health_failed(track, task_of(sk), EVIDENCE_WEAK);
	} else if (!error && counters->look) {
		health_succeeded(track, task_of(sk));
	}
}

/* The end of a track that was ours: `error` is the socket's, 0 when it was closed. */
static __always_inline void track_end(const struct shunt_track *track, struct sock *sk, int error)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct shunt_counters *counters;

	track_uncount(track, &counters);
	if (!counters)
		return;
	/* wiped: disconnected by the application or by MPTCP above it, or there was no route */
	if (!tcp || !sk->__sk_common.skc_dport) {
		if (track->flags & SHUNT_TRACK_TRIAL)
			health_untried(track->backend_id, track->born, track->cookie);
		return;
	}
	if (tcp->bytes_acked == 0)
		failure_add(track, failure_of(error));
	else if (error == ECONNRESET)
		failure_add(track, FAILURE_RESET);
	bytes_add(counters, track, sk, tcp);
	judge(track, counters, sk, tcp, error);
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
