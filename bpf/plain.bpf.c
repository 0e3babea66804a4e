/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same programs for kernels without compare-and-swap in BPF or without the tracepoints and
 * types of ends.bpf.c (before 5.15): TCP sockets are noted in socket storage, for getpeername()
 * only; nobody counts ends.
 */
#define WITH_TRACKS 0
#include "redirect.bpf.c"
