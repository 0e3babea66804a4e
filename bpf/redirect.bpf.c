/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks of connect(), sendmsg(), recvmsg() and getpeername(): the only file that knows struct
 * bpf_sock_addr. It takes the destination out of the context, has bpf/pick.bpf.h decide, and turns
 * the verdict into an address or an errno.
 */
#include "exclude.bpf.h"
#include "key.bpf.h"
#include "pick.bpf.h"
#include "sender.bpf.h"
#include "track.bpf.h"

#define ECONNREFUSED 111

enum answer {
	ANSWER_DENY = 0,
	ANSWER_ALLOW = 1,
};

static __always_inline void set_destination4(struct bpf_sock_addr *ctx,
					     const struct shunt_address *to, __u16 port)
{
	ctx->user_ip4 = ((const __u32 *)to->octets)[3];
	ctx->user_port = bpf_htons(port);
}

static __always_inline void set_destination6(struct bpf_sock_addr *ctx,
					     const struct shunt_address *to, __u16 port)
{
	const __u32 *words = (const __u32 *)to->octets;

	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = bpf_htons(port);
}

static __always_inline struct shunt_address destination4(const struct bpf_sock_addr *ctx)
{
	struct shunt_address to = { { [10] = 0xff, [11] = 0xff } };

	((__u32 *)to.octets)[3] = ctx->user_ip4;
	return to;
}

static __always_inline struct shunt_address destination6(const struct bpf_sock_addr *ctx)
{
	struct shunt_address to;
	__u32 *words = (__u32 *)to.octets;

	words[0] = ctx->user_ip6[0];
	words[1] = ctx->user_ip6[1];
	words[2] = ctx->user_ip6[2];
	words[3] = ctx->user_ip6[3];
	return to;
}

static __always_inline bool is_tcp_or_udp(const struct bpf_sock_addr *ctx)
{
	return ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_UDP;
}

static __always_inline struct pick pick_of(struct bpf_sock_addr *ctx,
					   const struct shunt_address *asked, enum asker asker)
{
	return (struct pick){
		.address = *asked,
		.port = bpf_ntohs((__u16)ctx->user_port),
		.protocol = (__u8)ctx->protocol,
		.asker = asker,
		.context = ctx,
	};
}

/* The agent's own sockets, which say so by their priority, and tasks in excluded cgroups. */
static __always_inline bool is_exempt(void *context, __u32 service_id)
{
	const struct bpf_sock_addr *ctx = context;

	if (ctx->sk && ctx->sk->priority == SHUNT_OWN_PRIORITY)
		return true;
	return task_is_excluded(service_id);
}

static __always_inline void end_earlier(void *context)
{
	if (WITH_TRACKS)
		(void)track_end_earlier(bpf_get_socket_cookie(context));
}

/* --- remembering where a socket was going ----------------------------------------------------- */

static __always_inline struct shunt_sender *sender_of(struct bpf_sock_addr *ctx, __u64 flags)
{
	return ctx->sk ? bpf_sk_storage_get(&shunt_senders, ctx->sk, NULL, flags) : NULL;
}

/* For events.bpf.c, which is attached while there are such services. */
static __always_inline void note_attempt(struct bpf_sock_addr *ctx, const struct pick *pick)
{
	struct shunt_attempt *attempt = NULL;

	if (ctx->sk)
		attempt = bpf_sk_storage_get(&shunt_attempts, ctx->sk, NULL,
					     BPF_SK_STORAGE_GET_F_CREATE);
	if (attempt)
		*attempt = (struct shunt_attempt){
			.service_id = pick->service_id,
			.generation = pick->generation,
			.backend = pick->address,
			.port = pick->port,
			/* lent for an attempt before, whose end was not seen */
			.given_ms = attempt->given_ms,
			.own_ms = attempt->own_ms,
		};
}

