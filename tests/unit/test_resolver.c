/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "base/replacement.h"
#include "core/dns_wire.h"
#include "io/resolver.h"
#include "dns_server.h"
#include "loop.h"

struct fixture {
	uv_loop_t loop;
	struct dns_server one, two;
};

struct result {
	bool done;
	char failure[32];
	char text[128]; /* code and first address */
};

static const struct dns_row good[] = {
	{ .packet = { .name = "a.internal.",
		      .type = 1,
		      .answer = { "a.internal. 60 IN A 10.0.0.1" } } },
	{ .packet = { .name = "big.internal.",
		      .type = 1,
		      .answer = { "big.internal. 60 IN A 10.0.0.2" } },
	  .behaviour = DNS_TRUNCATES },
};
static const struct dns_row failing[] = {
	{ .packet = { .name = "a.internal.", .type = 1, .rcode = LDNS_RCODE_SERVFAIL } },
};
static const struct dns_row silent[] = {
	{ .packet = { .name = "a.internal.", .type = 1 }, .behaviour = DNS_IS_SILENT },
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	dns_server_start(&f->one, &f->loop);
	dns_server_start(&f->two, &f->loop);
	DNS_SERVER_SET(&f->one, good);
	DNS_SERVER_SET(&f->two, good);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dns_server_stop(&f->one);
	dns_server_stop(&f->two);
	loop_finish(&f->loop);
	free(f);
	return 0;
}

static void on_done(void *user, const struct resolver_answer *answer)
{
	_cleanup_(dns_wire_done) struct dns_wire_answer a = { 0 };
	struct result *result = user;
	char address[ADDR_TEXT_MAX] = "";
	const char *why;

	assert_false(result->done);
	result->done = true;
	if (answer->failure) {
		util_copy(result->failure, sizeof(result->failure), answer->failure);
		return;
	}
	assert_true(answer->length >= 12);
	if (dns_wire_read(answer->packet, answer->length, "a.internal", DNS_WIRE_A, &a, &why) < 0 &&
	    dns_wire_read(answer->packet, answer->length, "big.internal", DNS_WIRE_A, &a, &why) <
		    0) {
		util_copy(result->text, sizeof(result->text), why);
		return;
	}
	if (a.addresses.n)
		addr_format(&a.addresses.list[0], address);
	snprintf(result->text, sizeof(result->text), "%s %s", a.code, address);
}

/* Asks n servers and waits for the end. */
static struct result ask(struct fixture *f, const struct addr_port *servers, size_t n,
			 const char *name)
{
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	struct resolver_query *q = NULL;
	struct result result = { 0 };

	assert_int_equal(resolver_new(&f->loop, servers, n, NULL, &r), 0);
	assert_int_equal(resolver_ask(r, name, DNS_WIRE_A, on_done, &result, &q), 0);
	assert_false(result.done);
	loop_wait(&f->loop, loop_is_set, &result.done);
	return result;
}

static void an_answer_comes_as_it_was_sent(void **state)
{
	struct fixture *f = *state;
	struct result result = ask(f, &f->one.at, 1, "a.internal");

	assert_string_equal(result.text, "ok 10.0.0.1");
	assert_int_equal(f->one.asked, 1);
}

static void a_truncated_answer_is_asked_for_over_tcp(void **state)
{
	struct fixture *f = *state;
	struct result result = ask(f, &f->one.at, 1, "big.internal");

	assert_string_equal(result.text, "ok 10.0.0.2");
	assert_string_equal(f->one.log, "A big.internal.\ntcp A big.internal.\n");
}

static void a_server_that_fails_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct addr_port servers[] = { f->one.at, f->two.at };
	struct result result;

	DNS_SERVER_SET(&f->one, failing);
	result = ask(f, servers, 2, "a.internal");
	assert_string_equal(result.text, "ok 10.0.0.1");
	assert_int_equal(f->one.asked, 1);
	assert_int_equal(f->two.asked, 1);
}

static void a_failure_of_all_servers_is_passed_on(void **state)
{
	struct fixture *f = *state;
	struct addr_port servers[] = { f->one.at, f->two.at };
	struct result result;

	DNS_SERVER_SET(&f->one, failing);
	DNS_SERVER_SET(&f->two, failing);
	result = ask(f, servers, 2, "a.internal");
	assert_string_equal(result.text, "SERVFAIL ");
	assert_int_equal(f->one.asked + f->two.asked, 2);
}

