/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dns_wire.h"

#include <errno.h>
#include <ldns/ldns.h>

#include "core/dns_frame.h"

DEFINE_CLEANUP(ldns_pkt *, ldns_pkt_free);
DEFINE_CLEANUP(ldns_rdf *, ldns_rdf_deep_free);

/* The A and AAAA records of the additional section, sorted by owner; the packet owns the records.
 */
struct glue {
	const ldns_rr **list; /* owned */
	size_t n;
	size_t left; /* addresses that may still be copied from here: many targets may share one
			name */
};

static const struct {
	enum dns_wire_type type;
	const char *name;
} types[] = {
	{ DNS_WIRE_A, "A" },
	{ DNS_WIRE_AAAA, "AAAA" },
	{ DNS_WIRE_SRV, "SRV" },
};

const char *dns_wire_type_name(enum dns_wire_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "other";
}

void dns_wire_addresses_done(struct dns_wire_addresses *a)
{
	free(a->list);
	*a = (struct dns_wire_addresses){ 0 };
}

void dns_wire_done(struct dns_wire_answer *a)
{
	for (size_t i = 0; i < a->n_targets; i++) {
		dns_wire_addresses_done(&a->targets[i].ipv4);
		dns_wire_addresses_done(&a->targets[i].ipv6);
	}
	free(a->targets);
	dns_wire_addresses_done(&a->addresses);
	*a = (struct dns_wire_answer){ 0 };
}

static void glue_done(struct glue *g)
{
	free(g->list);
}

/* RFC 2181 section 8: a TTL with the top bit set is to be read as 0. */
static uint32_t rr_ttl_s(const ldns_rr *rr)
{
	return ldns_rr_ttl(rr) > INT32_MAX ? 0 : ldns_rr_ttl(rr);
}

/* The record's field `at` if it is there and `size` long (0: any size). */
static const ldns_rdf *rr_field(const ldns_rr *rr, size_t at, size_t size)
{
	const ldns_rdf *field = at < ldns_rr_rd_count(rr) ? ldns_rr_rdf(rr, at) : NULL;

	if (!field || !ldns_rdf_data(field) || (size && ldns_rdf_size(field) != size))
		return NULL;
	return field;
}

static bool rr_is(const ldns_rr *rr, ldns_rr_type type)
{
	return ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN;
}

