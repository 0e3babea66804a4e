/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/kernel/pick.bpf.c takes and gives: both sides of a BPF_PROG_TEST_RUN. */
#pragma once

#include <linux/types.h>

#include "shunt/layout.h"

struct pick_arguments {
	struct shunt_address address; /* in and, if redirected, out */
	__u16 port;
	__u8 protocol;
	__u8 ipv4_only;
	__u32 service_id;  /* out */
	__u32 verdict;	   /* out: enum verdict */
	__u32 asker;	   /* enum asker */
	__u64 keys[2];	   /* by enum affinity */
	__u32 keys_asked;  /* out: a bit for each affinity */
	__u32 exempt_from; /* service id */
};
