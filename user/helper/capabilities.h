/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges of this process (capabilities(7)), taken away for good. */
#pragma once

#include <linux/capability.h>
#include <stdint.h>

#define CAPABILITY(number) (1ULL << (number))

/* To enter network namespaces, and to look at processes that have other privileges. */
#define CAPABILITIES_OF_HELPER (CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_PTRACE))
/* And to open BPF iterators and SOCK_DESTROY's sockets there: who opened them must have these. */
#define CAPABILITIES_TO_OPEN (CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(39 /* CAP_BPF */))

/* 0 or a negative errno. */
int capabilities_drop(uint64_t dropped);
/* Are all of these in effect? 0, -EPERM, or another error. */
int capabilities_check(uint64_t wanted);
