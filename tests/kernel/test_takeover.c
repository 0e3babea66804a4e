/* SPDX-License-Identifier: Apache-2.0 */
/* Starts, ends, successors, and who is in their way. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/util.h"
#include "kernel/foreign.h"
#include "playground.h"

#define PINS PLAYGROUND_BPFFS "/shunt"
#define TAKEOVERS 30

static int begin_all(void **state)
{
	(void)state;
	playground_enter();
	playground_listen(3000);
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	playground_leave();
	return 0;
}

static int begin(void **state)
{
	static struct agent agent;

	agent_init(&agent);
	*state = &agent;
	return 0;
}

static int end(void **state)
{
	struct agent *a = *state;

	playground_go_inside();
	agent_end(a);
	return 0;
}

static void started(struct agent *a)
{
	if (agent_start(a) < 0)
		diag_print(&a->problems, "start: ", stderr);
	assert_int_equal(a->error, 0);
}

static struct table three(void)
{
	return WANTED({ "a", "127.254.0.1:80", PROTOCOL_TCP, "10.0.0.1:3000 10.0.0.2:3000" },
		      { "b", "[fd00::f1]:80", PROTOCOL_ANY, "[fd00::3]:3000" },
		      { "c", "127.254.0.3", PROTOCOL_UDP, "10.0.0.4" });
}

static bool nothing_is_pinned(void)
{
	return access(PINS, F_OK) < 0 && errno == ENOENT;
}

/* --- successors ------------------------------------------------------------------------------- */

static void same_rows(const struct plan_state *a, const struct plan_state *b)
{
	assert_int_equal(a->fronts.n, b->fronts.n);
	assert_int_equal(a->services.n, b->services.n);
	assert_int_equal(a->backends.n, b->backends.n);
	assert_int_equal(a->runs.n, b->runs.n);
	assert_memory_equal(a->fronts.list, b->fronts.list, a->fronts.n * sizeof(*a->fronts.list));
	for (size_t i = 0; i < a->runs.n; i++) {
		assert_int_equal(a->runs.list[i].service_id, b->runs.list[i].service_id);
		assert_int_equal(a->runs.list[i].run, b->runs.list[i].run);
	}
	assert_memory_equal(a->backends.list, b->backends.list,
			    a->backends.n * sizeof(*a->backends.list));
	for (size_t i = 0; i < a->services.n; i++) {
		assert_string_equal(a->services.list[i].name, b->services.list[i].name);
		assert_memory_equal(&a->services.list[i].info, &b->services.list[i].info,
				    sizeof(a->services.list[i].info));
	}
}

static void a_successor_finds_all_as_it_was(void **state)
{
	_cleanup_(plan_state_done) struct plan_state before = { 0 }, after = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	_cleanup_(table_done) struct table want = three();
	struct agent *a = *state;

	started(a);
	agent_make(a, &want);
	assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2);
	assert_int_equal(dataplane_read_state(a->dataplane, &before), 0);
	agent_stop(a);
	assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2); /* I4 */
	started(a);
	assert_int_equal(dataplane_read_state(a->dataplane, &after), 0);
	same_rows(&before, &after);
	assert_int_equal(agent_counters(a, "a").redirected, 2);
	assert_int_equal(planner_make(a->planner, &want, &plan), 0);
	assert_int_equal(plan.ops.n, 0);
}

static void *connect_until(void *stop)
{
	intptr_t failed = 0;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		int reached = playground_reach("127.254.0.1:80", SOCKET_TCP);

		failed += reached != 1 && reached != 2;
	}
	return (void *)failed;
}

