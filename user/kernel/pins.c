/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory <bpffs>/shunt: one lock, the pinned maps, and by their means everything that
 * outlives an agent. shunt_meta is pinned last; a directory without it was left half-made and is
 * made anew.
 */
#include "kernel/internal.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

const char *const map_names[MAP_COUNT] = {
	[MAP_PREFIXES] = "shunt_prefixes", [MAP_FRONT] = "shunt_front",
	[MAP_BUCKETS] = "shunt_buckets",   [MAP_RUNS] = "shunt_runs",
	[MAP_SLOTS] = "shunt_slots",	   [MAP_ADDRS6] = "shunt_addrs6",
	[MAP_COUNTERS] = "shunt_counters", [MAP_FAILURES] = "shunt_failures",
	[MAP_POLICIES] = "shunt_policies", [MAP_HEALTH] = "shunt_health",
	[MAP_LOADS] = "shunt_loads",	   [MAP_ACCUSATIONS] = "shunt_accusations",
	[MAP_TRACKS] = "shunt_tracks",	   [MAP_SPILLS] = "shunt_spills",
	[MAP_EXCLUDED] = "shunt_excluded", [MAP_SENDERS] = "shunt_senders",
	[MAP_RESETS] = "shunt_resets",	   [MAP_TIMINGS] = "shunt_timings",
	[MAP_ATTEMPTS] = "shunt_attempts", [MAP_SERVICES] = "shunt_services",
	[MAP_BACKENDS] = "shunt_backends", [MAP_META] = "shunt_meta",
};

const char *pins_path(const char *directory, const char *name, char path[static PINS_PATH_MAX])
{
	(void)snprintf(path, PINS_PATH_MAX, "%s/%s", directory, name);
	return path;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

int pins_mount(const char *bpffs, struct diag *problems)
{
	int r;

	if (is_bpffs(bpffs))
		return 0;
	/* no parents: of a mistyped path nothing is made */
	r = mkdir(bpffs, 0755) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0 && mount("bpf", bpffs, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		r = -errno;
	if (r < 0)
		diag_add(problems, bpffs,
			 "is not a bpffs and cannot be mounted as one: %s. On the host: "
			 "mount -t bpf bpf %s",
			 strerror(-r), bpffs);
	return r;
}

/* Whether the directory that is locked is still the one that the path leads to. */
static bool is_same_directory(int fd, const char *path)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino &&
	       held.st_dev == there.st_dev;
}

static int directory_lock(const char *directory, int *ret_fd)
{
	_cleanup_close_ int fd = -1;

	if (mkdir(directory, 0750) < 0 && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!is_same_directory(fd, directory)) /* removed by `shuntctl detach` in between */
		return -EAGAIN;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pins_lock(struct dataplane *d, struct diag *problems)
{
	int r = -EAGAIN;

	for (int attempt = 0; attempt < 3 && r == -EAGAIN; attempt++)
		r = directory_lock(d->directory, &d->directory_fd);
	if (r == -EBUSY)
		diag_add(problems, d->directory, "another shuntd is running here: pid %d",
			 pins_agent_pid(d->directory));
	else if (r < 0)
		diag_add(problems, d->directory, "cannot make and lock it: %s", strerror(-r));
	return r;
}

int pins_agent_lives(const char *directory)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}

static int map_info(int fd, struct bpf_map_info *ret)
{
	uint32_t length = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &length) < 0 ? -errno : 0;
}

/* The meta of any layout begins with its number; the rest is read only if the number is ours. */
static int meta_read(int fd, struct shunt_meta *ret)
{
	_cleanup_free_ void *value = NULL;
	struct bpf_map_info info;
	uint32_t zero = 0;
	int r = map_info(fd, &info);

	if (r < 0)
		return r;
	value = calloc(1, MAX(info.value_size, sizeof(*ret)));
	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, value) < 0)
		return -errno;
	memcpy(ret, value, sizeof(*ret));
	return 0;
}

int pins_agent_pid(const char *directory)
{
	char path[PINS_PATH_MAX];
	_cleanup_close_ int fd = bpf_obj_get(pins_path(directory, map_names[MAP_META], path));
	struct shunt_meta meta;

	if (fd < 0 || meta_read(fd, &meta) < 0 || meta.layout != SHUNT_LAYOUT_VERSION)
		return 0;
	return (int)meta.agent_pid;
}

int pins_write_meta(struct dataplane *d)
{
	struct shunt_meta meta = { .layout = SHUNT_LAYOUT_VERSION,
				   .agent_pid = (uint32_t)getpid() };
	uint32_t zero = 0;

	(void)util_copy(meta.agent_version, sizeof(meta.agent_version), SHUNT_VERSION);
	return bpf_map_update_elem(d->maps[MAP_META].fd, &zero, &meta, BPF_ANY) < 0 ? -errno : 0;
}

