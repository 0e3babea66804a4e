/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we read of the kernel's structures; where the members lie is put right at the load (CO-RE).
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* include/net/tcp_states.h; a connected UDP socket is ESTABLISHED, too */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

struct kernfs_node {
	__u64 id;
} __attribute__((preserve_access_index));

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} __attribute__((preserve_access_index));

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));

struct sock_cgroup_data {
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

struct in6_addr {
	__u8 in6_u[16];
} __attribute__((preserve_access_index));

struct sock_common {
	__u32 skc_daddr;
	__u16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct {
		__s64 counter;
	} skc_cookie;
	unsigned long skc_flags;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	struct {
		int owned;
	} sk_lock; /* by a system call */
	int sk_err;
	struct sock_cgroup_data sk_cgrp_data;
} __attribute__((preserve_access_index));

struct inet_connection_sock {
	__u32 icsk_user_timeout;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_acked; /* SYN and FIN counted in */
	__u64 bytes_sent;  /* payload, retransmissions counted in */
	__u64 bytes_retrans;
	__u64 bytes_received; /* payload, and the peer's FIN */
	__u32 total_retrans;
} __attribute__((preserve_access_index));

enum socket_stage {
	SOCKET_GONE, /* or nobody knows */
	SOCKET_CONNECTING,
	SOCKET_ESTABLISHED,
};

/*
 * How far the socket with that cookie has come, by where the kernel kept it when it was seen last.
 * The memory may be another's by now, or nobody's: the cookie tells.
 */
static __always_inline enum socket_stage socket_stage(__u64 address, __u64 cookie)
{
	const struct sock *sk = (const void *)address;
	unsigned char state = 0;
	__s64 found = 0;
	int owned = 0;

	if (bpf_core_read(&found, sizeof(found), &sk->__sk_common.skc_cookie.counter) ||
	    bpf_core_read(&owned, sizeof(owned), &sk->sk_lock.owned) ||
	    bpf_core_read(&state, sizeof(state), &sk->__sk_common.skc_state) ||
	    (__u64)found != cookie)
		return SOCKET_GONE;
	if (state == TCP_CLOSE) /* in connect(), from our hook to the SYN */
		return owned ? SOCKET_CONNECTING : SOCKET_GONE;
	return state == TCP_SYN_SENT ? SOCKET_CONNECTING : SOCKET_ESTABLISHED;
}
