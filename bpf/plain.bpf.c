/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same programs for kernels without compare-and-swap in BPF (before 5.12) or without the
 * tracepoints of ends.bpf.c: TCP sockets are noted in socket storage, for getpeername() only;
 * nobody counts ends.
 */
#define WITH_TRACKS 0
#include "redirect.bpf.c"