static int meta_check(struct dataplane *d, struct diag *problems)
{
	struct shunt_meta meta;
	int r = meta_read(d->maps[MAP_META].fd, &meta);

	if (r < 0 || meta.layout == SHUNT_LAYOUT_VERSION)
		return r;
	diag_add(problems, d->directory,
		 "the pinned maps have layout %u, this program has layout %u: run the shuntctl of "
		 "the "
		 "version that made them with `detach`, then start again",
		 meta.layout, (unsigned int)SHUNT_LAYOUT_VERSION);
	return -EPROTO;
}

static int map_open(struct dataplane *d, enum map_index index)
{
	char path[PINS_PATH_MAX];
	struct bpf_map_info info;
	int r;

	d->maps[index].fd = bpf_obj_get(pins_path(d->directory, map_names[index], path));
	if (d->maps[index].fd < 0)
		return -errno;
	r = map_info(d->maps[index].fd, &info);
	d->maps[index].capacity = info.max_entries;
	d->maps[index].key_size = info.key_size;
	d->maps[index].value_size = info.value_size;
	return r;
}

int pins_open(struct dataplane *d, struct diag *problems)
{
	int r = map_open(d, MAP_META);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = meta_check(d, problems);
	for (int i = 0; i < MAP_META && r == 0; i++) {
		r = map_open(d, (enum map_index)i);
		if (r < 0)
			diag_add(problems, d->directory, "pinned map %s: %s", map_names[i],
				 strerror(-r));
	}
	return r < 0 ? r : 1;
}

int pins_replace(int fd, const char *path)
{
	char beside[PINS_PATH_MAX];

	(void)snprintf(beside, sizeof(beside), "%s_new", path);
	if (unlink(beside) < 0 && errno != ENOENT)
		return -errno;
	if (bpf_obj_pin(fd, beside) < 0)
		return -errno;
	return rename(beside, path) < 0 ? -errno : 0;
}

/* Values of arrays lie 8 octets apart or a multiple of it: all of ours are that long. */
static int map_mmap(struct map *map, bool writable, void *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t length = ((size_t)map->capacity * map->value_size + page - 1) / page * page;
	int protection = PROT_READ | (writable ? PROT_WRITE : 0);
	void *memory = mmap(NULL, length, protection, MAP_SHARED, map->fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	map->memory = memory;
	map->mapped = length;
	*(void **)ret = memory;
	return 0;
}

int pins_map(struct dataplane *d, bool writable)
{
	const struct {
		enum map_index map;
		void *place; /* of the pointer */
	} mapped[] = {
		{ MAP_PREFIXES, &d->prefixes }, { MAP_BUCKETS, &d->buckets },
		{ MAP_RUNS, &d->runs },		{ MAP_SLOTS, &d->cells },
		{ MAP_ADDRS6, &d->addrs6 },	{ MAP_COUNTERS, &d->counters },
		{ MAP_FAILURES, &d->failures }, { MAP_POLICIES, &d->policies },
		{ MAP_HEALTH, &d->health },	{ MAP_LOADS, &d->loads },
		{ MAP_TIMINGS, &d->timings },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(mapped) && r == 0; i++)
		r = map_mmap(&d->maps[mapped[i].map], writable, mapped[i].place);
	if (r == 0)
		d->cpus = d->maps[MAP_COUNTERS].capacity / d->maps[MAP_RUNS].capacity;
	return r;
}

static bool is_link(const char *name)
{
	return strncmp(name, "link_", strlen("link_")) == 0;
}

/*
 * Unlinks one pin. Of a link whose last pin is gone the kernel takes its program off some time
 * later, in a work queue: so a link is detached first, and, being on a tracepoint where that is not
 * to be had, has its last descriptor closed here, which works at once.
 */
int pins_remove_one(const char *directory, const char *name)
{
	char path[PINS_PATH_MAX];
	_cleanup_close_ int link = is_link(name) ? bpf_obj_get(pins_path(directory, name, path))
						 : -1;

	if (link >= 0 && bpf_link_detach(link) < 0 && errno != ENOLINK && errno != EOPNOTSUPP)
		return -errno;
	if (unlink(pins_path(directory, name, path)) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* All links or all else. */
static int remove_pins(const char *directory, bool links)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	int r = 0;

	if (!entries)
		return -errno;
	while ((entry = readdir(entries))) {
		const char *name = entry->d_name;
		int error;

		if (streq(name, ".") || streq(name, "..") || is_link(name) != links)
			continue;
		error = pins_remove_one(directory, name);
		if (error < 0)
			r = error;
	}
	(void)closedir(entries);
	return r;
}

/* Links first: what is attached must not run on maps whose pins are gone. */
int pins_remove(const char *directory)
{
	int r = remove_pins(directory, true);

	return r < 0 ? r : remove_pins(directory, false);
}
