/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/resolver.h"
#include "sources/source.h"
#include "dns_server.h"
#include "loop.h"
#include "source_news.h"

#define NAME "svc.internal"

struct fixture {
	uv_loop_t loop;
	struct dns_server server;
	struct resolver *resolver;
	struct requests requests;
	struct source_env env;
	struct config config;
	struct source *source;
	struct news news;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	dns_server_start(&f->server, &f->loop);
	assert_int_equal(resolver_new(&f->loop, &f->server.at, 1, NULL, &f->resolver), 0);
	f->env = (struct source_env){ .loop = &f->loop,
				      .resolver = f->resolver,
				      .requests = &f->requests };
	f->config.vips.addr = addr_from_ipv4((const uint8_t[]){ 127, 254, 0, 0 });
	f->config.dns_ttl.min_ms = 1000;
	f->config.dns_ttl.max_ms = 300000;
	f->news.loop = &f->loop;
	*state = f;
	return 0;
}

static void start(struct fixture *f, enum config_dns_type type, uint16_t port)
{
	struct config_service service = {
		.source = CONFIG_SOURCE_DNS,
		.dns = { .name = (char[]){ NAME }, .type = type, .port = port }
	};
	struct source_sink sink = news_sink(&f->news);

	assert_int_equal(source_dns.start(&f->env, &f->config, &service, &sink, &f->source), 0);
	assert_int_equal(f->news.n, 0);
	assert_int_equal(source_dns.next_ms(f->source), 0);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->source)
		source_dns.stop(f->source);
	resolver_free(f->resolver);
	dns_server_stop(&f->server);
	loop_finish(&f->loop);
	free(f);
	return 0;
}

static uint64_t wait_ms(const struct fixture *f)
{
	return source_dns.next_ms(f->source) - uv_now(&f->loop);
}

