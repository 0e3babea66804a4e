/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

struct agent scene;

const struct shunt_rules scene_rules = {
	.ejection_failures = 5,
	.ejection_within_ms = 600000,
	.ejection_base_ms = 600000,
	.ejection_max_ms = 3600000,
	.ejection_max_percent = 50,
	.panic_percent = 50,
};

int scene_begin(void **state)
{
	(void)state;
	playground_enter();
	/* what hangs fails soon */
	require(system("echo 2 > /proc/sys/net/ipv4/tcp_syn_retries") == 0); /* NOLINT */
	playground_listen(3000);
	agent_init(&scene);
	require(agent_start(&scene) == 0);
	return 0;
}

int scene_end(void **state)
{
	(void)state;
	agent_end(&scene);
	playground_leave();
	return 0;
}

int scene_clear(void **state)
{
	(void)state;
	playground_go_inside();
	if (!scene.dataplane)
		require(agent_start(&scene) == 0);
	agent_become(&scene, (struct table){ 0 });
	return 0;
}

void without_tracks_it_is_said_that_nobody_is_ejected_or_limited(void **state)
{
	const struct diag *missing = dataplane_missing(scene.dataplane);

	(void)state;
	require(missing->total == 1);
	require(strstr(missing->lines[0], "so nobody is ejected and limits do not hold"));
}

void scene_set_at(const char *vip, enum shunt_protocol protocol, const char *backends,
		  const struct shunt_rules *rules, uint8_t head_flags)
{
	struct table want = WANTED({ "s", vip, protocol, backends });

	want.services[0].rules = *rules;
	want.services[0].head_flags = head_flags;
	agent_become(&scene, want);
}

void scene_set(const char *backends, const struct shunt_rules *rules, uint8_t head_flags)
{
	scene_set_at(SCENE_VIP, PROTOCOL_TCP, backends, rules, head_flags);
}

void scene_be_task(unsigned int n)
{
	_cleanup_free_ char *cgroup = NULL;
	char name[32];

	if (n == 0) {
		playground_go_inside();
		return;
	}
	(void)snprintf(name, sizeof(name), "task-%u", n);
	cgroup = playground_make_cgroup(name);
	playground_join(cgroup);
}

/* --- rows of the maps ------------------------------------------------------------------------- */

static int map_open(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), PLAYGROUND_BPFFS "/shunt/%s", name);
	fd = bpf_obj_get(path);
	require(fd >= 0);
	return fd;
}

static void row_read(const char *map, const void *key, void *ret)
{
	_cleanup_close_ int fd = map_open(map);

	require(bpf_map_lookup_elem(fd, key, ret) == 0);
}

static uint32_t service_id(void)
{
	struct shunt_service_key key = { .name = "s" };
	struct shunt_service row;

	row_read("shunt_services", &key, &row);
	return row.id;
}

static bool is_backend(const struct shunt_backend *row, const struct addr_port *at)
{
	bool ipv4 = row->family == FAMILY_IPV4;

	return row->port == at->port && row->service_id == service_id() &&
	       memcmp(at->addr.octets + (ipv4 ? 12 : 0), ipv4 ? row->ipv4 : row->ipv6,
		      ipv4 ? 4 : 16) == 0;
}

/* *ret_born tells it from those that had the id before. */
static uint32_t backend_id(const char *backend, uint32_t *ret_born)
{
	_cleanup_close_ int fd = map_open("shunt_backends");
	struct addr_port at = wanted_address(backend);
	struct shunt_backend_key key, *last = NULL;
	struct shunt_backend row;

	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		require(bpf_map_lookup_elem(fd, &key, &row) == 0);
		if (is_backend(&row, &at)) {
			*ret_born = row.born;
			return key.id;
		}
		last = &key;
	}
	require(!"a backend of the service");
	return 0;
}

struct shunt_policy scene_policy(void)
{
	uint32_t id = service_id();
	struct shunt_policy policy;

	row_read("shunt_policies", &id, &policy);
	return policy;
}

struct shunt_counters scene_counters(void)
{
	struct shunt_counters sum = { 0 }, row;
	uint32_t id = service_id();

	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		uint32_t index = (uint32_t)cpu * SHUNT_SERVICES_MAX + id;

		row_read("shunt_counters", &index, &row);
		sum.redirected += row.redirected;
		sum.no_backend += row.no_backend;
		sum.active += row.active;
		sum.look |= row.look;
	}
	return sum;
}

uint64_t scene_failures(enum shunt_failure failure)
{
	uint32_t id = service_id();
	struct shunt_failures failures;

	row_read("shunt_failures", &id, &failures);
	return failures.count[failure];
}

struct shunt_health scene_health(const char *backend)
{
	uint32_t born, id = backend_id(backend, &born);
	struct shunt_health health;

	row_read("shunt_health", &id, &health);
	return health.born == born ? health : (struct shunt_health){ .born = born };
}

void scene_put_health(const char *backend, const struct shunt_health *health)
{
	_cleanup_close_ int fd = map_open("shunt_health");
	uint32_t born, id = backend_id(backend, &born);

	require(bpf_map_update_elem(fd, &id, health, BPF_EXIST) == 0);
}

