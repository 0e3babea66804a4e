/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "core/dns_wire.h"
#include "dns_packet.h"

#define NAME "backend.internal"
#define SOA "internal. 60 IN SOA ns.internal. admin.internal. 1 7200 900 1209600 15"

static int read_packet(const struct dns_packet *p, struct dns_wire_answer *ret,
		       const char **ret_why)
{
	_cleanup_free_ uint8_t *wire = NULL;
	size_t length;

	wire = dns_packet_build(p, &length);
	return dns_wire_read(wire, length, NAME, (enum dns_wire_type)p->type, ret, ret_why);
}

static void format_addresses(FILE *to, const struct dns_wire_addresses *a)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < a->n; i++)
		fprintf(to, " %s", addr_format(&a->list[i], text));
	if (a->n)
		fprintf(to, "/%u", a->ttl_s);
}

/* One line that holds all of an answer, to compare with. */
static char *format_answer(const struct dns_wire_answer *a)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	fprintf(to, "%s %u", a->code, a->ttl_s);
	format_addresses(to, &a->addresses);
	for (size_t i = 0; i < a->n_targets; i++) {
		const struct dns_wire_target *t = &a->targets[i];

		fprintf(to, " [%s %u %u %u", t->name, t->priority, t->weight, t->port);
		format_addresses(to, &t->ipv4);
		format_addresses(to, &t->ipv6);
		fputc(']', to);
	}
	if (a->n_unusable)
		fprintf(to, " unusable %zu", a->n_unusable);
	fclose(to);
	return text;
}

static const struct {
	const char *what;
	struct dns_packet packet;
	enum dns_wire_verdict verdict;
	const char *wanted;
} answers[] = {
	{ "the smallest TTL counts",
	  { .type = DNS_WIRE_A,
	    .answer = { NAME ". 60 IN A 10.0.1.1", NAME ". 20 IN A 10.0.1.2" } },
	  DNS_WIRE_FOUND,
	  "ok 20 10.0.1.1 10.0.1.2/20" },
	{ "names are compared without case",
	  { .type = DNS_WIRE_A, .answer = { "BackEnd.INTERNAL. 60 IN A 10.0.1.1" } },
	  DNS_WIRE_FOUND,
	  "ok 60 10.0.1.1/60" },
	{ "IPv6",
	  { .type = DNS_WIRE_AAAA, .answer = { NAME ". 60 IN AAAA 2001:db8::1" } },
	  DNS_WIRE_FOUND,
	  "ok 60 2001:db8::1/60" },
	{ "a chain of CNAMEs is followed, in any order, its TTLs count",
	  { .type = DNS_WIRE_A,
	    .answer = { "two.internal. 60 IN A 10.0.1.1", "one.internal. 5 IN CNAME two.internal.",
			NAME ". 30 IN CNAME one.internal." } },
	  DNS_WIRE_FOUND,
	  "ok 5 10.0.1.1/60" },
	{ "records of other names, types and classes are not ours",
	  { .type = DNS_WIRE_A,
	    .answer = { NAME ". 60 IN A 10.0.1.1", "other.internal. 1 IN A 10.0.1.2",
			NAME ". 1 CH A 10.0.1.3", NAME ". 1 IN TXT \"x\"" } },
	  DNS_WIRE_FOUND,
	  "ok 60 10.0.1.1/60" },
	{ "a TTL with the top bit set is 0",
	  { .type = DNS_WIRE_A, .answer = { NAME ". 2147483648 IN A 10.0.1.1" } },
	  DNS_WIRE_FOUND,
	  "ok 0 10.0.1.1/0" },
	{ "SRV records come with the addresses that the packet has",
	  { .type = DNS_WIRE_SRV,
	    .answer = { NAME ". 15 IN SRV 1 2 3000 I-1." NAME ".",
			NAME ". 15 IN SRV 1 0 3001 i-2." NAME "." },
	    .additional = { "i-1." NAME ". 60 IN A 10.0.1.1",
			    "i-1." NAME ". 60 IN AAAA 2001:db8::1",
			    "i-9." NAME ". 60 IN A 10.0.1.9" } },
	  DNS_WIRE_FOUND,
	  "ok 15 [i-1.backend.internal 1 2 3000 10.0.1.1/60 2001:db8::1/60] [i-2.backend.internal "
	  "1 0 3001]" },
	{ "two ports of one target have the same addresses",
	  { .type = DNS_WIRE_SRV,
	    .answer = { NAME ". 15 IN SRV 1 1 3000 i.", NAME ". 15 IN SRV 1 1 3001 i." },
	    .additional = { "i. 60 IN A 10.0.1.1" } },
	  DNS_WIRE_FOUND,
	  "ok 15 [i 1 1 3000 10.0.1.1/60] [i 1 1 3001 10.0.1.1/60]" },
	{ "the root as a target is decidedly nothing",
	  { .type = DNS_WIRE_SRV, .answer = { NAME ". 15 IN SRV 0 0 0 ." } },
	  DNS_WIRE_NOTHING,
	  "NODATA 5" },
	{ "a target that needs escapes is unusable",
	  { .type = DNS_WIRE_SRV, .answer = { NAME ". 15 IN SRV 0 0 80 a\\.b.c." } },
	  DNS_WIRE_FOUND,
	  "ok 15 unusable 1" },
	{ "NXDOMAIN is an answer, for the smaller of the SOA's TTLs",
	  { .type = DNS_WIRE_A, .rcode = LDNS_RCODE_NXDOMAIN, .authority = { SOA } },
	  DNS_WIRE_NOTHING,
	  "NXDOMAIN 15" },
	{ "NXDOMAIN at the end of a chain",
	  { .type = DNS_WIRE_A,
	    .rcode = LDNS_RCODE_NXDOMAIN,
	    .authority = { SOA },
	    .answer = { NAME ". 7 IN CNAME gone.internal." } },
	  DNS_WIRE_NOTHING,
	  "NXDOMAIN 7" },
	{ "NODATA",
	  { .type = DNS_WIRE_AAAA, .authority = { SOA } },
	  DNS_WIRE_NOTHING,
	  "NODATA 15" },
	{ "NODATA that does not say for how long",
	  { .type = DNS_WIRE_A },
	  DNS_WIRE_NOTHING,
	  "NODATA 5" },
	{ "a referral says nothing of the name",
	  { .type = DNS_WIRE_A, .authority = { "internal. 60 IN NS ns.internal." } },
	  DNS_WIRE_FAILURE,
	  "referral 4294967295" },
	{ "SERVFAIL", { .type = DNS_WIRE_A, .rcode = 2 }, DNS_WIRE_FAILURE, "SERVFAIL 4294967295" },
	{ "REFUSED", { .type = DNS_WIRE_A, .rcode = 5 }, DNS_WIRE_FAILURE, "REFUSED 4294967295" },
	{ "a response code of tomorrow",
	  { .type = DNS_WIRE_A, .rcode = 13 },
	  DNS_WIRE_FAILURE,
	  "unknown rcode 4294967295" },
};