/* Each: what the server has, what the sink is told first, and after how long it is asked again. */
static const struct {
	const char *what;
	enum config_dns_type type;
	struct dns_row rows[6];
	const char *news;
	uint64_t wait_min_ms, wait_max_ms;
	const char *count; /* operation and code that was counted once */
} cases[] = {
	{ "addresses get the configured port, the smallest TTL counts",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".",
			  .type = 1,
			  .answer = { NAME ". 40 IN A 10.0.1.2", NAME ". 20 IN A 10.0.1.1",
				      NAME ". 20 IN A 10.0.1.1" } } } },
	  "10.0.1.1:3000*1 10.0.1.2:3000*1",
	  19000,
	  20000,
	  "A ok" },
	{ "IPv6",
	  CONFIG_DNS_AAAA,
	  { { .packet = { .name = NAME ".",
			  .type = 28,
			  .answer = { NAME ". 0 IN AAAA 2001:db8::1" } } } },
	  "[2001:db8::1]:3000*1",
	  900,
	  1000,
	  "AAAA ok" },
	{ "a TTL of a day is five minutes",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".",
			  .type = 1,
			  .answer = { NAME ". 86400 IN A 10.0.1.1" } } } },
	  "10.0.1.1:3000*1",
	  299000,
	  300000,
	  "A ok" },
	{ "what is no address of a host is left out and counted",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".",
			  .type = 1,
			  .answer = { NAME ". 40 IN A 0.0.0.0", NAME ". 20 IN A 224.0.0.1",
				      NAME ". 20 IN A 10.0.1.1" } } } },
	  "10.0.1.1:3000*1 rejected 2: 0.0.0.0 is not the address of a host",
	  19000,
	  20000,
	  "A ok" },
	{ "SRV with its addresses: no further question",
	  CONFIG_DNS_SRV,
	  { { .packet = { .name = NAME ".",
			  .type = 33,
			  .answer = { NAME ". 60 IN SRV 1 0 8080 i-1.internal.",
				      NAME ". 60 IN SRV 1 7 8081 i-2.internal.",
				      NAME ". 60 IN SRV 2 7 8082 i-3.internal." },
			  .additional = { "i-1.internal. 30 IN A 10.0.1.1",
					  "i-1.internal. 10 IN AAAA 2001:db8::1",
					  "i-2.internal. 30 IN AAAA 2001:db8::2" } } } },
	  "10.0.1.1:8080*1 [2001:db8::2]:8081*7",
	  29000,
	  30000,
	  "SRV ok" },
	{ "weights beyond the limit keep their proportions",
	  CONFIG_DNS_SRV,
	  { { .packet = { .name = NAME ".",
			  .type = 33,
			  .answer = { NAME ". 60 IN SRV 1 20000 80 i-1.internal.",
				      NAME ". 60 IN SRV 1 10000 80 i-2.internal.",
				      NAME ". 60 IN SRV 1 3 80 i-3.internal." },
			  .additional = { "i-1.internal. 60 IN A 10.0.1.1",
					  "i-2.internal. 60 IN A 10.0.1.2",
					  "i-3.internal. 60 IN A 10.0.1.3" } } } },
	  "10.0.1.1:80*1000 10.0.1.2:80*500 10.0.1.3:80*1",
	  59000,
	  60000,
	  "SRV ok" },
	{ "targets without an address are asked for A and then AAAA",
	  CONFIG_DNS_SRV,
	  { { .packet = { .name = NAME ".",
			  .type = 33,
			  .answer = { NAME ". 60 IN SRV 1 1 80 i-1.internal.",
				      NAME ". 60 IN SRV 1 1 80 i-2.internal." } } },
	    { .packet = { .name = "i-1.internal.",
			  .type = 1,
			  .answer = { "i-1.internal. 9 IN A 10.0.1.1" } } },
	    { .packet = { .name = "i-2.internal.", .type = 1, .authority = { DNS_SERVER_SOA } } },
	    { .packet = { .name = "i-2.internal.",
			  .type = 28,
			  .answer = { "i-2.internal. 60 IN AAAA 2001:db8::2" } } } },
	  "10.0.1.1:80*1 [2001:db8::2]:80*1",
	  8000,
	  9000,
	  "AAAA ok" },
	{ "a target that does not exist is left out and counted",
	  CONFIG_DNS_SRV,
	  { { .packet = { .name = NAME ".",
			  .type = 33,
			  .answer = { NAME ". 300 IN SRV 1 1 80 i-1.internal.",
				      NAME ". 300 IN SRV 1 1 80 gone.internal.",
				      NAME ". 300 IN SRV 1 1 0 i-1.internal." },
			  .additional = { "i-1.internal. 300 IN A 10.0.1.1" } } } },
	  "10.0.1.1:80*1 rejected 2: gone.internal has no address",
	  29000,
	  30000,
	  "AAAA NXDOMAIN" },
	{ "a target that cannot be asked for fails the whole",
	  CONFIG_DNS_SRV,
	  { { .packet = { .name = NAME ".",
			  .type = 33,
			  .answer = { NAME ". 60 IN SRV 1 1 80 i-1.internal.",
				      NAME ". 60 IN SRV 1 1 80 i-2.internal." },
			  .additional = { "i-1.internal. 60 IN A 10.0.1.1" } } },
	    { .packet = { .name = "i-2.internal.", .type = 1, .rcode = 2 } } },
	  "failed partial: A i-2.internal: SERVFAIL",
	  400,
	  1000,
	  "A SERVFAIL" },
	{ "a name that does not exist is empty",
	  CONFIG_DNS_A,
	  { { .packet = { .name = "x." } } },
	  "nothing",
	  29000,
	  30000,
	  "A NXDOMAIN" },
	{ "a name without such records is empty",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1 } } },
	  "nothing",
	  4000,
	  5000,
	  "A NODATA" },
	{ "SERVFAIL",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1, .rcode = 2 } } },
	  "failed SERVFAIL: A " NAME,
	  400,
	  1000,
	  "A SERVFAIL" },
	{ "REFUSED",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1, .rcode = 5 } } },
	  "failed REFUSED: A " NAME,
	  400,
	  1000,
	  "A REFUSED" },
	{ "garbage",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1 }, .behaviour = DNS_SENDS_GARBAGE } },
	  "failed garbled: A " NAME ": cut off or malformed",
	  400,
	  1000,
	  "A garbled" },
	{ "silence",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1 }, .behaviour = DNS_IS_SILENT } },
	  "failed timeout: A " NAME,
	  400,
	  1000,
	  "A timeout" },
	{ "more than a datagram holds",
	  CONFIG_DNS_A,
	  { { .packet = { .name = NAME ".", .type = 1, .answer = { NAME ". 60 IN A 10.0.1.1" } },
	      .behaviour = DNS_TRUNCATES } },
	  "10.0.1.1:3000*1",
	  59000,
	  60000,
	  "A ok" },
};