struct shunt_load scene_load(const char *backend)
{
	uint32_t born, id = backend_id(backend, &born);
	struct shunt_load load;

	row_read("shunt_loads", &id, &load);
	return load.born == born ? load : (struct shunt_load){ .born = born };
}

void scene_age(int fd, uint64_t jiffies)
{
	_cleanup_close_ int map = map_open("shunt_tracks");
	struct shunt_track track;
	uint64_t cookie;
	socklen_t length = sizeof(cookie);
	uint32_t index;

	require(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0);
	index = (uint32_t)cookie & (SHUNT_TRACKS - 1);
	require(bpf_map_lookup_elem(map, &index, &track) == 0 && track.cookie == cookie);
	track.since -= jiffies;
	require(bpf_map_update_elem(map, &index, &track, BPF_EXIST) == 0);
}

/* --- sockets ---------------------------------------------------------------------------------- */

int scene_listen(const char *at, int backlog)
{
	struct addr_port own = wanted_address(at);
	struct sockaddr_storage address;
	socklen_t length = addr_port_sockaddr(&own, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	require(fd >= 0);
	require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	require(bind(fd, (struct sockaddr *)&address, length) == 0);
	require(listen(fd, backlog) == 0);
	return fd;
}

int scene_listen_in_vain(const char *at, int *ret_filler)
{
	int listener = scene_listen(at, 0);

	*ret_filler = playground_connect(at, SOCKET_TCP);
	require(*ret_filler >= 0);
	return listener;
}

static void wait_ready(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	require(poll(&ready, 1, SCENE_WAIT_S * 1000) == 1);
}

int scene_accept(int listener)
{
	int fd;

	wait_ready(listener, POLLIN);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	require(fd >= 0);
	return fd;
}

void scene_connect_again(int fd, const char *to)
{
	struct addr_port address = wanted_address(to);
	struct sockaddr_storage ss;
	socklen_t length = addr_port_sockaddr(&address, &ss);

	(void)connect(fd, (struct sockaddr *)&ss, length);
}

int scene_start(const char *to, int kind)
{
	struct addr_port address = wanted_address(to);
	int family = addr_is_ipv4(&address.addr) ? AF_INET : AF_INET6;
	int fd = socket(family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	require(fd >= 0);
	scene_connect_again(fd, to);
	return fd;
}

void scene_disconnect(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	require(connect(fd, &nobody, sizeof(nobody)) == 0);
}

int scene_error(int fd)
{
	socklen_t length = sizeof(int);
	int error = 0;

	wait_ready(fd, POLLOUT);
	require(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
	return -error;
}

/* The peer closes first: what is ours does not stay in TIME_WAIT and takes no port. */
void scene_end_well(int fd, int peer)
{
	char byte;

	if (peer >= 0)
		close(peer);
	wait_ready(fd, POLLIN);
	require(read(fd, &byte, 1) == 0);
	close(fd);
}

/* --- many connects ---------------------------------------------------------------------------- */

#define CONNECTS_MAX 1000

void scene_fail(const char *to, unsigned int times)
{
	for (unsigned int i = 0; times > 0; i++) {
		int reached = playground_reach(to, SOCKET_TCP);

		require(i < CONNECTS_MAX);
		require(reached > 0 || reached == -ECONNREFUSED);
		times -= reached < 0;
	}
}

void scene_spread(const char *to, int kind, unsigned int counts[static SCENE_COUNTS])
{
	memset(counts, 0, SCENE_COUNTS * sizeof(*counts));
	for (int i = 0; i < 100; i++) {
		int reached = playground_reach(to, kind);

		require(reached > 0 || reached == -ECONNREFUSED);
		counts[reached > 0 ? reached : 0]++;
	}
}

int scene_start_to(unsigned int who)
{
	for (int i = 0; i < CONNECTS_MAX; i++) {
		int fd = scene_start(SCENE_VIP, SOCKET_TCP);

		if (playground_reached(fd) == who)
			return fd;
		require(scene_error(fd) == 0); /* given up it would count */
		close(fd);
	}
	require(!"one of them goes there");
	return -1;
}

/* --- waiting ---------------------------------------------------------------------------------- */

uint64_t scene_now_ns(void)
{
	struct timespec now;

	require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool scene_wait(bool (*is_so)(const void *user), const void *user)
{
	uint64_t deadline = scene_now_ns() + SCENE_WAIT_S * 1000000000ULL;

	while (!is_so(user)) {
		if (scene_now_ns() > deadline)
			return false;
		(void)sched_yield();
	}
	return true;
}

static bool active_is(const void *wanted)
{
	return scene_counters().active == *(const int64_t *)wanted;
}

void scene_wait_active(int64_t active)
{
	if (!scene_wait(active_is, &active))
		(void)fprintf(stderr, "%lld active, not %lld\n", (long long)scene_counters().active,
			      (long long)active);
	require(scene_counters().active == active);
}