static void no_connect_notices_one_succession_after_another(void **state)
{
	struct agent *a = *state;
	bool stop = false;
	pthread_t thread;
	void *failed;

	started(a);
	agent_become(a, three());
	require(pthread_create(&thread, NULL, connect_until, &stop) == 0);
	for (int i = 0; i < TAKEOVERS; i++) {
		agent_stop(a);
		a->options.without_set_retval = i % 2;
		started(a);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	require(pthread_join(thread, &failed) == 0);
	assert_int_equal((intptr_t)failed, 0);
}

static void a_second_agent_is_told_the_pid_of_the_first(void **state)
{
	struct agent *a = *state, second;
	char wanted[128];

	started(a);
	agent_init(&second);
	assert_int_equal(agent_start(&second), -EBUSY);
	(void)snprintf(wanted, sizeof(wanted), PINS ": another shuntd is running here: pid %d",
		       getpid());
	assert_string_equal(second.problems.lines[0], wanted);
	diag_done(&second.problems);
}

static void pins_of_another_layout_are_refused_with_both_numbers(void **state)
{
	_cleanup_close_ int meta = -1;
	struct dataplane *reader = NULL;
	struct diag problems = { 0 };
	struct shunt_meta value;
	struct agent *a = *state;
	uint32_t zero = 0;
	char wanted[256];

	started(a);
	agent_become(a, three());
	agent_stop(a);
	meta = bpf_obj_get(PINS "/shunt_meta");
	assert_return_code(meta, errno);
	assert_return_code(bpf_map_lookup_elem(meta, &zero, &value), errno);
	value.layout = 77;
	assert_return_code(bpf_map_update_elem(meta, &zero, &value, BPF_ANY), errno);
	(void)snprintf(wanted, sizeof(wanted),
		       PINS
		       ": the pinned maps have layout 77, this program has layout %d: run the "
		       "shuntctl of the version that made them with `detach`, then start again",
		       SHUNT_LAYOUT_VERSION);
	assert_int_equal(agent_start(a), -EPROTO);
	assert_string_equal(a->problems.lines[0], wanted);
	assert_int_equal(dataplane_open_reader(PLAYGROUND_BPFFS, &reader, &problems), -EPROTO);
	assert_string_equal(problems.lines[0], wanted);
	diag_done(&problems);
	assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2);
}

/* --- pins left half-made ---------------------------------------------------------------------- */

static void half_made_pins_are_repaired(void **state)
{
	static const char *const missing[][3] = {
		{ "shunt_meta" },
		{ "link_connect4" },
		{ "link_getpeername6", "prog_connect6", "link_connect6" },
		{ "shunt_meta", "link_connect4", "shunt_slots" },
	};
	struct agent *a = *state;

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		started(a);
		agent_become(a, three());
		agent_stop(a);
		for (size_t j = 0; j < 3 && missing[i][j]; j++) {
			char path[128];

			(void)snprintf(path, sizeof(path), PINS "/%s", missing[i][j]);
			assert_return_code(unlink(path), errno);
		}
		started(a);
		agent_become(a, three());
		assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2);
		assert_int_equal(playground_reach("[fd00::f1]:80", SOCKET_TCP), 103);
		assert_int_equal(playground_reach("127.254.0.3:9", SOCKET_UDP), 4);
		agent_stop(a);
	}
}

/* One program each, not two, after all these links came and went. */
static void a_link_is_replaced_not_added(void **state)
{
	_cleanup_close_ int cgroup = open(playground_cgroup(), O_RDONLY | O_DIRECTORY);
	struct agent *a = *state;
	uint32_t ids[8], n = ARRAY_SIZE(ids), flags;

	started(a);
	agent_stop(a);
	assert_return_code(unlink(PINS "/link_connect4"), errno);
	started(a);
	assert_return_code(bpf_prog_query(cgroup, BPF_CGROUP_INET4_CONNECT, 0, &flags, ids, &n),
			   errno);
	assert_int_equal(n, 1);
}

static void it_knows_its_cgroup_by_path_and_id(void **state)
{
	struct agent *a = *state;
	uint64_t id = 0;
	struct stat st;

	started(a);
	assert_return_code(stat(playground_cgroup(), &st), errno);
	assert_string_equal(dataplane_cgroup(a->dataplane, &id), playground_cgroup());
	assert_int_equal(id, st.st_ino);
	assert_int_equal(dataplane_check(a->dataplane, &a->problems), 0);
	assert_int_equal(a->problems.total, 0);
}