static bool rr_answers(const ldns_rr *rr, const ldns_rdf *owner, ldns_rr_type type)
{
	return rr_is(rr, type) && ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

static int addresses_add(struct dns_wire_addresses *a, const ldns_rr *rr)
{
	bool ipv4 = ldns_rr_get_type(rr) == LDNS_RR_TYPE_A;
	const ldns_rdf *field = rr_field(rr, 0, ipv4 ? 4 : 16);
	int r;

	if (!field)
		return -EBADMSG;
	r = util_grow(&a->list, &a->capacity, a->n + 1, sizeof(*a->list));
	if (r < 0)
		return r;
	a->list[a->n++] = ipv4 ? addr_from_ipv4(ldns_rdf_data(field))
			       : addr_from_ipv6(ldns_rdf_data(field));
	a->ttl_s = a->n == 1 ? rr_ttl_s(rr) : MIN(a->ttl_s, rr_ttl_s(rr));
	return 0;
}

static int glue_compare(const void *a, const void *b)
{
	return ldns_dname_compare(ldns_rr_owner(*(ldns_rr *const *)a),
				  ldns_rr_owner(*(ldns_rr *const *)b));
}

static int glue_collect(struct glue *g, const ldns_pkt *packet)
{
	const ldns_rr_list *additional = ldns_pkt_additional(packet);
	size_t n = ldns_rr_list_rr_count(additional);

	g->list = calloc(n + 1, sizeof(*g->list));
	if (!g->list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(additional, i);

		if (rr_is(rr, LDNS_RR_TYPE_A) || rr_is(rr, LDNS_RR_TYPE_AAAA))
			g->list[g->n++] = rr;
	}
	qsort(g->list, g->n, sizeof(*g->list), glue_compare);
	g->left = DNS_WIRE_RECORDS_MAX;
	return 0;
}

/* Where the records of an owner begin; g->n when there are none. */
static size_t glue_find(const struct glue *g, const ldns_rdf *owner)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ldns_dname_compare(ldns_rr_owner(g->list[middle]), owner) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int target_add_glue(struct dns_wire_target *t, struct glue *g, const ldns_rdf *owner)
{
	for (size_t i = glue_find(g, owner); i < g->n; i++) {
		const ldns_rr *rr = g->list[i];
		int r;

		if (ldns_dname_compare(ldns_rr_owner(rr), owner) != 0)
			break;
		if (g->left-- == 0)
			return -EBADMSG;
		r = addresses_add(ldns_rr_get_type(rr) == LDNS_RR_TYPE_A ? &t->ipv4 : &t->ipv6, rr);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The name as text to ask for. -EINVAL when it holds an octet that would need an escape: no host is
 * called that, and resolvers disagree on how to read it.
 */
static int target_name(const ldns_rdf *name, char text[static SHUNT_NAME_MAX])
{
	_cleanup_(ldns_rdf_deep_free_p) ldns_rdf *lower = ldns_rdf_clone(name);
	_cleanup_free_ char *whole = NULL;

	if (!lower)
		return -ENOMEM;
	ldns_dname2canonical(lower);
	whole = ldns_rdf2str(lower);
	if (!whole)
		return -ENOMEM;
	if (strchr(whole, '\\') || !util_copy(text, SHUNT_NAME_MAX, whole) || text[0] == '\0')
		return -EINVAL;
	text[strlen(text) - 1] = '\0';
	return 0;
}

static int answer_add_target(struct dns_wire_answer *a, const ldns_rr *rr, struct glue *g)
{
	const ldns_rdf *priority = rr_field(rr, 0, 2), *weight = rr_field(rr, 1, 2);
	const ldns_rdf *port = rr_field(rr, 2, 2), *name = rr_field(rr, 3, 0);
	struct dns_wire_target *t;
	int r;

	if (!priority || !weight || !port || !name)
		return -EBADMSG;
	if (ldns_rdf_size(name) == 1) /* ".": decidedly not available, RFC 2782 */
		return 0;
	r = util_grow(&a->targets, &a->capacity, a->n_targets + 1, sizeof(*a->targets));
	if (r < 0)
		return r;
	t = &a->targets[a->n_targets];
	*t = (struct dns_wire_target){ .priority = ldns_rdf2native_int16(priority),
				       .weight = ldns_rdf2native_int16(weight),
				       .port = ldns_rdf2native_int16(port) };
	r = target_name(name, t->name);
	if (r == -EINVAL)
		a->n_unusable++;
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	a->n_targets++;
	return target_add_glue(t, g, name);
}

/* Walks the CNAMEs from *owner on, and leaves the last name there. The packet owns the names. */
static int follow_chain(const ldns_rr_list *section, ldns_rr_type type, const ldns_rdf **owner,
			uint32_t *ttl_s)
{
	for (unsigned int hops = 0; hops <= DNS_WIRE_CHAIN_MAX; hops++) {
		const ldns_rdf *next = NULL;

		for (size_t i = 0; i < ldns_rr_list_rr_count(section) && !next; i++) {
			const ldns_rr *rr = ldns_rr_list_rr(section, i);

			if (rr_answers(rr, *owner, type))
				return 0;
			if (!rr_answers(rr, *owner, LDNS_RR_TYPE_CNAME))
				continue;
			next = rr_field(rr, 0, 0);
			if (!next)
				return -EBADMSG;
			*ttl_s = MIN(*ttl_s, rr_ttl_s(rr));
		}
		if (!next)
			return 0;
		*owner = next;
	}
	return -ELOOP;
}

static int answer_collect(struct dns_wire_answer *a, const ldns_pkt *packet, const ldns_rdf *owner,
			  ldns_rr_type type)
{
	_cleanup_(glue_done) struct glue glue = { 0 };
	const ldns_rr_list *section = ldns_pkt_answer(packet);
	int r = glue_collect(&glue, packet);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);

		if (!rr_answers(rr, owner, type))
			continue;
		a->ttl_s = MIN(a->ttl_s, rr_ttl_s(rr));
		r = type == LDNS_RR_TYPE_SRV ? answer_add_target(a, rr, &glue)
					     : addresses_add(&a->addresses, rr);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The smaller of the SOA's TTL and its MINIMUM (RFC 2308); whether there is an SOA or only NS. */
static void read_authority(const ldns_pkt *packet, uint32_t *ttl_s, bool *has_soa, bool *has_ns)
{
	const ldns_rr_list *section = ldns_pkt_authority(packet);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		const ldns_rdf *minimum = rr_field(rr, 6, 4);

		*has_ns |= rr_is(rr, LDNS_RR_TYPE_NS);
		if (!rr_is(rr, LDNS_RR_TYPE_SOA) || !minimum)
			continue;
		*has_soa = true;
		*ttl_s = MIN(rr_ttl_s(rr), ldns_rdf2native_int32(minimum));
	}
}

static void answer_nothing(struct dns_wire_answer *a, const ldns_pkt *packet)
{
	bool nxdomain = ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN;
	uint32_t negative_ttl_s = DNS_WIRE_NEGATIVE_TTL_S;
	bool has_soa = false, has_ns = false;

	read_authority(packet, &negative_ttl_s, &has_soa, &has_ns);
	if (!nxdomain && has_ns && !has_soa) { /* "ask those": the server does not know */
		a->verdict = DNS_WIRE_FAILURE;
		a->code = "referral";
		return;
	}
	a->verdict = DNS_WIRE_NOTHING;
	a->code = nxdomain ? "NXDOMAIN" : "NODATA";
	a->ttl_s = MIN(a->ttl_s, negative_ttl_s);
}

static const char *rcode_name(ldns_pkt_rcode rcode)
{
	const ldns_lookup_table *row = ldns_lookup_by_id(ldns_rcodes, (int)rcode);

	return row ? row->name : "unknown rcode";
}

static int answer_read(struct dns_wire_answer *a, const ldns_pkt *packet, const ldns_rdf *owner,
		       ldns_rr_type type)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(packet);
	int r;

	a->ttl_s = UINT32_MAX;
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
		a->verdict = DNS_WIRE_FAILURE;
		a->code = rcode_name(rcode);
		return 0;
	}
	r = follow_chain(ldns_pkt_answer(packet), type, &owner, &a->ttl_s);
	if (r == 0 && rcode == LDNS_RCODE_NOERROR)
		r = answer_collect(a, packet, owner, type);
	if (r < 0)
		return r;
	if (a->addresses.n == 0 && a->n_targets == 0 && a->n_unusable == 0) {
		answer_nothing(a, packet);
		return 0;
	}
	a->verdict = DNS_WIRE_FOUND;
	a->code = "ok";
	return 0;
}

