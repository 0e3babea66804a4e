/* SPDX-License-Identifier: Apache-2.0 */
#include "map_writes.h"

#include <bpf/bpf.h>
#include <stdlib.h>

#include "base/util.h"
#include "playground.h"

struct row {
	uint64_t words[2];
};

static int make_map(enum map_kind kind, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = kind == MAP_KIND_HASH ? BPF_F_NO_PREALLOC : 0);
	int fd = bpf_map_create(kind == MAP_KIND_HASH ? BPF_MAP_TYPE_HASH : BPF_MAP_TYPE_ARRAY,
				"bench", sizeof(uint32_t), sizeof(struct row), n, &options);

	require(fd >= 0);
	return fd;
}

static void write_batch(int map, const uint32_t *keys, const struct row *rows, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = BPF_ANY);
	uint32_t count = n;

	require(bpf_map_update_batch(map, keys, rows, &count, &options) == 0);
	require(count == n);
}

uint64_t map_writes_ns(enum map_kind kind, bool batch, uint32_t n, clock_fn *clock)
{
	_cleanup_free_ uint32_t *keys = calloc(n, sizeof(*keys));
	_cleanup_free_ struct row *rows = calloc(n, sizeof(*rows));
	_cleanup_close_ int map = make_map(kind, n);
	uint64_t begun;

	require(keys && rows);
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = i;
		rows[i].words[0] = i;
	}
	begun = clock();
	if (batch) {
		write_batch(map, keys, rows, n);
	} else {
		for (uint32_t i = 0; i < n; i++)
			require(bpf_map_update_elem(map, &keys[i], &rows[i], BPF_ANY) == 0);
	}
	return clock() - begun;
}

uint64_t map_writes_inner_ns(uint32_t n, clock_fn *clock)
{
	_cleanup_close_ int old = make_map(MAP_KIND_ARRAY, n), new = make_map(MAP_KIND_ARRAY, n);
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)old);
	_cleanup_close_ int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "bench",
						   sizeof(uint32_t), sizeof(uint32_t), 1, &options);
	uint32_t zero = 0;
	uint64_t begun;

	require(outer >= 0);
	require(bpf_map_update_elem(outer, &zero, &old, BPF_ANY) == 0);
	begun = clock();
	require(bpf_map_update_elem(outer, &zero, &new, BPF_ANY) == 0);
	return clock() - begun;
}
