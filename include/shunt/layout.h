/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the kernel programs and the agent share: keys, values, enums and limits of the pinned maps.
 *
 * Anything that changes the meaning of a byte here raises SHUNT_LAYOUT_VERSION: the pins of another
 * version are refused, with both numbers, never reinterpreted.
 *
 * Addresses are 16 octets in network order, IPv4 as ::ffff:a.b.c.d, so one key serves both
 * families. Ports are in host order.
 */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define SHUNT_LAYOUT_VERSION 10

/* Capacities: max_entries of the maps when they are made. Taken-over maps keep the size they have.
 */
#define SHUNT_SERVICES_MAX 16384
#define SHUNT_FRONTS_MAX (2 * SHUNT_SERVICES_MAX)
#define SHUNT_BACKENDS_MAX 131072
#define SHUNT_SLOTS_MAX (4 * SHUNT_BACKENDS_MAX)
#define SHUNT_ADDRS6_MAX SHUNT_BACKENDS_MAX
#define SHUNT_NAME_MAX 256 /* a DNS name and its NUL, RFC 1035 section 2.3.4 */
#define SHUNT_ZONE_MAX 32
#define SHUNT_BACKEND_SERVICE_MAX 64

#define SHUNT_EXCLUDED_MAX 65536
#define SHUNT_EXCLUDED_LEVELS 16 /* a cgroup deeper than 15 below the root cannot be excluded */
#define SHUNT_CGROUP_MAX 256

/* For the values of an address's first 16 bits (network order read as a number). */
#define SHUNT_PREFIX_WORDS (65536 / 64)

enum shunt_protocol {
	PROTOCOL_ANY = 0,
	PROTOCOL_TCP = 6,  /* IPPROTO_TCP */
	PROTOCOL_UDP = 17, /* IPPROTO_UDP */
};

enum shunt_state {
	STATE_UNSET = 0,
	STATE_HEALTHY = 1,
	STATE_UNHEALTHY = 2,
	STATE_DRAINING = 3,
	STATE_EJECTED = 4,
};

/* Why connections to a backend are reset. */
enum shunt_reset_reason {
	RESET_REMOVED,
	RESET_UNHEALTHY,
	RESETS,
};

enum shunt_on_empty {
	ON_EMPTY_REFUSE = 0,
	ON_EMPTY_PASS = 1,
};

/* How a program picks one of a run's slots. */
enum shunt_balance {
	BALANCE_ROUND_ROBIN = 0,
	BALANCE_RANDOM = 1,
	BALANCE_MAGLEV_TASK = 2,       /* the slots are a Maglev table, the task is the key */
	BALANCE_MAGLEV_SOCKET = 3,     /* and the socket is */
	BALANCE_LEAST_CONNECTIONS = 4, /* of two by lot the one with fewer */
};