static void an_answer_is_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_(dns_wire_done) struct dns_wire_answer a = { 0 };
		_cleanup_free_ char *text = NULL;
		struct dns_packet packet = answers[i].packet;
		const char *why = NULL;

		print_message("  %s\n", answers[i].what);
		packet.name = NAME ".";
		assert_int_equal(read_packet(&packet, &a, &why), 0);
		text = format_answer(&a);
		assert_string_equal(text, answers[i].wanted);
		assert_int_equal(a.verdict, answers[i].verdict);
	}
}

static const struct {
	struct dns_packet packet;
	const char *why;
} refused[] = {
	{ { .name = "other.internal.", .type = DNS_WIRE_A }, "an answer to another question" },
	{ { .name = NAME ".", .type = DNS_WIRE_A, .not_an_answer = true }, "not an answer" },
	{ { .name = NAME ".", .type = DNS_WIRE_A, .truncated = true }, "truncated, even over TCP" },
	{ { .name = NAME ".",
	    .type = DNS_WIRE_A,
	    .answer = { NAME ". 1 IN CNAME b.", "b. 1 IN CNAME " NAME "." } },
	  "too long a chain of CNAMEs" },
};

static void what_does_not_answer_the_question_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct dns_wire_answer a = { .ttl_s = 42 };
		const char *why = NULL;

		assert_int_equal(read_packet(&refused[i].packet, &a, &why), -EBADMSG);
		assert_string_equal(why, refused[i].why);
		assert_int_equal(a.ttl_s, 42);
	}
}

static void another_type_than_asked_for_is_refused(void **state)
{
	const struct dns_packet p = { .name = NAME ".", .type = DNS_WIRE_AAAA };
	_cleanup_free_ uint8_t *wire = NULL;
	struct dns_wire_answer a;
	const char *why = NULL;
	size_t length;

	(void)state;
	wire = dns_packet_build(&p, &length);
	assert_int_equal(dns_wire_read(wire, length, NAME, DNS_WIRE_A, &a, &why), -EBADMSG);
	assert_string_equal(why, "an answer to another question");
}