static uint64_t count_of(const struct requests *r, const char *wanted)
{
	for (size_t i = 0; i < r->n; i++) {
		char text[128];

		assert_string_equal(r->rows[i].source, "dns");
		snprintf(text, sizeof(text), "%s %s", r->rows[i].operation, r->rows[i].code);
		if (streq(text, wanted))
			return r->rows[i].count;
	}
	return 0;
}

static void every_answer_is_told_and_asked_for_again_in_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *fixture = NULL;
		struct fixture *f;

		print_message("  %s\n", cases[i].what);
		set_up(&fixture);
		f = fixture;
		DNS_SERVER_SET(&f->server, cases[i].rows);
		f->server.n_rows = 0;
		while (f->server.n_rows < ARRAY_SIZE(cases[i].rows) &&
		       cases[i].rows[f->server.n_rows].packet.name)
			f->server.n_rows++;
		start(f, cases[i].type, 3000);
		news_wait(&f->news, 1);
		assert_string_equal(f->news.last, cases[i].news);
		assert_in_range(wait_ms(f), cases[i].wait_min_ms, cases[i].wait_max_ms);
		assert_int_equal(count_of(&f->requests, cases[i].count), 1);
		tear_down(&fixture);
	}
}

static const struct dns_row short_lived[] = {
	{ .packet = { .name = NAME ".", .type = 1, .answer = { NAME ". 1 IN A 10.0.1.1" } } },
};
static const struct dns_row moved[] = {
	{ .packet = { .name = NAME ".", .type = 1, .answer = { NAME ". 100 IN A 10.0.1.2" } } },
};
static const struct dns_row failing[] = {
	{ .packet = { .name = NAME ".", .type = 1, .rcode = LDNS_RCODE_SERVFAIL } },
};

static void a_change_is_seen_when_the_ttl_is_over(void **state)
{
	struct fixture *f = *state;

	DNS_SERVER_SET(&f->server, short_lived);
	start(f, CONFIG_DNS_A, 80);
	news_wait(&f->news, 1);
	assert_string_equal(f->news.last, "10.0.1.1:80*1");
	DNS_SERVER_SET(&f->server, moved);
	news_wait(&f->news, 2);
	assert_string_equal(f->news.last, "10.0.1.2:80*1");
	assert_int_equal(f->server.asked, 2);
}

static void ttls_are_kept_within_the_configured_bounds(void **state)
{
	struct fixture *f = *state;

	f->config.dns_ttl.min_ms = 3000;
	f->config.dns_ttl.max_ms = 7000;
	DNS_SERVER_SET(&f->server, short_lived);
	start(f, CONFIG_DNS_A, 80);
	news_wait(&f->news, 1);
	assert_in_range(wait_ms(f), 2900, 3000);
	DNS_SERVER_SET(&f->server, moved);
	source_dns.refresh(f->source);
	news_wait(&f->news, 2);
	assert_in_range(wait_ms(f), 6900, 7000);
	f->server.n_rows = 0; /* NXDOMAIN, of a minute */
	source_dns.refresh(f->source);
	news_wait(&f->news, 3);
	assert_string_equal(f->news.last, "nothing");
	assert_in_range(wait_ms(f), 6900, 7000);
}

