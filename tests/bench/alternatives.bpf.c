/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other ways to do what bpf/ does, to be measured beside it: the plain one with kernel hashes, and
 * three mechanisms that follow a connection to its end. Each counts what is active and the bytes.
 * Not a part of the product; they are as short as they can be, which is to their advantage.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>

#include "../tests/bench/alternatives_maps.h"

#define TCP_CLOSE 7
#define ALLOW 1

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ALTERNATIVE_SERVICES);
	__type(key, struct alternative_key);
	__type(value, struct alternative_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ALTERNATIVE_BACKENDS);
	__type(key, __u32);
	__type(value, struct alternative_backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << ALTERNATIVE_LINE_BITS);
	__type(key, __u32);
	__type(value, struct alternative_line);
} lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ALTERNATIVE_SERVICES);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct totals {
	__u64 active, sent, received;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ALTERNATIVE_SERVICES);
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

struct note {
	__u64 cookie;
	__u32 service;
	__u32 backend;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct note);
} cookies SEC(".maps");

#define CELLS 65536

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CELLS);
	__type(key, __u32);
	__type(value, struct note);
} cells SEC(".maps");

/* --- the plain choice: a hash, a random number, an array, a counter --------------------------- */

static __always_inline bool redirect(struct bpf_sock_addr *ctx, struct note *note)
{
	struct alternative_key key = {
		.address = ctx->user_ip4,
		.port = bpf_ntohs((__u16)ctx->user_port),
	};
	const struct alternative_service *service = bpf_map_lookup_elem(&services, &key);
	const struct alternative_backend *backend;
	__u64 *counter;
	__u32 index;

	if (!service || !service->count)
		return false;
	index = service->base + bpf_get_prandom_u32() % service->count;
	backend = bpf_map_lookup_elem(&backends, &index);
	counter = bpf_map_lookup_elem(&counters, &service->id);
	if (!backend || !counter)
		return false;
	++*counter;
	ctx->user_ip4 = backend->address;
	ctx->user_port = bpf_htons((__u16)backend->port);
	note->service = service->id;
	note->backend = index;
	return true;
}

static __always_inline void begin(const struct note *note)
{
	struct totals *t = bpf_map_lookup_elem(&totals, &note->service);

	if (t)
		__sync_fetch_and_add(&t->active, 1);
}

static __always_inline void end(__u32 service, __u64 sent, __u64 received)
{
	struct totals *t = bpf_map_lookup_elem(&totals, &service);

	if (!t)
		return;
	__sync_fetch_and_add(&t->active, -1);
	__sync_fetch_and_add(&t->sent, sent);
	__sync_fetch_and_add(&t->received, received);
}

SEC("cgroup/connect4")
int hash_connect(struct bpf_sock_addr *ctx)
{
	struct note note = { 0 };

	(void)redirect(ctx, &note);
	return ALLOW;
}

/* --- the least: two reads of memory, nothing counted for anybody -------------------------------
 */

SEC("cgroup/connect4")
int least_connect(struct bpf_sock_addr *ctx)
{
	__u32 address = ctx->user_ip4, index = ALTERNATIVE_LINE_OF(address);
	struct alternative_line *line = bpf_map_lookup_elem(&lines, &index);
	const struct alternative_backend *backend;

	if (!line || line->key.address != address || !line->count)
		return ALLOW;
	index = line->base + line->turn++ % line->count;
	backend = bpf_map_lookup_elem(&backends, &index);
	if (!backend)
		return ALLOW;
	ctx->user_ip4 = backend->address;
	ctx->user_port = bpf_htons((__u16)backend->port);
	return ALLOW;
}

/* --- nothing ---------------------------------------------------------------------------------- */

SEC("cgroup/connect4")
int empty_connect(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return ALLOW;
}

