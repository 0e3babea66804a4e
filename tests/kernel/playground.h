/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel ring plays: a throw-away cgroup that this process joins, network and mount
 * namespaces of its own, a bpffs nobody else sees. Addresses 10.0.0.1-40 and fd00::1-40 are on its
 * loopback, so that a socket connected to one of them has it as its own address too: which backend
 * a connect() reached, getsockname() tells, although getpeername() shows the VIP.
 *
 * It fails by ending the program with a message. A guardian process removes the cgroup however the
 * program ends.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "kernel/dataplane.h"
#include "wanted.h"

#define PLAYGROUND_BPFFS "/mnt/bpf"
#define PLAYGROUND_ADDRESSES 40

void playground_enter(void);
void playground_leave(void);

/* Is the condition true? Else the program ends, for use in threads and children too. */
#define require(condition) playground_require(condition, #condition, __FILE__, __LINE__)
void playground_require(bool condition, const char *text, const char *file, int line);

/* Is this Linux of that version or later? */
bool playground_linux_is(unsigned int major, unsigned int minor);

/* The cgroup to attach to; the process is in a child of it. */
const char *playground_cgroup(void);
/* Makes a child cgroup and returns its path, the caller's to free. */
char *playground_make_cgroup(const char *name);
void playground_join(const char *cgroup);
/* Joins the cgroup that the process came from, and goes back inside. */
void playground_go_outside(void);
void playground_go_inside(void);
/* A program ("return 1") attached to the cgroup the old way; flags as of BPF_PROG_ATTACH. */
int playground_attach_foreign(const char *cgroup, const char *name, int attach_type,
			      unsigned int flags);
/* One that denies with EPERM, after those that are attached there already. */
int playground_attach_denying(const char *cgroup, int attach_type);
/* One on sock_ops that wants nobody to be called for changes of a socket's state. */
int playground_attach_deafening(const char *cgroup);
void playground_detach_foreign(const char *cgroup, int program, int attach_type);

/* TCP listeners on all addresses at a port; what connects is accepted and closed. */
void playground_listen(uint16_t port);
void playground_stop_listening(void);

enum {
	SOCKET_TCP = SOCK_STREAM,
	SOCKET_UDP = SOCK_DGRAM,
	SOCKET_MAPPED = 0x1000, /* AF_INET6 for an IPv4 address too, as ::ffff:a.b.c.d */
};

/* A connected socket or a negative errno. It closes by reset: no TIME_WAIT stays behind. */
int playground_connect(const char *to, int kind);
int playground_connect_to(const struct addr_port *to, int kind);
struct addr_port playground_peer(int fd);
/* The backend that was reached: N of 10.0.0.N, 100 + N of fd00::N, else 0. */
unsigned int playground_reached(int fd);
/* Connects, tells who was reached, and closes; a negative errno if nobody. */
int playground_reach(const char *to, int kind);

/* --- a data plane, its planner and what it was made to be ------------------------------------- */

struct agent {
	struct dataplane_options options;
	struct dataplane *dataplane;
	struct planner *planner;
	struct diag problems;
	int error; /* of the last start */
};

void agent_init(struct agent *a);
/* Opens and reads what is there; the error is in a->error, too. */
int agent_start(struct agent *a);
/* Closes: everything stays pinned. */
void agent_stop(struct agent *a);
/* Plans, applies, waits for graces and plans again until all is as wanted. Keeps the table. */
void agent_make(struct agent *a, const struct table *want);
/* The same, freeing the table. */
void agent_become(struct agent *a, struct table want);
void agent_grace(struct agent *a);
/* Stops, removes everything pinned, frees. */
void agent_end(struct agent *a);
uint32_t agent_id(struct agent *a, const char *service);
struct shunt_counters agent_counters(struct agent *a, const char *service);