/* Header, then the question for a.: A IN. What follows begins at offset 19. */
#define RAW(answers, ...)                                                                        \
	{                                                                                        \
		0, 0, 0x81, 0x80, 0, 1, (answers) >> 8, (answers)&255, 0, 0, 0, 0, 1, 'a', 0, 0, \
			1, 0, 1, __VA_ARGS__                                                     \
	}
#define FIXED 0, 1, 0, 1, 0, 0, 0, 60

static const struct {
	const char *what;
	uint8_t packet[48];
	size_t length;
	const char *why;
} hostile[] = {
	{ "nothing", { 0 }, 0, "shorter than a header" },
	{ "half a header", { 0 }, 11, "shorter than a header" },
	{ "a header only", RAW(1, 0), 12, "cut off or malformed" },
	{ "a name that points at itself", RAW(1, 0xc0, 19, FIXED, 0, 4, 1, 2, 3, 4), 35,
	  "cut off or malformed" },
	{ "names that point at each other", RAW(1, 0xc0, 21, 0xc0, 19, FIXED, 0, 4, 1, 2, 3, 4), 37,
	  "cut off or malformed" },
	{ "a pointer beyond the end", RAW(1, 0xff, 0xff, FIXED, 0, 4, 1, 2, 3, 4), 35,
	  "cut off or malformed" },
	{ "a label beyond the end", RAW(1, 63, 'x'), 21, "cut off or malformed" },
	{ "fewer records than it says", RAW(2, 1, 'a', 0, FIXED, 0, 4, 1, 2, 3, 4), 36,
	  "cut off or malformed" },
	{ "more records than the limit", RAW(4097, 0), 20, "too many records" },
	{ "an address of 3 octets", RAW(1, 1, 'a', 0, FIXED, 0, 3, 1, 2, 3), 35,
	  "cut off or malformed" },
	{ "an address of 0 octets", RAW(1, 1, 'a', 0, FIXED, 0, 0), 32, "a malformed record" },
	{ "data longer than the packet", RAW(1, 1, 'a', 0, FIXED, 0xff, 0xff, 1, 2, 3, 4), 36,
	  "cut off or malformed" },
};

static void hostile_octets_end_in_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		/* an allocation of its own, so that the sanitizer sees a read beyond the end */
		_cleanup_free_ uint8_t *packet = malloc(hostile[i].length + 1);
		struct dns_wire_answer a;
		const char *why = NULL;

		print_message("  %s\n", hostile[i].what);
		memcpy(packet, hostile[i].packet, hostile[i].length);
		assert_int_equal(dns_wire_read(packet, hostile[i].length, "a", DNS_WIRE_A, &a,
					       &why),
				 -EBADMSG);
		assert_string_equal(why, hostile[i].why);
	}
}

/* Whatever is cut off or flipped, it ends in an answer or an error, never in a fault. */
static void a_packet_damaged_anywhere_does_no_harm(void **state)
{
	const struct dns_packet p = { .name = NAME ".",
				      .type = DNS_WIRE_SRV,
				      .answer = { NAME ". 15 IN SRV 1 2 3000 i-1." NAME "." },
				      .authority = { SOA },
				      .additional = { "i-1." NAME ". 60 IN A 10.0.1.1" } };
	_cleanup_free_ uint8_t *wire = NULL;
	size_t length;

	(void)state;
	wire = dns_packet_build(&p, &length);
	for (size_t bit = 0; bit < length * 8; bit++) {
		_cleanup_(dns_wire_done) struct dns_wire_answer a = { 0 };
		_cleanup_free_ uint8_t *damaged = malloc(length);
		const char *why;

		memcpy(damaged, wire, length);
		damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)dns_wire_read(damaged, length, NAME, DNS_WIRE_SRV, &a, &why);
	}
	for (size_t cut = 0; cut < length; cut++) {
		_cleanup_free_ uint8_t *damaged = malloc(cut + 1);
		struct dns_wire_answer a;
		const char *why = NULL;

		memcpy(damaged, wire, cut);
		assert_int_equal(dns_wire_read(damaged, cut, NAME, DNS_WIRE_SRV, &a, &why),
				 -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read_whole),
		cmocka_unit_test(what_does_not_answer_the_question_is_refused),
		cmocka_unit_test(another_type_than_asked_for_is_refused),
		cmocka_unit_test(hostile_octets_end_in_an_error),
		cmocka_unit_test(a_packet_damaged_anywhere_does_no_harm),
	};

	return cmocka_run_group_tests_name("dns_wire", tests, NULL, NULL);
}