/* Without room to remember it the connection goes on all the same. */
static __always_inline void remember(struct bpf_sock_addr *ctx, const struct shunt_address *asked,
				     __u16 port, const struct pick *pick)
{
	struct shunt_counters *counters;
	struct shunt_sender *sender;
	struct shunt_note note;
	__u64 cookie;
	bool begun;

	if (ctx->protocol == IPPROTO_TCP && pick->head_flags & SHUNT_HEAD_EVENTS)
		note_attempt(ctx, pick);
	if (!WITH_TRACKS || ctx->protocol != IPPROTO_TCP) {
		sender = sender_of(ctx, BPF_SK_STORAGE_GET_F_CREATE);
		if (!sender)
			return;
		if (!sender->sent) /* victims.bpf.c knows the socket by it */
			(void)bpf_get_socket_cookie(ctx);
		sender_note(sender, sender_find(sender, asked, port), asked, port, pick);
		return;
	}
	cookie = bpf_get_socket_cookie(ctx);
	track_end_earlier(cookie);
	note = note_of(asked, port, pick);
	begun = track_begin(cookie, pick, &note);
	if (pick->flags & SHUNT_TRACK_TRIAL)
		health_tried_by(pick->backend_id, pick->born, begun ? cookie : 0,
				(__u64)bpf_skc_to_tcp_sock(ctx->sk));
	if (!begun) {
		counted_undo(pick->service_id, pick->backend_id, pick->born, pick->flags);
		return;
	}
	counters = counters_of(pick->service_id);
	if (counters)
		__sync_fetch_and_add(&counters->active, 1);
}

/* --- connect() -------------------------------------------------------------------------------- */

/* ECONNREFUSED by name where the kernel can; else from port 0 of loopback, where nobody listens. */
static __always_inline enum answer refuse4(struct bpf_sock_addr *ctx)
{
	if (settings.has_set_retval) {
		bpf_set_retval(-ECONNREFUSED);
		return ANSWER_DENY;
	}
	ctx->user_ip4 = bpf_htonl(INADDR_LOOPBACK);
	ctx->user_port = 0;
	return ANSWER_ALLOW;
}

static __always_inline enum answer refuse6(struct bpf_sock_addr *ctx, bool mapped)
{
	if (settings.has_set_retval) {
		bpf_set_retval(-ECONNREFUSED);
		return ANSWER_DENY;
	}
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = mapped ? bpf_htonl(0xffff) : 0;
	ctx->user_ip6[3] = mapped ? bpf_htonl(INADDR_LOOPBACK) : bpf_htonl(1);
	ctx->user_port = 0;
	return ANSWER_ALLOW;
}

SEC("cgroup/connect4")
int shunt_connect4(struct bpf_sock_addr *ctx)
{
	struct shunt_address asked;
	struct pick pick;
	__u16 port;

	if (!pick_may_be_ours4(bpf_ntohs((__u16)ctx->user_ip4)) || !is_tcp_or_udp(ctx))
		return ANSWER_ALLOW;
	asked = destination4(ctx);
	port = bpf_ntohs((__u16)ctx->user_port);
	pick = pick_of(ctx, &asked, ASKER_CONNECT);
	pick.ipv4_only = true;
	switch (pick_backend(&pick, key_of, is_exempt, end_earlier)) {
	case VERDICT_REDIRECTED:
		set_destination4(ctx, &pick.address, pick.port);
		remember(ctx, &asked, port, &pick);
		return ANSWER_ALLOW;
	case VERDICT_LIMITED:
	case VERDICT_REFUSED:
		return refuse4(ctx);
	case VERDICT_PASSED:
	case VERDICT_NOT_OURS:
	default:
		return ANSWER_ALLOW;
	}
}

SEC("cgroup/connect6")
int shunt_connect6(struct bpf_sock_addr *ctx)
{
	struct shunt_address asked = destination6(ctx);
	const __u16 *halves = (const __u16 *)asked.octets;
	bool mapped = address_is_ipv4(&asked);
	struct pick pick;
	__u16 port;

	if (!(mapped ? pick_may_be_ours4(bpf_ntohs(halves[6]))
		     : pick_may_be_ours6(bpf_ntohs(halves[0]))) ||
	    !is_tcp_or_udp(ctx))
		return ANSWER_ALLOW;
	port = bpf_ntohs((__u16)ctx->user_port);
	pick = pick_of(ctx, &asked, ASKER_CONNECT);
	switch (pick_backend(&pick, key_of, is_exempt, end_earlier)) {
	case VERDICT_REDIRECTED:
		set_destination6(ctx, &pick.address, pick.port);
		remember(ctx, &asked, port, &pick);
		return ANSWER_ALLOW;
	case VERDICT_LIMITED:
	case VERDICT_REFUSED:
		return refuse6(ctx, mapped);
	case VERDICT_PASSED:
	case VERDICT_NOT_OURS:
	default:
		return ANSWER_ALLOW;
	}
}

/* --- datagrams of sockets that are not connected ---------------------------------------------- */

static __always_inline enum verdict send_pick(struct bpf_sock_addr *ctx,
					      const struct shunt_address *asked, bool ipv4_only,
					      struct pick *pick)
{
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct shunt_sender *sender = sender_of(ctx, 0);
	struct shunt_sent *old = sender_find(sender, asked, port);
	enum verdict verdict;