static void a_silent_server_is_passed_over_after_two_seconds(void **state)
{
	struct fixture *f = *state;
	struct addr_port servers[] = { f->one.at, f->two.at };
	uint64_t start_ms = uv_hrtime() / 1000000;
	struct result result;

	DNS_SERVER_SET(&f->one, silent);
	result = ask(f, servers, 2, "a.internal");
	assert_string_equal(result.text, "ok 10.0.0.1");
	assert_in_range(uv_hrtime() / 1000000 - start_ms, 1900, 60000);
}

static void an_answer_from_elsewhere_is_none(void **state)
{
	static const struct dns_row forged[] = {
		{ .packet = { .name = "a.internal.",
			      .type = 1,
			      .answer = { "a.internal. 60 IN A 10.66.66.66" } },
		  .behaviour = DNS_IS_FORGED },
	};
	struct fixture *f = *state;
	struct addr_port servers[] = { f->one.at, f->two.at };

	DNS_SERVER_SET(&f->one, forged);
	assert_string_equal(ask(f, servers, 2, "a.internal").text, "ok 10.0.0.1");
	assert_int_equal(f->one.asked, 1);
}

static void silence_everywhere_is_a_timeout_within_five_seconds(void **state)
{
	struct fixture *f = *state;
	struct addr_port servers[] = { f->one.at, f->two.at, f->one.at, f->two.at };
	uint64_t start_ms = uv_hrtime() / 1000000;
	struct result result;

	DNS_SERVER_SET(&f->one, silent);
	DNS_SERVER_SET(&f->two, silent);
	result = ask(f, servers, 4, "a.internal");
	assert_string_equal(result.failure, "timeout");
	assert_in_range(uv_hrtime() / 1000000 - start_ms, 4900, 60000);
	assert_int_equal(f->one.asked + f->two.asked, 3);
}

static void an_only_server_is_asked_twice(void **state)
{
	struct fixture *f = *state;
	struct result result;

	DNS_SERVER_SET(&f->one, silent);
	result = ask(f, &f->one.at, 1, "a.internal");
	assert_string_equal(result.failure, "timeout");
	assert_int_equal(f->one.asked, 2);
}

static void nobody_there_is_unreachable(void **state)
{
	struct fixture *f = *state;
	struct addr_port nobody = { .addr = f->one.at.addr, .port = 1 };

	assert_string_equal(ask(f, &nobody, 1, "a.internal").failure, "unreachable");
}

static void a_name_that_cannot_be_asked_for_fails_from_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ask(f, &f->one.at, 1, "a..internal").failure, "bad_name");
	assert_int_equal(f->one.asked, 0);
}

static void a_cancelled_query_is_not_called_back(void **state)
{
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	struct resolver_query *q = NULL, *other = NULL;
	struct result cancelled = { 0 }, kept = { 0 };

	assert_int_equal(resolver_new(&f->loop, &f->one.at, 1, NULL, &r), 0);
	assert_int_equal(resolver_ask(r, "a.internal", 1, on_done, &cancelled, &q), 0);
	assert_int_equal(resolver_ask(r, "a.internal", 1, on_done, &kept, &other), 0);
	resolver_cancel(q);
	resolver_cancel(NULL);
	loop_wait(&f->loop, loop_is_set, &kept.done);
	assert_false(cancelled.done);
}

static void questions_beyond_the_limit_wait_for_a_place(void **state)
{
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	struct result results[RESOLVER_ASKED_MAX + 50] = { 0 };
	struct resolver_query *q;

	assert_int_equal(resolver_new(&f->loop, &f->one.at, 1, NULL, &r), 0);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		assert_int_equal(resolver_ask(r, "a.internal", 1, on_done, &results[i], &q), 0);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		loop_wait(&f->loop, loop_is_set, &results[i].done);
		assert_string_equal(results[i].text, "ok 10.0.0.1");
	}
	assert_int_equal(f->one.asked, ARRAY_SIZE(results));
}

static void a_resolver_ends_with_questions_under_way(void **state)
{
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	struct resolver_query *q;
	struct result result = { 0 };

	DNS_SERVER_SET(&f->one, silent);
	assert_int_equal(resolver_new(&f->loop, &f->one.at, 1, NULL, &r), 0);
	assert_int_equal(resolver_ask(r, "a.internal", 1, on_done, &result, &q), 0);
	assert_int_equal(resolver_ask(r, "a..internal", 1, on_done, &result, &q), 0);
	loop_run_for(&f->loop, 10);
}