SEC("tp_btf/inet_sk_error_report")
int empty_error(__u64 *arguments)
{
	(void)arguments;
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int empty_destroy(__u64 *arguments)
{
	(void)arguments;
	return 0;
}

SEC("sockops")
int empty_sockops(struct bpf_sock_ops *ctx)
{
	(void)ctx;
	return ALLOW;
}

/* --- a note in socket storage, its end by sock_ops -------------------------------------------- */

SEC("cgroup/connect4")
int storage_connect(struct bpf_sock_addr *ctx)
{
	struct note note = { 0 }, *kept;

	if (!redirect(ctx, &note) || !ctx->sk)
		return ALLOW;
	kept = bpf_sk_storage_get(&notes, ctx->sk, &note, BPF_SK_STORAGE_GET_F_CREATE);
	if (kept)
		begin(&note);
	return ALLOW;
}

SEC("sockops")
int storage_sockops(struct bpf_sock_ops *ctx)
{
	const struct note *note;

	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->op != BPF_SOCK_OPS_STATE_CB)
		return ALLOW;
	note = ctx->sk ? bpf_sk_storage_get(&notes, ctx->sk, NULL, 0) : NULL;
	if (!note)
		return ALLOW;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	else if (ctx->args[1] == TCP_CLOSE)
		end(note->service, ctx->bytes_acked, ctx->bytes_received);
	return ALLOW;
}

/* --- a hash of cookies, its end by sock_ops --------------------------------------------------- */

SEC("cgroup/connect4")
int cookie_connect(struct bpf_sock_addr *ctx)
{
	struct note note = { 0 };
	__u64 cookie;

	if (!redirect(ctx, &note))
		return ALLOW;
	cookie = bpf_get_socket_cookie(ctx);
	if (bpf_map_update_elem(&cookies, &cookie, &note, BPF_ANY) == 0)
		begin(&note);
	return ALLOW;
}

SEC("sockops")
int cookie_sockops(struct bpf_sock_ops *ctx)
{
	const struct note *note;
	__u64 cookie;

	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->op != BPF_SOCK_OPS_STATE_CB)
		return ALLOW;
	cookie = bpf_get_socket_cookie(ctx);
	note = bpf_map_lookup_elem(&cookies, &cookie);
	if (!note)
		return ALLOW;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	} else if (ctx->args[1] == TCP_CLOSE) {
		end(note->service, ctx->bytes_acked, ctx->bytes_received);
		bpf_map_delete_elem(&cookies, &cookie);
	}
	return ALLOW;
}

/* --- an array of cookies, its end by the tracepoint of every change of state -------------------
 */

struct sock_common {
	struct {
		__s64 counter;
	} skc_cookie;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u64 bytes_acked, bytes_received;
} __attribute__((preserve_access_index));

SEC("cgroup/connect4")
int array_connect(struct bpf_sock_addr *ctx)
{
	struct note note = { 0 }, *cell;
	__u32 index;

	if (!redirect(ctx, &note))
		return ALLOW;
	note.cookie = bpf_get_socket_cookie(ctx);
	index = (__u32)note.cookie % CELLS;
	cell = bpf_map_lookup_elem(&cells, &index);
	if (!cell)
		return ALLOW;
	*cell = note;
	begin(&note);
	return ALLOW;
}

SEC("tp_btf/inet_sock_set_state")
int array_state(__u64 *arguments)
{
	struct sock *sk = (struct sock *)arguments[0];
	__u64 cookie = (__u64)sk->__sk_common.skc_cookie.counter;
	__u32 index = (__u32)cookie % CELLS;
	const struct tcp_sock *tcp;
	struct note *cell;

	if ((int)arguments[2] != TCP_CLOSE || !cookie)
		return 0;
	cell = bpf_map_lookup_elem(&cells, &index);
	if (!cell || __sync_val_compare_and_swap(&cell->cookie, cookie, 0) != cookie)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp)
		end(cell->service, tcp->bytes_acked, tcp->bytes_received);
	return 0;
}

char _license[] SEC("license") = "GPL";