#define DRAWN(a, b, c, d, e, f, g, h)                                    \
	{                                                                \
		{                                                        \
			.packet = {                                      \
				.name = NAME ".",                        \
				.type = 1,                               \
				.answer = { NAME ". 9 IN A 10.0.1." #a,  \
					    NAME ". 9 IN A 10.0.1." #b,  \
					    NAME ". 9 IN A 10.0.1." #c,  \
					    NAME ". 9 IN A 10.0.1." #d,  \
					    NAME ". 9 IN A 10.0.1." #e,  \
					    NAME ". 9 IN A 10.0.1." #f,  \
					    NAME ". 9 IN A 10.0.1." #g,  \
					    NAME ". 9 IN A 10.0.1." #h } \
			}                                                \
		}                                                        \
	}
#define UP_TO_8                                                                  \
	"10.0.1.1:80*1 10.0.1.2:80*1 10.0.1.3:80*1 10.0.1.4:80*1 10.0.1.5:80*1 " \
	"10.0.1.6:80*1 10.0.1.7:80*1 10.0.1.8:80*1"

#define EIGHT_AT_MOST " note: an answer shows 8 at most: all of the last 4 answers are in force"

static void answers_of_eight_records_add_up(void **state)
{
	static const struct dns_row one[] = DRAWN(1, 2, 3, 4, 5, 6, 7, 8);
	static const struct dns_row two[] = DRAWN(9, 2, 3, 4, 5, 6, 7, 8);
	struct fixture *f = *state;
	size_t told = 0;

	DNS_SERVER_SET(&f->server, one);
	start(f, CONFIG_DNS_A, 80);
	news_wait(&f->news, ++told);
	assert_string_equal(f->news.last, UP_TO_8 " and more");
	DNS_SERVER_SET(&f->server, two);
	for (; told < 4; told++) {
		source_dns.refresh(f->source);
		news_wait(&f->news, told + 1);
		assert_string_equal(f->news.last,
				    told < 3 ? UP_TO_8 " 10.0.1.9:80*1 and more" EIGHT_AT_MOST
					     : UP_TO_8 " 10.0.1.9:80*1" EIGHT_AT_MOST);
	}
	DNS_SERVER_SET(&f->server, failing);
	source_dns.refresh(f->source);
	news_wait(&f->news, ++told);
	DNS_SERVER_SET(&f->server, two);
	source_dns.refresh(f->source);
	news_wait(&f->news, ++told);
	assert_string_equal(f->news.last, strchr(UP_TO_8 " 10.0.1.9:80*1", ' ') + 1);
	DNS_SERVER_SET(&f->server, moved);
	source_dns.refresh(f->source);
	news_wait(&f->news, ++told);
	assert_string_equal(f->news.last, "10.0.1.2:80*1");
}

static void failures_wait_longer_and_a_good_answer_ends_that(void **state)
{
	struct fixture *f = *state;

	DNS_SERVER_SET(&f->server, failing);
	start(f, CONFIG_DNS_A, 80);
	for (size_t n = 1; n <= 8; n++) {
		uint64_t longest = MIN(1000u << (n - 1), 15000u);

		news_wait(&f->news, n);
		assert_string_equal(f->news.last, "failed SERVFAIL: A " NAME);
		assert_in_range(wait_ms(f), longest / 2 - 10, longest);
		source_dns.refresh(f->source);
	}
	DNS_SERVER_SET(&f->server, moved);
	news_wait(&f->news, 9);
	assert_string_equal(f->news.last, "10.0.1.2:80*1");
	DNS_SERVER_SET(&f->server, failing);
	source_dns.refresh(f->source);
	news_wait(&f->news, 10);
	assert_in_range(wait_ms(f), 490, 1000);
}

static void what_nobody_uses_is_looked_at_seldom_and_at_once_when_used(void **state)
{
	struct fixture *f = *state;

	f->news.idle = true;
	DNS_SERVER_SET(&f->server, short_lived);
	start(f, CONFIG_DNS_A, 80);
	news_wait(&f->news, 1);
	assert_in_range(wait_ms(f), 11000, 12000);
	source_dns.wake(f->source);
	assert_in_range(wait_ms(f), 0, 1000);
	source_dns.wake(f->source);
	news_wait(&f->news, 2);
	assert_in_range(wait_ms(f), 11000, 12000);
	DNS_SERVER_SET(&f->server, failing);
	source_dns.refresh(f->source);
	news_wait(&f->news, 3);
	assert_in_range(wait_ms(f), 400, 1000);
	source_dns.wake(f->source);
	assert_in_range(wait_ms(f), 300, 1000);
	DNS_SERVER_SET(&f->server, moved); /* with a TTL of 100 s */
	source_dns.refresh(f->source);
	news_wait(&f->news, 4);
	assert_in_range(wait_ms(f), 99000, 100000);
}

static void a_refresh_asks_at_once_and_only_once(void **state)
{
	struct fixture *f = *state;

	DNS_SERVER_SET(&f->server, moved);
	start(f, CONFIG_DNS_A, 0);
	source_dns.refresh(f->source);
	news_wait(&f->news, 1);
	assert_string_equal(f->news.last, "10.0.1.2:0*1");
	source_dns.refresh(f->source);
	source_dns.refresh(f->source);
	assert_int_equal(source_dns.next_ms(f->source), 0);
	news_wait(&f->news, 2);
	assert_int_equal(f->server.asked, 2);
}

static void with_an_ipv6_vip_targets_are_asked_for_ipv6_first(void **state)
{
	static const struct dns_row rows[] = {
		{ .packet = { .name = NAME ".",
			      .type = 33,
			      .answer = { NAME ". 60 IN SRV 1 1 80 i-1.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-2.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-3.internal." },
			      .additional = { "i-1.internal. 60 IN A 10.0.1.1",
					      "i-1.internal. 60 IN AAAA 2001:db8::1" } } },
		{ .packet = { .name = "i-2.internal.",
			      .type = 28,
			      .answer = { "i-2.internal. 60 IN AAAA 2001:db8::2" } } },
		{ .packet = { .name = "i-3.internal.",
			      .type = 1,
			      .answer = { "i-3.internal. 60 IN A 10.0.1.3" } } },
	};
	struct fixture *f = *state;

	f->config.vips.addr = addr_from_ipv6((const uint8_t[16]){ 0xfd });
	DNS_SERVER_SET(&f->server, rows);
	start(f, CONFIG_DNS_SRV, 0);
	news_wait(&f->news, 1);
	assert_string_equal(f->news.last, "10.0.1.3:80*1 [2001:db8::1]:80*1 [2001:db8::2]:80*1");
	assert_null(strstr(f->server.log, "\nA i-2.internal"));
}

static void many_targets_are_asked_for_a_few_at_a_time(void **state)
{
	static const struct dns_row rows[] = {
		{ .packet = { .name = NAME ".",
			      .type = 33,
			      .answer = { NAME ". 60 IN SRV 1 1 80 i-1.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-2.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-3.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-4.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-5.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-6.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-7.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-8.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-9.internal.",
					  NAME ". 60 IN SRV 1 1 80 i-10.internal." } } },
	};
	struct fixture *f = *state;

	DNS_SERVER_SET(&f->server, rows);
	start(f, CONFIG_DNS_SRV, 0);
	news_wait(&f->news, 1);
	assert_string_equal(f->news.last, "nothing rejected 10: i-1.internal has no address");
	assert_int_equal(f->server.asked, 21);
}

static void a_source_may_be_stopped_from_within_its_sink(void **state)
{
	struct fixture *f = *state;

	DNS_SERVER_SET(&f->server, short_lived);
	f->news.stop = &f->source;
	start(f, CONFIG_DNS_A, 80);
	news_wait(&f->news, 1);
	assert_null(f->source);
	loop_run_for(&f->loop, 1200);
	assert_int_equal(f->news.n, 1);
}

static void a_stopped_source_is_silent_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	start(f, CONFIG_DNS_A, 80);
	source_dns.stop(f->source);
	f->source = NULL;
	loop_run_for(&f->loop, 50);
	assert_int_equal(f->news.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_told_and_asked_for_again_in_time),
		TEST(a_change_is_seen_when_the_ttl_is_over),
		TEST(ttls_are_kept_within_the_configured_bounds),
		TEST(answers_of_eight_records_add_up),
		TEST(failures_wait_longer_and_a_good_answer_ends_that),
		TEST(what_nobody_uses_is_looked_at_seldom_and_at_once_when_used),
		TEST(a_refresh_asks_at_once_and_only_once),
		TEST(with_an_ipv6_vip_targets_are_asked_for_ipv6_first),
		TEST(many_targets_are_asked_for_a_few_at_a_time),
		TEST(a_source_may_be_stopped_from_within_its_sink),
		TEST(a_stopped_source_is_silent_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("source_dns", tests, NULL, NULL);
}