static void no_servers_are_refused(void **state)
{
	struct fixture *f = *state;
	struct resolver *r = NULL;

	assert_int_equal(resolver_new(&f->loop, NULL, 0, NULL, &r), -EINVAL);
	assert_null(r);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* Writes a resolv.conf anew, as DHCP clients do: a new file in the place of the old one. */
static void write_servers(const char *path, const char *text)
{
	assert_int_equal(replacement_file(path, text, strlen(text), 0600), 0);
}

static const char *file_of(const struct dns_server *server, char text[static 128])
{
	char at[ADDR_PORT_TEXT_MAX];

	(void)snprintf(text, 128, "# made anew\nsearch internal\nnameserver %s\noptions ndots:5\n",
		       addr_port_format(&server->at, at));
	return text;
}

static struct result ask_one(struct fixture *f, struct resolver *r)
{
	struct resolver_query *q = NULL;
	struct result result = { 0 };

	assert_int_equal(resolver_ask(r, "a.internal", DNS_WIRE_A, on_done, &result, &q), 0);
	loop_wait(&f->loop, loop_is_set, &result.done);
	return result;
}

static void a_file_s_servers_are_asked_and_new_ones_when_it_changes(void **state)
{
	static const char *const useless[] = { "", "options rotate\n", "nameserver nowhere\n" };
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	char path[] = "/tmp/shunt-test-resolver-XXXXXX", text[128];
	unsigned int before;

	close(mkstemp(path));
	write_servers(path, file_of(&f->one, text));
	assert_int_equal(resolver_new(&f->loop, NULL, 0, path, &r), 0);
	assert_string_equal(ask_one(f, r).text, "ok 10.0.0.1");
	assert_int_equal(f->one.asked, 1);
	write_servers(path, file_of(&f->two, text));
	while (f->two.asked == 0)
		assert_string_equal(ask_one(f, r).text, "ok 10.0.0.1");
	before = f->one.asked;
	for (size_t i = 0; i < ARRAY_SIZE(useless); i++) {
		write_servers(path, useless[i]);
		loop_run_for(&f->loop, 1100);
		assert_string_equal(ask_one(f, r).text, "ok 10.0.0.1");
	}
	unlink(path);
	loop_run_for(&f->loop, 1100);
	assert_string_equal(ask_one(f, r).text, "ok 10.0.0.1");
	assert_int_equal(f->one.asked, before);
}

static void a_question_under_way_is_asked_of_the_new_servers(void **state)
{
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;
	char path[] = "/tmp/shunt-test-resolver-XXXXXX", text[128];
	struct result waiting = { 0 };
	struct resolver_query *q = NULL;

	DNS_SERVER_SET(&f->one, silent);
	close(mkstemp(path));
	write_servers(path, file_of(&f->one, text));
	assert_int_equal(resolver_new(&f->loop, NULL, 0, path, &r), 0);
	assert_int_equal(resolver_ask(r, "a.internal", DNS_WIRE_A, on_done, &waiting, &q), 0);
	write_servers(path, file_of(&f->two, text));
	loop_run_for(&f->loop, 1100);
	assert_false(waiting.done);
	assert_string_equal(ask_one(f, r).text, "ok 10.0.0.1"); /* who asks looks at the file */
	loop_wait(&f->loop, loop_is_set, &waiting.done);
	assert_string_equal(waiting.text, "ok 10.0.0.1");
	assert_int_equal(f->two.asked, 2);
	unlink(path);
}

static void without_a_file_the_server_is_this_host(void **state)
{
	struct fixture *f = *state;
	_cleanup_(resolver_free_p) struct resolver *r = NULL;

	assert_int_equal(resolver_new(&f->loop, NULL, 0, "/nonexistent/resolv.conf", &r), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_comes_as_it_was_sent),
		TEST(a_truncated_answer_is_asked_for_over_tcp),
		TEST(a_server_that_fails_is_passed_over),
		TEST(a_failure_of_all_servers_is_passed_on),
		TEST(a_silent_server_is_passed_over_after_two_seconds),
		TEST(an_answer_from_elsewhere_is_none),
		TEST(silence_everywhere_is_a_timeout_within_five_seconds),
		TEST(an_only_server_is_asked_twice),
		TEST(nobody_there_is_unreachable),
		TEST(a_name_that_cannot_be_asked_for_fails_from_the_loop),
		TEST(a_cancelled_query_is_not_called_back),
		TEST(questions_beyond_the_limit_wait_for_a_place),
		TEST(a_resolver_ends_with_questions_under_way),
		TEST(no_servers_are_refused),
		TEST(a_file_s_servers_are_asked_and_new_ones_when_it_changes),
		TEST(a_question_under_way_is_asked_of_the_new_servers),
		TEST(without_a_file_the_server_is_this_host),
	};

	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
