/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service, "s" at SCENE_VIP, whose backends fail or fill up, and the rows that the programs
 * keep of it. Rows are read from the pins, so with an agent or without one. 10.0.0.N:3000 accepts
 * and closes; at other ports nobody listens but who is told to.
 */
#pragma once

#include "playground.h"

#define SCENE_VIP "127.254.0.1:80"
#define SCENE_WAIT_S 20 /* for a state to come; nobody waits for it to end */

extern struct agent scene;

/* Five failures; times are longer than any test takes: what has to pass is said where it has to. */
extern const struct shunt_rules scene_rules;

/* For cmocka: of the group; before each test, so that nothing has a past. */
int scene_begin(void **state);
int scene_end(void **state);
int scene_clear(void **state);

/*
 * Runs a group of tests, all of which need tracks: what main() returns. Kernels before 5.15 have
 * none, and there one test runs instead: that the start says so.
 */
#define scene_run(tests)                                                                            \
	(playground_linux_is(5, 15)                                                                 \
		 ? cmocka_run_group_tests(tests, scene_begin, scene_end)                            \
		 : cmocka_run_group_tests_name(                                                     \
			   #tests,                                                                  \
			   ((const struct CMUnitTest[]){ cmocka_unit_test(                          \
				   without_tracks_it_is_said_that_nobody_is_ejected_or_limited) }), \
			   scene_begin, scene_end))
void without_tracks_it_is_said_that_nobody_is_ejected_or_limited(void **state);

/* Puts the service in force, in the place of what it was: `backends` as of struct wanted_service.
 */
void scene_set(const char *backends, const struct shunt_rules *rules, uint8_t head_flags);
void scene_set_at(const char *vip, enum shunt_protocol protocol, const char *backends,
		  const struct shunt_rules *rules, uint8_t head_flags);
/* What connects from now on is another task; 0: the one that the test began as. */
void scene_be_task(unsigned int n);

struct shunt_policy scene_policy(void);
struct shunt_counters scene_counters(void);
uint64_t scene_failures(enum shunt_failure failure);
struct shunt_health scene_health(const char *backend);
void scene_put_health(const char *backend, const struct shunt_health *health);
struct shunt_load scene_load(const char *backend);

/* A listener at one address; who accepts is the caller. Connections beyond `backlog` hang. */
int scene_listen(const char *at, int backlog);
/* One that takes nobody any more: SYNs to it are lost. *ret_filler is in its queue. */
int scene_listen_in_vain(const char *at, int *ret_filler);
/* The next that has connected to it. */
int scene_accept(int listener);
/* A socket whose connect() does not wait; its error is seen by scene_error(). */
int scene_start(const char *to, int kind);
void scene_connect_again(int fd, const char *to);
/* Ends what a socket is connected to, or on its way to, by AF_UNSPEC. */
void scene_disconnect(int fd);
/* How its connect() ended, as a negative errno or 0. */
int scene_error(int fd);
/* Has its connection look so much older. */
void scene_age(int fd, uint64_t jiffies);
/* Closes it on the wire as well-behaved applications do: nothing is left but to be counted. */
void scene_end_well(int fd, int peer);

/* Connects until so many were refused; who else is reached is left without a word. */
void scene_fail(const char *to, unsigned int times);

#define SCENE_COUNTS 200

/* How many of a hundred connects playground_reached() whom; [0]: are refused. */
void scene_spread(const char *to, int kind, unsigned int counts[static SCENE_COUNTS]);
/* A socket on its way to 10.0.0.WHO; those that go elsewhere come through and are closed. */
int scene_start_to(unsigned int who);

uint64_t scene_now_ns(void);
/* Is it so within SCENE_WAIT_S? */
bool scene_wait(bool (*is_so)(const void *user), const void *user);
/* Waits until so many connections are active, which fails the test if they do not become. */
void scene_wait_active(int64_t active);