/* NULL, or why this packet is no answer to that question. */
static const char *check_question(const ldns_pkt *packet, const ldns_rdf *name, ldns_rr_type type)
{
	const ldns_rr_list *question = ldns_pkt_question(packet);

	if (!ldns_pkt_qr(packet) || ldns_pkt_get_opcode(packet) != LDNS_PACKET_QUERY)
		return "not an answer";
	if (ldns_rr_list_rr_count(question) != 1 ||
	    !rr_answers(ldns_rr_list_rr(question, 0), name, type))
		return "an answer to another question";
	if (ldns_pkt_tc(packet))
		return "truncated, even over TCP";
	return NULL;
}

static const char *why_of(int r)
{
	return r == -ELOOP ? "too long a chain of CNAMEs" : "a malformed record";
}

int dns_wire_read(const uint8_t *packet, size_t length, const char *name, enum dns_wire_type type,
		  struct dns_wire_answer *ret, const char **ret_why)
{
	_cleanup_(ldns_rdf_deep_free_p) ldns_rdf *owner = ldns_dname_new_frm_str(name);
	_cleanup_(ldns_pkt_free_p) ldns_pkt *parsed = NULL;
	_cleanup_(dns_wire_done) struct dns_wire_answer answer = { 0 };
	const char *why = dns_frame_check(packet, length, DNS_WIRE_RECORDS_MAX);
	ldns_status status;
	int r;

	if (!why && !owner)
		why = "no name to compare with";
	if (!why) {
		status = ldns_wire2pkt(&parsed, packet, length);
		if (status == LDNS_STATUS_MEM_ERR)
			return -ENOMEM;
		why = status != LDNS_STATUS_OK ? "cut off or malformed"
					       : check_question(parsed, owner, (ldns_rr_type)type);
	}
	r = why ? -EBADMSG : answer_read(&answer, parsed, owner, (ldns_rr_type)type);
	if (r == -EBADMSG || r == -ELOOP) {
		*ret_why = why ? why : why_of(r);
		return -EBADMSG;
	}
	if (r < 0)
		return r;
	*ret = answer;
	answer = (struct dns_wire_answer){ 0 };
	return 0;
}