	*pick = pick_of(ctx, asked, old ? ASKER_SEND_AGAIN : ASKER_SEND);
	pick->ipv4_only = ipv4_only;
	verdict = pick_backend(pick, key_of, is_exempt, end_earlier);
	if (verdict != VERDICT_REDIRECTED)
		return verdict;
	if (!sender)
		sender = sender_of(ctx, BPF_SK_STORAGE_GET_F_CREATE);
	if (sender)
		sender_note(sender, old, asked, port, pick);
	return verdict;
}

/* Before Linux 5.18 sendmsg() fails with EPERM: there is no port that refuses a datagram. */
static __always_inline enum answer refuse_datagram(void)
{
	if (settings.has_set_retval)
		bpf_set_retval(-ECONNREFUSED);
	return ANSWER_DENY;
}

SEC("cgroup/sendmsg4")
int shunt_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct shunt_address asked;
	struct pick pick;

	if (!pick_may_be_ours4(bpf_ntohs((__u16)ctx->user_ip4)))
		return ANSWER_ALLOW;
	asked = destination4(ctx);
	switch (send_pick(ctx, &asked, true, &pick)) {
	case VERDICT_REDIRECTED:
		set_destination4(ctx, &pick.address, pick.port);
		return ANSWER_ALLOW;
	case VERDICT_LIMITED:
	case VERDICT_REFUSED:
		return refuse_datagram();
	case VERDICT_PASSED:
	case VERDICT_NOT_OURS:
	default:
		return ANSWER_ALLOW;
	}
}

/* A datagram to ::ffff:a.b.c.d is sent by IPv4's sendmsg(), which runs sendmsg4. */
SEC("cgroup/sendmsg6")
int shunt_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct shunt_address asked = destination6(ctx);
	const __u16 *halves = (const __u16 *)asked.octets;
	struct pick pick;

	if (!pick_may_be_ours6(bpf_ntohs(halves[0])))
		return ANSWER_ALLOW;
	switch (send_pick(ctx, &asked, false, &pick)) {
	case VERDICT_REDIRECTED:
		set_destination6(ctx, &pick.address, pick.port);
		return ANSWER_ALLOW;
	case VERDICT_LIMITED:
	case VERDICT_REFUSED:
		return refuse_datagram();
	case VERDICT_PASSED:
	case VERDICT_NOT_OURS:
	default:
		return ANSWER_ALLOW;
	}
}

/* --- what the application is told of its peer ------------------------------------------------- */

/*
 * The note that tells of this peer, or NULL. A socket that has since been connected elsewhere keeps
 * an old note, which does not.
 */
static __always_inline const struct shunt_note *note_find(struct bpf_sock_addr *ctx,
							  const struct shunt_address *peer)
{
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	const struct shunt_track *track;

	if (WITH_TRACKS && ctx->protocol == IPPROTO_TCP) {
		track = track_find(bpf_get_socket_cookie(ctx));
		return track && note_is_of(&track->note, peer, port) ? &track->note : NULL;
	}
	return sender_answered(sender_of(ctx, 0), peer, port);
}

/* A peer, or the source of a datagram, is called by the address that the application asked for. */
static __always_inline enum answer call_by_name4(struct bpf_sock_addr *ctx)
{
	struct shunt_address peer = destination4(ctx);
	const struct shunt_note *note = note_find(ctx, &peer);

	if (note)
		set_destination4(ctx, &note->address, note->port);
	return ANSWER_ALLOW;
}

static __always_inline enum answer call_by_name6(struct bpf_sock_addr *ctx)
{
	struct shunt_address peer = destination6(ctx);
	const struct shunt_note *note = note_find(ctx, &peer);

	if (note)
		set_destination6(ctx, &note->address, note->port);
	return ANSWER_ALLOW;
}

SEC("cgroup/getpeername4")
int shunt_getpeer4(struct bpf_sock_addr *ctx)
{
	return call_by_name4(ctx);
}

SEC("cgroup/getpeername6")
int shunt_getpeer6(struct bpf_sock_addr *ctx)
{
	return call_by_name6(ctx);
}

SEC("cgroup/recvmsg4")
int shunt_recvmsg4(struct bpf_sock_addr *ctx)
{
	return call_by_name4(ctx);
}

SEC("cgroup/recvmsg6")
int shunt_recvmsg6(struct bpf_sock_addr *ctx)
{
	return call_by_name6(ctx);
}

char _license[] SEC("license") = "GPL";
