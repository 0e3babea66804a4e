/* SPDX-License-Identifier: Apache-2.0 */
/* The programs into the kernel, on maps that are new or taken over. */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>

#include "redirect.skel.h"

/* What libbpf said last; it speaks through a callback without context, and only while we load. */
static _Thread_local char words[1024];

static int keep_words(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		(void)vsnprintf(words, sizeof(words), format, arguments);
	return 0;
}

void load_free(struct shunt_redirect *programs)
{
	shunt_redirect__destroy(programs);
}

static struct bpf_map *map_of(const struct shunt_redirect *programs, enum map_index index)
{
	return bpf_object__find_map_by_name(programs->obj, map_names[index]);
}

static int maps_reuse(const struct dataplane *d, struct shunt_redirect *programs)
{
	int r = 0;

	for (int i = 0; i < MAP_COUNT && r == 0; i++)
		r = bpf_map__reuse_fd(map_of(programs, (enum map_index)i), d->maps[i].fd);
	return r;
}

/* Takes descriptors of its own, and pins: until meta is pinned the directory counts as half-made.
 */
static int maps_pin(struct dataplane *d, struct shunt_redirect *programs)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		const struct bpf_map *map = map_of(programs, (enum map_index)i);
		char path[PINS_PATH_MAX];

		d->maps[i].fd = dup(bpf_map__fd(map));
		d->maps[i].capacity = bpf_map__max_entries(map);
		d->maps[i].key_size = bpf_map__key_size(map);
		d->maps[i].value_size = bpf_map__value_size(map);
		if (d->maps[i].fd < 0)
			return -errno;
		if (i == MAP_META) {
			int r = pins_write_meta(d);

			if (r < 0)
				return r;
		}
		if (bpf_obj_pin(d->maps[i].fd, pins_path(d->directory, map_names[i], path)) < 0)
			return -errno;
	}
	return 0;
}

/* Does the verifier take bpf_set_retval() in a connect hook? */
static bool kernel_has_set_retval(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_set_retval },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "shunt_probe", "GPL",
					       program, ARRAY_SIZE(program), &options);

	return fd >= 0;
}

static int prepare(struct dataplane *d, const struct dataplane_options *options, bool fresh,
		   struct shunt_redirect *programs)
{
	uint32_t services = fresh ? SHUNT_SERVICES_MAX : d->maps[MAP_RUNS].capacity;
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	programs->rodata->runs_capacity = services;
	programs->rodata->has_set_retval = !options->without_set_retval && kernel_has_set_retval();
	if (!fresh)
		return maps_reuse(d, programs);
	return bpf_map__set_max_entries(programs->maps.shunt_counters, services * (uint32_t)cpus);
}

int load_programs(struct dataplane *d, const struct dataplane_options *options, bool fresh,
		  struct shunt_redirect **ret, struct diag *problems)
{
	_cleanup_(load_free_p) struct shunt_redirect *programs = NULL;
	int r;

	words[0] = '\0';
	(void)libbpf_set_print(keep_words);
	programs = shunt_redirect__open();
	if (!programs) {
		r = -errno;
		diag_add(problems, "kernel", "cannot open the programs: %s", strerror(-r));
		return r;
	}
	r = prepare(d, options, fresh, programs);
	if (r == 0)
		r = shunt_redirect__load(programs);
	if (r < 0) {
		diag_add(problems, "kernel",
			 "the programs were not accepted: %s. It needs Linux 5.10 or later with "
			 "CONFIG_CGROUP_BPF, and CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON%s%s",
			 strerror(-r), words[0] ? ". libbpf: " : "", words);
		return r;
	}
	if (fresh) {
		r = maps_pin(d, programs);
		if (r < 0)
			diag_add(problems, d->directory, "cannot pin the maps: %s", strerror(-r));
	}
	if (r == 0)
		*ret = TAKE_PTR(programs);
	return r;
}

int load_program_fd(const struct shunt_redirect *programs, size_t hook)
{
	const struct bpf_program *const in_order[HOOKS] = {
		programs->progs.shunt_connect4, programs->progs.shunt_connect6,
		programs->progs.shunt_sendmsg4, programs->progs.shunt_sendmsg6,
		programs->progs.shunt_recvmsg4, programs->progs.shunt_recvmsg6,
		programs->progs.shunt_getpeer4, programs->progs.shunt_getpeer6,
	};

	return bpf_program__fd(in_order[hook]);
}
