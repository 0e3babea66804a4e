/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own account of what programs have run (bpf_stats). It is kept while the caller holds
 * what bpf_enable_stats(BPF_STATS_RUN_TIME) gave.
 */
#pragma once

#include <stdint.h>

struct account {
	uint64_t runs, ns; /* since the program was loaded */
};

struct account account_of(int program);
/* Of all the programs that are pinned in the playground. */
struct account account_of_pins(void);