/* The kernel lets go of a removed cgroup's links a little later. */
static bool is_severed(struct agent *a)
{
	for (int attempt = 0; attempt < 500; attempt++) {
		if (dataplane_check(a->dataplane, &a->problems) == -ENOLINK)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static void a_link_to_a_cgroup_that_is_gone_is_made_anew(void **state)
{
	_cleanup_free_ char *other = playground_make_cgroup("other");
	struct agent *a = *state;

	a->options.cgroup = other;
	started(a);
	agent_become(a, three());
	assert_int_equal(dataplane_check(a->dataplane, &a->problems), 0);
	assert_return_code(rmdir(other), errno);
	assert_true(is_severed(a));
	agent_stop(a);
	a->options.cgroup = playground_cgroup();
	started(a);
	assert_int_equal(dataplane_check(a->dataplane, &a->problems), 0);
	assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2);
}

/* --- others on the same hooks ----------------------------------------------------------------- */

static void is_in_the_way(struct agent *a, const char *cgroup, int hook, const char *hook_name)
{
	int program = playground_attach_foreign(cgroup, "not_ours", hook, 0);
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	char wanted[1024];

	assert_return_code(bpf_obj_get_info_by_fd(program, &info, &length), errno);
	(void)snprintf(wanted, sizeof(wanted),
		       "%s: program %u ('not_ours') is attached to %s exclusively (without "
		       "BPF_F_ALLOW_MULTI), so nothing can be attached beside it. Have its owner "
		       "attach it by a link or with the flag, or remove it: bpftool cgroup detach "
		       "%s %s id %u",
		       cgroup, info.id, hook_name, cgroup, hook_name, info.id);
	assert_int_equal(agent_start(a), -EEXIST);
	assert_string_equal(a->problems.lines[0], wanted);
	assert_true(nothing_is_pinned());
	playground_detach_foreign(cgroup, program, hook);
}

static void an_exclusive_program_of_others_is_named_and_nothing_is_left(void **state)
{
	_cleanup_free_ char *foreign = playground_make_cgroup("foreign");
	struct agent *a = *state;

	is_in_the_way(a, playground_cgroup(), BPF_CGROUP_INET4_CONNECT, "connect4");
	is_in_the_way(a, playground_cgroup(), BPF_CGROUP_INET6_CONNECT, "connect6");
	is_in_the_way(a, playground_cgroup(), BPF_CGROUP_INET6_GETPEERNAME, "getpeername6");
	/* on the parent */
	a->options.cgroup = foreign;
	is_in_the_way(a, playground_cgroup(), BPF_CGROUP_INET4_CONNECT, "connect4");
	a->options.cgroup = playground_cgroup();
	started(a);
}

/* Whether the programs of others that are found are this one only, on connect4. */
static void is_found_beside(const struct agent *a, int program, const char *cgroup, bool displaced)
{
	_cleanup_(foreigners_done) struct foreigners found = { 0 };
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	assert_return_code(bpf_obj_get_info_by_fd(program, &info, &length), errno);
	assert_int_equal(dataplane_find_foreign(a->dataplane, &found), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.list[0].program, info.id);
	assert_string_equal(found.list[0].name, info.name);
	assert_string_equal(found.list[0].hook, "connect4");
	assert_string_equal(found.list[0].cgroup, cgroup);
	assert_int_equal(found.list[0].is_displaced, displaced);
}

static void a_program_beside_is_no_problem_and_is_found(void **state)
{
	struct agent *a = *state;
	int program = playground_attach_foreign(playground_cgroup(), "beside",
						BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI);
	struct foreigners none = { 0 };

	started(a);
	agent_become(a, three());
	assert_in_range(playground_reach("127.254.0.1:80", SOCKET_TCP), 1, 2);
	is_found_beside(a, program, playground_cgroup(), false);
	playground_detach_foreign(playground_cgroup(), program, BPF_CGROUP_INET4_CONNECT);
	assert_int_equal(dataplane_find_foreign(a->dataplane, &none), 0);
	assert_int_equal(none.n, 0);
}

/* Above ours: one that runs too, and one that allowed to be overridden, and so does not. */
static void a_program_above_is_found_and_told_whether_it_still_runs(void **state)
{
	_cleanup_free_ char *below = playground_make_cgroup("foreign");
	static const struct {
		unsigned int flags;
		bool displaced;
	} cases[] = { { BPF_F_ALLOW_MULTI, false }, { BPF_F_ALLOW_OVERRIDE, true } };
	struct agent *a = *state;

	a->options.cgroup = below;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int program = playground_attach_foreign(playground_cgroup(), "above",
							BPF_CGROUP_INET4_CONNECT, cases[i].flags);

		started(a);
		is_found_beside(a, program, playground_cgroup(), cases[i].displaced);
		agent_stop(a);
		playground_detach_foreign(playground_cgroup(), program, BPF_CGROUP_INET4_CONNECT);
	}
	a->options.cgroup = playground_cgroup();
	started(a);
}

