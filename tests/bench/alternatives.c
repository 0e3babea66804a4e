/* SPDX-License-Identifier: Apache-2.0 */
#include "alternatives.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include "alternatives.skel.h"
#include "alternatives_maps.h"
#include "base/util.h"
#include "playground.h"

struct alternatives {
	struct bpf_object *object;
	struct {
		struct bpf_link *link;
		int program;
	} attached[ALTERNATIVE_PROGRAMS];
	size_t n;
};

static void put(const struct alternatives *a, const char *map, const void *key, const void *value)
{
	int fd = bpf_object__find_map_fd_by_name(a->object, map);

	require(fd >= 0);
	require(bpf_map_update_elem(fd, key, value, BPF_ANY) == 0);
}

static uint32_t ipv4_of(const struct addr *address)
{
	uint32_t word;

	memcpy(&word, &address->octets[12], sizeof(word));
	return word;
}

static void fill(const struct alternatives *a, const struct table *t)
{
	_cleanup_free_ bool *is_taken = calloc(1U << ALTERNATIVE_LINE_BITS, sizeof(*is_taken));
	uint32_t base = 0;

	require(is_taken);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct table_service *s = &t->services[i];
		struct alternative_key key = { ipv4_of(&s->vip.addr), s->vip.port };
		struct alternative_service service = { i, base, (uint32_t)s->n_backends, 0 };
		struct alternative_line line = { .key = key, .base = base, .count = service.count };
		uint32_t index = ALTERNATIVE_LINE_OF(key.address);

		for (size_t k = 0; k < s->n_backends; k++, base++) {
			const struct addr_port *at = &s->backends[k].endpoint.at;
			struct alternative_backend backend = { ipv4_of(&at->addr), at->port };

			put(a, "backends", &base, &backend);
		}
		put(a, "services", &key, &service);
		/* who finds another there is missed: a few of 10,000 */
		if (!is_taken[index])
			put(a, "lines", &index, &line);
		is_taken[index] = true;
	}
}

struct alternatives *alternatives_new(const struct table *t)
{
	struct alternatives *a = calloc(1, sizeof(*a));
	size_t size;
	const void *elf = shunt_alternatives__elf_bytes(&size);

	require(a);
	a->object = bpf_object__open_mem(elf, size, NULL);
	require(a->object);
	require(bpf_object__load(a->object) == 0);
	fill(a, t);
	return a;
}

void alternatives_free(struct alternatives *a)
{
	alternatives_detach(a);
	bpf_object__close(a->object);
	free(a);
}

static struct bpf_link *attach(struct bpf_program *program, const char *cgroup)
{
	_cleanup_close_ int at = -1;

	if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING)
		return bpf_program__attach(program);
	at = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(at >= 0);
	return bpf_program__attach_cgroup(program, at);
}

void alternatives_attach(struct alternatives *a, const char *cgroup,
			 const char *const programs[ALTERNATIVE_PROGRAMS])
{
	for (a->n = 0; a->n < ALTERNATIVE_PROGRAMS && programs[a->n]; a->n++) {
		struct bpf_program *program = bpf_object__find_program_by_name(a->object,
									       programs[a->n]);

		require(program);
		a->attached[a->n].program = bpf_program__fd(program);
		a->attached[a->n].link = attach(program, cgroup);
		require(a->attached[a->n].link);
	}
}

void alternatives_detach(struct alternatives *a)
{
	while (a->n > 0)
		(void)bpf_link__destroy(a->attached[--a->n].link);
}

struct account alternatives_account(const struct alternatives *a)
{
	struct account sum = { 0 };

	for (size_t i = 0; i < a->n; i++) {
		struct account one = account_of(a->attached[i].program);

		sum.runs += one.runs;
		sum.ns += one.ns;
	}
	return sum;
}