enum shunt_family {
	FAMILY_NONE = 0,
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

struct shunt_address {
	__u8 octets[16];
};

/*
 * shunt_prefixes: one entry, which a program looks at first. While `spills` or an `excluded` word
 * is 0, nobody looks into the hash that it tells of.
 */
struct shunt_prefixes {
	__u64 ipv4[SHUNT_PREFIX_WORDS]; /* a bit for each value of an address's first 16 bits */
	__u64 ipv6[SHUNT_PREFIX_WORDS];
	__u64 spills;	     /* entries of shunt_spills */
	__u64 news;	     /* changes of health, for the agent to notice */
	__u32 excluded_all;  /* a bit for each level that has cgroups excluded from all services */
	__u32 excluded_some; /* and for each that has some excluded from single services */
};

/*
 * A logical address leads to the id of its service by two maps. shunt_buckets, 64 octets each,
 * holds the IPv4 ones: a cache line and no helper on the way. shunt_front, a kernel hash, holds the
 * IPv6 ones, and the IPv4 ones that found their bucket full. Port 0 stands for any port.
 */
struct shunt_front_key {
	struct shunt_address address;
	__u16 port;
	__u8 protocol; /* PROTOCOL_TCP or PROTOCOL_UDP, never ANY */
	__u8 pad;
};

struct shunt_front {
	__u32 service_id;
};

#define SHUNT_BUCKET_BITS 14
#define SHUNT_BUCKETS (1U << SHUNT_BUCKET_BITS)
#define SHUNT_BUCKET_WAYS 4

/* The key is stored last and taken away first; a service_id of 0 is none, whatever the key. */
struct shunt_way {
	__u64 key; /* SHUNT_WAY_KEY; 0: free */
	__u32 service_id;
	__u32 spilled; /* in way 0: how many keys of this bucket are in shunt_front */
};

struct shunt_bucket {
	struct shunt_way ways[SHUNT_BUCKET_WAYS];
};

/* `address` is the IPv4 address as it lies in memory, in network order. */
#define SHUNT_WAY_KEY(address, port, protocol) \
	(((__u64)(address) << 32) | ((__u64)(port) << 16) | ((__u64)(protocol) << 8) | 1)
/* Fibonacci hashing: the high bits of a product with 2^64 / phi (Knuth, TAOCP 3, 6.4). */
#define SHUNT_BUCKET_OF(key) ((__u32)(((key)*0x9e3779b97f4a7c15ULL) >> (64 - SHUNT_BUCKET_BITS)))

/*
 * shunt_runs: by service id, the run of slots in force. The whole of it is one 64-bit word, written
 * by one store, so a reader has the old run or the new one (invariant I1). 0: no such service.
 *
 *	bits 63..32	base: index of the run's head in shunt_slots; its slots follow the head
 *	bits 31..16	number of IPv4 slots
 *	bits 15..0	number of IPv6 slots, after the IPv4 ones
 */
typedef __u64 shunt_run;

#define SHUNT_RUN(base, count4, count6) \
	(((__u64)(base) << 32) | ((__u64)(count4) << 16) | (__u64)(count6))
#define SHUNT_RUN_BASE(run) ((__u32)((run) >> 32))
#define SHUNT_RUN_COUNT4(run) ((__u32)((run) >> 16) & 0xffff)
#define SHUNT_RUN_COUNT6(run) ((__u32)(run)&0xffff)
#define SHUNT_RUN_SLOTS_MAX 65535 /* of one family */

/* shunt_slots[base]: what a pick depends on besides the slots, published with them. */
struct shunt_head {
	__u8 on_empty;	  /* enum shunt_on_empty */
	__u8 protocol;	  /* enum shunt_protocol, as configured */
	__u8 balance;	  /* enum shunt_balance */
	__u8 flags;	  /* SHUNT_HEAD_... */
	__u32 generation; /* of the service id: tells a service from one that had the id before */
	__u32 revision;	  /* of the run; higher than any number given before */
	__u32 pad;
};

#define SHUNT_HEAD_LOADS 1  /* active connections are counted by backend, in shunt_loads */
#define SHUNT_HEAD_LIMITS 2 /* shunt_policies has limits */
#define SHUNT_HEAD_EVENTS 4 /* its connects are noted in shunt_attempts */
#define SHUNT_HEAD_CARE (SHUNT_HEAD_LOADS | SHUNT_HEAD_LIMITS)

/*
 * shunt_slots[base + 1 ...]: a backend inline. Port 0 keeps the port that the client asked for. A
 * run is written where nobody reads and then not changed, so a slot need not be read at once.
 */
struct shunt_slot {
	__u32 address; /* IPv4 in network order; for an IPv6 slot its index in shunt_addrs6 */
	__u16 port;    /* host order */
	__u16 flags;   /* 0 */
	__u32 backend_id;
	__u32 born; /* tells a backend from one that had the id before */
};

union shunt_cell {
	struct shunt_head head;
	struct shunt_slot slot;
	__u64 words[2];
};

/*
 * shunt_policies: by service id. The rules are the agent's, written before the run that needs them;
 * the rest is counted by the programs, all CPUs in one place, because limits have to be exact.
 * Reached only when the head says so, or when something has failed.
 */
struct shunt_rules {
	__u32 backends;		 /* that have a share */
	__u32 ejection_failures; /* so many within the next eject a backend; 0: never */
	__u32 ejection_within_ms;
	__u32 ejection_base_ms, ejection_max_ms; /* for how long */
	__u8 ejection_max_percent;		 /* of the service's backends, though always one */
	__u8 panic_percent;  /* with fewer than this in service nobody is avoided */
	__u8 connect_timing; /* 1: connects are timed */
	__u8 pad;
	__u32 connections_max; /* limits; 0: none */
	__u32 backend_connections_max;
	__u32 pending_max;
	__u32 connect_timeout_ms; /* 0: none */
	__u32 pad2[5];
};

struct shunt_policy {
	struct shunt_rules rules;
	__s32 active;  /* connections that began while connections_max was set */
	__s32 pending; /* of these, not established yet */
	__u32 ejected; /* of rules.backends, now */
	__u32 pad;
	__u64 ejections;
	__u64 limited;	      /* connects */
	__u64 resets[RESETS]; /* connections destroyed */
	__u64 pad2[2];
};

/*
 * Failures of a backend and connections that were established since the first of them, in a window
 * of ejection_within_ms. Times in milliseconds are of CLOCK_MONOTONIC, cut to 32 bits.
 */
struct shunt_window {
	__u32 since_ms;
	__u32 since_jiffies; /* their low bits; what began before says nothing */
	__u32 failures;	     /* in quarters: weak evidence counts less (bpf/health.bpf.h) */
	__u32 successes;
};

/* shunt_health: by backend id, what the programs have found out and go by. */
struct shunt_health {
	__u32 born;	   /* of the backend that this is of */
	__u32 ejections;   /* in a row, for the back-off */
	__u64 eject_until; /* nanoseconds of CLOCK_MONOTONIC; 0: not ejected */
	struct shunt_window window;
	__u64 accuser;	    /* the first task that it failed in this window */
	__u32 accused_ms;   /* when a task last ejected it for itself; 0: none has */
	__u32 returned_ms;  /* when its last ejection ended */
	__u64 trial;	    /* cookie of the connection that tries it again; 0: none */
	__u64 trial_socket; /* where the kernel keeps that */
};

/* shunt_loads: by backend id, where the head asks for it; all CPUs in one place. */
struct shunt_load {
	__u32 born;
	__s32 active;
	__u64 redirected;
	__u64 failures;
	__u64 bytes_sent, bytes_received;
	__u64 retransmits;
	__u64 pad[2]; /* a cache line */
};

/* shunt_accusations: what one task has found out about a backend that others may well reach. */
struct shunt_accusation_key {
	__u64 task; /* id of its cgroup */
	__u32 backend_id;
	__u32 born;
};

struct shunt_accusation {
	__u64 eject_until;
	struct shunt_window window;
	__u32 ejections; /* in a row */
	__u32 pad;
};

#define SHUNT_ACCUSATIONS_MAX 16384

/* What failures have led to; the agent takes it back when all is well again. */
#define SHUNT_LOOK_SUSPECT 1 /* a backend has failed: successes count, too */
#define SHUNT_LOOK_AVOID 2   /* a backend is ejected, for all or for a task */

/*
 * shunt_counters: [cpu * capacity of shunt_runs + service id]; sum over the CPUs. A connection that
 * ends on another CPU than it began on makes `active` of either wrong and their sum right.
 */
struct shunt_counters {
	__u64 redirected; /* also the round-robin cursor of its CPU */
	__u64 no_backend;
	__s64 active;
	__u64 bytes_sent, bytes_received; /* of TCP connections that have ended */
	__u64 retransmits;
	__u64 look; /* SHUNT_LOOK_...: 0, and nobody asks for the health of backends */
	__u64 pad;  /* a cache line */
};

/* shunt_failures: [service id][enum shunt_failure]. */
enum shunt_failure {
	FAILURE_REFUSED,
	FAILURE_TIMEOUT,
	FAILURE_UNREACHABLE,
	FAILURE_RESET, /* by the peer, after it was established */
	FAILURE_OTHER, /* given up before it was established, and what has no word of its own */
	FAILURES,
};

struct shunt_failures {
	__u64 count[FAILURES];
};

/*
 * shunt_timings: [service id], how long connects took, from the SYN until they were established, of
 * services that ask for it. A bucket holds what took no longer than its bound, in microseconds, and
 * longer than the bound before; the last one holds what took longer than all bounds.
 */
#define SHUNT_TIMING_BOUNDS                                                                 \
	100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000, 25000, 50000, 100000, \
		250000, 500000, 1000000, 2500000, 10000000
#define SHUNT_TIMING_BUCKETS 20

struct shunt_timing {
	__u64 count[SHUNT_TIMING_BUCKETS];
	__u64 sum_ns;
	__u64 pad[3]; /* cache lines */
};

/*
 * shunt_services, shunt_backends: live entries only, for people, for shuntctl and for the agent
 * that takes over. The programs do not read them.
 */
struct shunt_service_key {
	char name[SHUNT_NAME_MAX];
};

struct shunt_service {
	__u32 id;
	enum shunt_protocol protocol;
	enum shunt_family family; /* of the address in force; tells which of the two below is set */
	__u8 ipv4[4];
	__u8 ipv6[16];
	__u32 port; /* 0: any port */
	enum shunt_on_empty on_empty;
	enum shunt_balance balance;
	char zone[SHUNT_ZONE_MAX]; /* preferred; "": none */
	__u32 backends;
	/* Of the run's head: rows are written after the run, and tell by these of which they are.
	 */
	__u32 generation;
	__u32 revision;
};

struct shunt_backend_key {
	__u32 id; /* stable: kept while the backend is in its service, over restarts too */
};

struct shunt_backend {
	char service[SHUNT_BACKEND_SERVICE_MAX]; /* as much of the name as fits */
	__u32 service_id;
	enum shunt_state state;
	enum shunt_family family;
	__u8 ipv4[4];
	__u8 ipv6[16];
	__u16 port; /* 0: the port that the client asked for */
	__u16 weight;
	__u32 born;	/* as in its slots */
	__u8 parts;	/* bit i: it is of part i of the service's split; 1 where there is none */
	__u8 has_share; /* 0: it is in no slot: drained, unhealthy, or others are preferred */
	__u8 pad[2];
	char zone[SHUNT_ZONE_MAX];
};

/*
 * shunt_excluded: the tasks in this cgroup, or below it, are left alone by this service. That there
 * is an entry says it all, so one that is given to another key at once misleads nobody.
 */
struct shunt_excluded_key {
	__u64 cgroup_id;
	__u32 service_id; /* 0: by all services */
	__u32 pad;
};

struct shunt_excluded {
	char cgroup[SHUNT_CGROUP_MAX]; /* for people: as much of its path as fits */
};

/* shunt_meta: one entry. */
struct shunt_meta {
	__u32 layout;
	__u32 agent_pid; /* the agent that wrote last; whether it lives, its lock on the pin
			    directory tells */
	char agent_version[32];
};

/* Where a redirected socket was going. */
struct shunt_note {
	struct shunt_address address; /* as asked for */
	struct shunt_address backend;
	__u16 port;
	__u16 backend_port;
};

/*
 * shunt_tracks: a redirected TCP connection, from connect() to its end, at [cookie % SHUNT_TRACKS];
 * in shunt_spills, by cookie, when another lives there. Who ends it compares and swaps the cookie
 * to 0.
 */
#define SHUNT_TRACKS 65536
#define SHUNT_SPILLS_MAX 65536
#define SHUNT_TRACK_BUSY (1ULL << 63) /* being filled; cookies are far below */
#define SHUNT_TRACK_SINCE_BITS 40     /* 34 years of them at 1000 a second */

struct shunt_track {
	__u64 cookie; /* 0: free */
	struct shunt_note note;
	__u32 generation;
	__u64 since : SHUNT_TRACK_SINCE_BITS; /* jiffies */
	__u64 flags : 8;		      /* SHUNT_TRACK_... */
	__u64 service_id : 16;
	__u32 backend_id;
	__u32 born;
};

#define SHUNT_TRACK_LOAD 1    /* counted in shunt_loads */
#define SHUNT_TRACK_LIMIT 2   /* counted in policy.active */
#define SHUNT_TRACK_TRIAL 4   /* tries an ejected backend */
#define SHUNT_TRACK_PENDING 8 /* counted in policy.pending: not established yet */

/* shunt_senders: in socket storage, the last addresses that an unconnected UDP socket has sent to.
 */
#define SHUNT_SENDER_NOTES 8

struct shunt_sent {
	struct shunt_note note;
	__u32 sent; /* the sender's count when it was last used */
	__u32 service_id;
	__u32 generation;
	__u32 born; /* of the backend */
};

struct shunt_sender {
	struct shunt_sent notes[SHUNT_SENDER_NOTES];
	__u32 next; /* the one to be overwritten */
	__u32 sent; /* datagrams */
};

/*
 * shunt_resets: backends whose connections are to be reset, because they have left the service
 * or are unhealthy, and it is configured so; until that is done. Written by the agent, before the
 * plan that takes the backend away; read by it and by the programs that destroy.
 */
struct shunt_reset_key {
	__u32 service_id;
	struct shunt_address backend;
	__u16 port; /* 0: the ports that clients asked for */
	__u16 pad;
};

struct shunt_reset {
	__u32 generation; /* of the service id */
	__u32 born;	  /* connections of the backend as it came back since are not meant */
	enum shunt_reset_reason reason;
	__u32 pad;
	__u64 due_ns; /* CLOCK_MONOTONIC: not before */
};

/* What bpf/victims.bpf.c tells of a socket to be reset; not of a map. */
struct shunt_victim {
	__u64 cookie;
	__u32 service_id;
	enum shunt_reset_reason reason;
	struct shunt_address backend; /* its peer */
	__u16 port;
	__u16 pad[3];
};

/*
 * shunt_attempts: in socket storage, a TCP connect() to a service whose head says so, from then
 * until it is established or has failed. What it changes of the socket meanwhile, it knows how to
 * give back.
 */
struct shunt_attempt {
	__u64 begun_ns; /* CLOCK_MONOTONIC; 0: no SYN was sent yet */
	__u32 service_id;
	__u32 generation;
	struct shunt_address backend;
	__u16 port;
	__u16 flags;	/* SHUNT_ATTEMPT_... */
	__u32 limit_ms; /* the service's connect_timeout; 0: none */
	__u32 given_ms; /* TCP_USER_TIMEOUT set by us; 0: it is the application's */
	__u32 own_ms;	/* the application's */
};

#define SHUNT_ATTEMPT_CALLS 1 /* changes of the socket's state are called for by us */

/*
 * SO_PRIORITY of the agent's own sockets, which are never redirected. Above 6 it takes
 * CAP_NET_ADMIN, so that no task calls itself the agent; no routing rule sees it, as it would a
 * mark; and to queueing it is what 0 is: a class of no qdisc, the first of sixteen bands.
 */
#define SHUNT_OWN_PRIORITY 0x73680000

/* What the agent sets before the load. */
struct shunt_settings {
	__u32 runs_capacity;
	__u32 cpus;
	__u32 hz;	     /* jiffies in a second */
	__u8 has_set_retval; /* bpf_set_retval(), 5.18 */
	__u8 pad[3];
};

#define SHUNT_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has holes")

SHUNT_ASSERT_SIZE(struct shunt_front_key, 20);
SHUNT_ASSERT_SIZE(struct shunt_bucket, 64);
SHUNT_ASSERT_SIZE(struct shunt_excluded_key, 16);
SHUNT_ASSERT_SIZE(struct shunt_head, 16);
SHUNT_ASSERT_SIZE(struct shunt_slot, 16);
SHUNT_ASSERT_SIZE(union shunt_cell, 16);
SHUNT_ASSERT_SIZE(struct shunt_policy, 128);
SHUNT_ASSERT_SIZE(struct shunt_health, 64);
SHUNT_ASSERT_SIZE(struct shunt_load, 64);
SHUNT_ASSERT_SIZE(struct shunt_accusation_key, 16);
SHUNT_ASSERT_SIZE(struct shunt_accusation, 32);
SHUNT_ASSERT_SIZE(struct shunt_counters, 64);
SHUNT_ASSERT_SIZE(struct shunt_track, 64);
_Static_assert(SHUNT_SERVICES_MAX <= 1 << 16, "struct shunt_track has 16 bits for the service");
SHUNT_ASSERT_SIZE(struct shunt_service, 88);
SHUNT_ASSERT_SIZE(struct shunt_backend, 140);
SHUNT_ASSERT_SIZE(struct shunt_note, 36);
SHUNT_ASSERT_SIZE(struct shunt_sender, 424);
SHUNT_ASSERT_SIZE(struct shunt_reset_key, 24);
SHUNT_ASSERT_SIZE(struct shunt_reset, 24);
SHUNT_ASSERT_SIZE(struct shunt_victim, 40);
SHUNT_ASSERT_SIZE(struct shunt_timing, 192);
SHUNT_ASSERT_SIZE(struct shunt_attempt, 48);