/* --- where it cannot start -------------------------------------------------------------------- */

/* In a child, whose cgroup namespace begins at the playground: its root is not the root. */
static void the_root_of_a_private_cgroup_namespace_is_refused_unless_configured(void **state)
{
	struct agent *a = *state;
	int status;
	pid_t child = fork();

	assert_return_code(child, errno);
	if (child == 0) {
		require(unshare(CLONE_NEWCGROUP | CLONE_NEWNS) == 0);
		require(system("umount -a -t cgroup2; mkdir -p /mnt/cgroup; "
			       "mount -t cgroup2 none /mnt/cgroup") == 0);
		a->options.cgroup = NULL;
		require(agent_start(a) == -ENOTDIR);
		require(strstr(a->problems.lines[0], "/mnt/cgroup: this cgroup2 root has id "));
		require(strstr(a->problems.lines[0],
			       "it is the root of a private cgroup namespace, and tasks outside it "
			       "would not be redirected. Mount the host's /sys/fs/cgroup into the "
			       "container and set \"cgroup\" to that path"));
		require(access(PINS, F_OK) < 0);
		a->options.cgroup = "/mnt/cgroup";
		require(agent_start(a) == 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void what_is_no_cgroup_is_refused(void **state)
{
	struct agent *a = *state;

	a->options.cgroup = "/mnt";
	assert_int_equal(agent_start(a), -ENOTDIR);
	assert_string_equal(
		a->problems.lines[0],
		"/mnt: not a cgroup2 directory: set \"cgroup\" to one, or leave it out to "
		"use the root found on the machine");
	a->options.cgroup = "/mnt/nowhere";
	assert_int_equal(agent_start(a), -ENOTDIR);
	assert_string_equal(
		a->problems.lines[0],
		"/mnt/nowhere: cannot open the configured cgroup: No such file or directory: set "
		"\"cgroup\" to a cgroup2 directory, or leave it out to use the root found on the "
		"machine");
	assert_true(nothing_is_pinned());
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	require(syscall(SYS_capset, &header, none) == 0);
}

static void without_privileges_it_says_which_are_lacking(void **state)
{
	struct agent *a = *state;
	int status;
	pid_t child;

	started(a); /* mounts the bpffs */
	agent_end(a);
	child = fork();
	if (child == 0) {
		drop_capabilities();
		require(agent_start(a) == -EPERM);
		require(strstr(a->problems.lines[0], "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"));
		require(access(PINS, F_OK) < 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* --- detaching -------------------------------------------------------------------------------- */

static bool is_attached(void)
{
	_cleanup_close_ int cgroup = open(playground_cgroup(), O_RDONLY | O_DIRECTORY);
	static const enum bpf_attach_type types[] = {
		BPF_CGROUP_INET4_CONNECT,     BPF_CGROUP_INET6_CONNECT,
		BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME,
		BPF_CGROUP_UDP4_SENDMSG,      BPF_CGROUP_UDP6_SENDMSG,
		BPF_CGROUP_UDP4_RECVMSG,      BPF_CGROUP_UDP6_RECVMSG,
	};
	uint32_t total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint32_t ids[8], n = ARRAY_SIZE(ids), flags;

		require(bpf_prog_query(cgroup, types[i], 0, &flags, ids, &n) == 0);
		total += n;
	}
	return total > 0;
}

static void detaching_leaves_nothing_whether_the_agent_lives_or_not(void **state)
{
	struct diag problems = { 0 };
	struct agent *a = *state;

	for (int alive = 0; alive < 2; alive++) {
		int pid = -1;

		started(a);
		agent_become(a, three());
		assert_true(is_attached());
		if (!alive)
			agent_stop(a);
		assert_int_equal(dataplane_detach(PLAYGROUND_BPFFS, &pid, &problems), 0);
		assert_int_equal(pid, alive ? getpid() : 0);
		assert_true(nothing_is_pinned());
		assert_false(is_attached());
		assert_int_equal(playground_reach("127.254.0.1:80", SOCKET_UDP), 0);
		if (alive) {
			assert_int_equal(dataplane_check(a->dataplane, &problems), -ENOLINK);
			agent_stop(a);
		}
		assert_int_equal(dataplane_detach(PLAYGROUND_BPFFS, &pid, &problems), -ENOENT);
	}
	diag_done(&problems);
}

static void a_reader_of_nothing_is_told_so(void **state)
{
	struct dataplane *reader = NULL;
	struct diag problems = { 0 };

	(void)state;
	assert_int_equal(dataplane_open_reader(PLAYGROUND_BPFFS, &reader, &problems), -ENOENT);
	assert_string_equal(problems.lines[0],
			    PINS ": nothing is pinned here: shuntd has not run since the last boot "
				 "or detach");
	diag_done(&problems);
}

static void pins_are_not_for_everybody(void **state)
{
	struct agent *a = *state;
	struct dirent *entry;
	struct stat st;
	DIR *pins;

	started(a);
	assert_return_code(stat(PINS, &st), errno);
	assert_int_equal(st.st_mode & 07027, 0);
	pins = opendir(PINS);
	assert_non_null(pins);
	while ((entry = readdir(pins))) {
		if (entry->d_name[0] == '.')
			continue;
		assert_return_code(fstatat(dirfd(pins), entry->d_name, &st, 0), errno);
		assert_int_equal(st.st_mode & 07137, 0);
	}
	(void)closedir(pins);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_successor_finds_all_as_it_was),
		TEST(no_connect_notices_one_succession_after_another),
		TEST(a_second_agent_is_told_the_pid_of_the_first),
		TEST(pins_of_another_layout_are_refused_with_both_numbers),
		TEST(half_made_pins_are_repaired),
		TEST(a_link_is_replaced_not_added),
		TEST(it_knows_its_cgroup_by_path_and_id),
		TEST(a_link_to_a_cgroup_that_is_gone_is_made_anew),
		TEST(an_exclusive_program_of_others_is_named_and_nothing_is_left),
		TEST(a_program_beside_is_no_problem_and_is_found),
		TEST(a_program_above_is_found_and_told_whether_it_still_runs),
		TEST(the_root_of_a_private_cgroup_namespace_is_refused_unless_configured),
		TEST(what_is_no_cgroup_is_refused),
		TEST(without_privileges_it_says_which_are_lacking),
		TEST(detaching_leaves_nothing_whether_the_agent_lives_or_not),
		TEST(a_reader_of_nothing_is_told_so),
		TEST(pins_are_not_for_everybody),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
