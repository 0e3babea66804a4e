/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs into the kernel, on maps that are new or taken over: those of redirect.bpf.c with
 * ends.bpf.c, or, where the kernel does not take these, those of plain.bpf.c alone; and when it is
 * asked for, that of events.bpf.c.
 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "plain.skel.h"
#include "redirect.skel.h"
#include "ends.skel.h"
#include "events.skel.h"

struct programs {
	struct bpf_object *main;
	struct bpf_object *ends; /* NULL: there are no tracks on this kernel */
};

/* What libbpf said last; it speaks through a callback without context, and only while we load. */
static _Thread_local char words[1024];

static int keep_words(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		(void)vsnprintf(words, sizeof(words), format, arguments);
	words[strcspn(words, "\n")] = '\0';
	return 0;
}

static void object_close(struct bpf_object *object)
{
	bpf_object__close(object);
}
DEFINE_CLEANUP(struct bpf_object *, object_close);

void programs_free(struct programs *p)
{
	if (!p)
		return;
	object_close(p->ends);
	object_close(p->main);
	free(p);
}

/* --- maps ------------------------------------------------------------------------------------- */

static int maps_reuse(const struct dataplane *d, struct bpf_object *object)
{
	int r = 0;

	for (int i = 0; i < MAP_COUNT && r == 0; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

		if (map)
			r = bpf_map__reuse_fd(map, d->maps[i].fd);
	}
	return r;
}

/* Takes descriptors of its own of what the load has made. */
static int maps_adopt(struct dataplane *d, const struct bpf_object *object)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		const struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

		d->maps[i].fd = dup(bpf_map__fd(map));
		d->maps[i].capacity = bpf_map__max_entries(map);
		d->maps[i].key_size = bpf_map__key_size(map);
		d->maps[i].value_size = bpf_map__value_size(map);
		if (d->maps[i].fd < 0)
			return -errno;
	}
	return 0;
}

static void maps_forget(struct dataplane *d)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		util_close_p(&d->maps[i].fd);
		d->maps[i].fd = -1;
	}
}

/* Until meta is pinned the directory counts as half-made. */
static int maps_pin(struct dataplane *d)
{
	int r = pins_write_meta(d);

	for (int i = 0; i < MAP_COUNT && r == 0; i++) {
		char path[PINS_PATH_MAX];

		if (bpf_obj_pin(d->maps[i].fd, pins_path(d->directory, map_names[i], path)) < 0)
			r = -errno;
	}
	return r;
}

/* --- objects ---------------------------------------------------------------------------------- */

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
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "shunt_feature",
					       "GPL", program, ARRAY_SIZE(program), &options);

	return fd >= 0;
}

/* What coarse clocks resolve is a jiffy; a container may well not see the kernel's configuration.
 */
static uint32_t kernel_hz(void)
{
	struct timespec jiffy = { 0 };

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy) < 0 || jiffy.tv_nsec == 0)
		return 100; /* the least there is */
	return (uint32_t)((1000000000 + jiffy.tv_nsec / 2) / jiffy.tv_nsec);
}

static int settings_set(const struct bpf_object *object, const struct shunt_settings *settings)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		size_t size = 0;
		void *value;

		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		value = (void *)bpf_map__initial_value(map, &size);
		if (value && size == sizeof(*settings)) {
			memcpy(value, settings, sizeof(*settings));
			return 0;
		}
	}
	return -ENOENT;
}

int load_object(const struct dataplane *d, const struct shunt_settings *settings, const void *elf,
		size_t size, struct bpf_object **ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "shunt");
	_cleanup_(object_close_p) struct bpf_object *object = bpf_object__open_mem(elf, size,
										   &options);
	int cpus = libbpf_num_possible_cpus();
	int r;

	if (!object)
		return -errno;
	if (cpus < 0)
		return cpus;
	r = settings_set(object, settings);
	if (r == 0 && d->maps[MAP_META].fd >= 0)
		r = maps_reuse(d, object);
	else if (r == 0)
		r = bpf_map__set_max_entries(bpf_object__find_map_by_name(object,
									  map_names[MAP_COUNTERS]),
					     settings->runs_capacity * (uint32_t)cpus);
	if (r == 0)
		r = bpf_object__load(object);
	if (r == 0)
		*ret = TAKE_PTR(object);
	return r;
}

typedef const void *(*elf_fn)(size_t *size);

static int objects_load(struct dataplane *d, bool tracks, struct programs *p)
{
	elf_fn elf = tracks ? shunt_redirect__elf_bytes : shunt_plain__elf_bytes;
	bool fresh = d->maps[MAP_META].fd < 0;
	size_t size;
	const void *bytes = elf(&size);
	int r = load_object(d, &d->settings, bytes, size, &p->main);

	if (r == 0 && fresh)
		r = maps_adopt(d, p->main);
	if (r == 0 && tracks) {
		bytes = shunt_ends__elf_bytes(&size);
		r = load_object(d, &d->settings, bytes, size, &p->ends);
	}
	if (r < 0) {
		object_close(TAKE_PTR(p->main));
		if (fresh)
			maps_forget(d);
	}
	return r;
}

int load_programs(struct dataplane *d, const struct dataplane_options *options, bool fresh,
		  struct programs **ret, struct diag *problems)
{
	_cleanup_(programs_free_p) struct programs *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	d->settings = (struct shunt_settings){
		.runs_capacity = fresh ? SHUNT_SERVICES_MAX : d->maps[MAP_RUNS].capacity,
		.cpus = (uint32_t)MAX(libbpf_num_possible_cpus(), 0),
		.hz = kernel_hz(),
		.has_set_retval = !options->without_set_retval && kernel_has_set_retval(),
	};
	words[0] = '\0';
	(void)libbpf_set_print(keep_words);
	r = options->without_tracks ? -ENOTSUP : objects_load(d, true, p);
	if (r < 0) {
		diag_add(&d->missing, "kernel",
			 "active connections, failures and bytes are not counted, so nobody is "
			 "ejected and limits do not hold: the programs for that were not accepted "
			 "(%s%s%s)",
			 strerror(-r), words[0] ? ": " : "", words);
		words[0] = '\0';
		r = objects_load(d, false, p);
	}
	if (r < 0) {
		diag_add(problems, "kernel",
			 "the programs were not accepted: %s. It needs Linux 5.10 or later with "
			 "CONFIG_CGROUP_BPF, and CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON%s%s",
			 strerror(-r), words[0] ? ". libbpf: " : "", words);
		return r;
	}
	if (fresh) {
		r = maps_pin(d);
		if (r < 0)
			diag_add(problems, d->directory, "cannot pin the maps: %s", strerror(-r));
	}
	d->tracks = p->ends != NULL;
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

int load_events(struct dataplane *d, struct diag *problems)
{
	_cleanup_(object_close_p) struct bpf_object *object = NULL;
	size_t size;
	const void *bytes = shunt_events__elf_bytes(&size);
	int r;

	words[0] = '\0';
	(void)libbpf_set_print(keep_words);
	r = load_object(d, &d->settings, bytes, size, &object);
	if (r == 0) {
		r = dup(bpf_program__fd(bpf_object__find_program_by_name(object, "shunt_events")));
		return r < 0 ? -errno : r;
	}
	diag_add(problems, "kernel",
		 "the program for events of connections was not accepted: %s%s%s", strerror(-r),
		 words[0] ? ". libbpf: " : "", words);
	return r;
}

struct bpf_program *program_find(const struct programs *p, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(p->main, name);

	if (!program && p->ends)
		program = bpf_object__find_program_by_name(p->ends, name);
	return program;
}
