/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "io/tcp_probe.h"

#define PENDING -1
#define PATIENT_MS 10000 /* where an answer comes sooner, however slow the machine is */

struct fixture {
	uv_loop_t loop;
	int listener; /* on loopback, at `at` */
	struct addr_port at;
	int outcome;
	unsigned int outcomes;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(at);

	assert_non_null(f);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(f->listener, 0), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&at, &length), 0);
	f->at.addr = addr_from_ipv4(&at.sin_addr);
	f->at.port = ntohs(at.sin_port);
	f->outcome = PENDING;
	*state = f;
	return 0;
}

/* Whatever became of its probes, nothing is left on the loop. */
static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	if (f->listener >= 0)
		close(f->listener);
	free(f);
	return 0;
}

static void on_outcome(void *user, int error)
{
	struct fixture *f = user;

	f->outcome = error;
	f->outcomes++;
}

static struct tcp_probe *start(struct fixture *f, uint32_t timeout_ms)
{
	struct tcp_probe *p = NULL;

	assert_int_equal(tcp_probe_start(&f->loop, &f->at, timeout_ms, on_outcome, f, &p), 0);
	assert_non_null(p);
	assert_int_equal(f->outcome, PENDING);
	return p;
}

static void a_connection_is_made_and_closed_at_once(void **state)
{
	struct fixture *f = *state;
	char octet;
	int fd;

	(void)start(f, PATIENT_MS);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->outcome, 0);
	assert_int_equal(f->outcomes, 1);
	fd = accept(f->listener, NULL, NULL);
	assert_int_equal(recv(fd, &octet, 1, 0), 0); /* its end, and not a word before */
	close(fd);
}

static void a_refusal_is_told(void **state)
{
	struct fixture *f = *state;

	close(TAKE_FD(f->listener));
	(void)start(f, PATIENT_MS);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->outcome, ECONNREFUSED);
	assert_int_equal(f->outcomes, 1);
}

/* A listener whose queue is full drops what comes. */
static void nobody_answers_and_the_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_storage to;
	socklen_t length = addr_port_sockaddr(&f->at, &to);
	int full[2];

	for (size_t i = 0; i < ARRAY_SIZE(full); i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (const struct sockaddr *)&to, length);
	}
	(void)start(f, 50);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->outcome, ETIMEDOUT);
	assert_int_equal(f->outcomes, 1);
	for (size_t i = 0; i < ARRAY_SIZE(full); i++)
		close(full[i]);
}

static void what_cannot_even_begin_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct tcp_probe *p = NULL;
	const uint8_t multicast[4] = { 224, 0, 0, 1 }; /* where no packet of TCP ever goes */

	f->at.addr = addr_from_ipv4(multicast);
	assert_int_equal(tcp_probe_start(&f->loop, &f->at, PATIENT_MS, on_outcome, f, &p),
			 -ENETUNREACH);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_null(p);
	assert_int_equal(f->outcomes, 0);
}

static void a_probe_that_is_stopped_has_no_outcome(void **state)
{
	struct fixture *f = *state;

	tcp_probe_stop(start(f, PATIENT_MS));
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->outcomes, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_made_and_closed_at_once),
		TEST(a_refusal_is_told),
		TEST(nobody_answers_and_the_time_is_over),
		TEST(what_cannot_even_begin_is_told_at_once),
		TEST(a_probe_that_is_stopped_has_no_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
