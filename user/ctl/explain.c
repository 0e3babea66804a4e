/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl explain: what connect() to a name or address
 * gets right now, and why, candidate by candidate. */
#include <errno.h>

#include "base/log.h"
#include "core/state.h"
#include "ctl/ctl.h"
#include "ctl/target.h"
#include "ctl/verdict.h"
#include "kernel/exclude.h"

#define WHY_MAX 512
#define SPLIT_MAX 256 /* all parts that there may be, with their weights */

/* One destination, for both protocols. */
struct answer {
	struct verdict tcp, udp;
	bool alike; /* one row tells both */
};

static void answer_done(struct answer *a)
{
	verdict_done(&a->tcp);
	verdict_done(&a->udp);
}

/* Not ours, as asked; what is at the same address tells more than that it is not. */
static void explain_left_alone(const struct verdict *v, const struct table *table, char *why)
{
	char to[ADDR_PORT_TEXT_MAX], vip[ADDR_PORT_TEXT_MAX];

	for (size_t i = 0; i < table->n; i++) {
		const struct table_service *service = &table->services[i];

		if (!addr_equal(&service->vip.addr, &v->to.addr))
			continue;
		(void)snprintf(why, WHY_MAX, "left alone: %s is at %s, %s", service->name,
			       endpoint_format_place(&service->vip, vip),
			       config_protocol_name(service->protocol));
		return;
	}
	(void)snprintf(why, WHY_MAX, "left alone: no service has %s",
		       endpoint_format_place(&v->to, to));
}

static void explain_empty(const struct verdict *v, char *why)
{
	bool drained = v->service->n_backends > 0;
	bool passed = v->kind == VERDICT_PASSED;

	(void)snprintf(why, WHY_MAX, "%s: %s has no backend%s and on_empty is \"%s\"; %s",
		       passed ? "passed" : "refused", v->service->name,
		       drained ? " that is not drained" : "", passed ? "pass" : "refuse",
		       passed ? "it goes where it was going" : "ECONNREFUSED at once");
}

/* How one of the candidates is chosen, and how this one is. */
static const struct {
	const char *among, *this_one;
} words[] = {
	[BALANCE_ROUND_ROBIN] = { "in turn", "picked in its turn" },
	[BALANCE_RANDOM] = { "by lot", "picked by lot" },
	[BALANCE_LEAST_CONNECTIONS] = { "of two by lot the one with fewer connections",
					"picked when it has fewer connections than another" },
	[BALANCE_MAGLEV_TASK] = { "by task", "picked for its share of the tasks" },
	[BALANCE_MAGLEV_SOCKET] = { "by socket", "picked for its share of the sockets" },
};

static size_t balance_index(enum shunt_balance balance)
{
	return balance < ARRAY_SIZE(words) ? balance : BALANCE_ROUND_ROBIN;
}

static void explain_redirected(const struct verdict *v, char *why)
{
	size_t candidates = 0;
	bool crossed = v->is_ipv6 && addr_is_ipv4(&v->to.addr);

	for (size_t i = 0; i < v->service->n_backends; i++)
		candidates += v->turns[i] > 0;
	(void)snprintf(why, WHY_MAX, "redirected to %s: %zu backend%s %s%s", v->service->name,
		       candidates, candidates == 1 ? "" : "s",
		       words[balance_index(v->balance)].among,
		       crossed ? ", all IPv6: an IPv4-only socket is refused" : "");
}

static void explain(const struct verdict *v, const struct table *table, char *why)
{
	if (v->kind == VERDICT_LEFT_ALONE)
		explain_left_alone(v, table, why);
	else if (v->kind == VERDICT_REDIRECTED)
		explain_redirected(v, why);
	else
		explain_empty(v, why);
}

static void write_answer(struct writer *w, const char *protocol, const struct verdict *v,
			 const struct table *table)
{
	char to[ADDR_PORT_TEXT_MAX];
	char why[WHY_MAX];

	explain(v, table, why);
	writer_text(w, protocol);
	writer_text(w, endpoint_format_place(&v->to, to));
	if (v->service)
		writer_text(w, v->service->name);
	else
		writer_none(w);
	writer_text(w, verdict_name(v->kind));
	writer_text(w, why);
}

/* Why this backend gets the share it gets. */
static const char *explain_candidate(const struct verdict *v, size_t i)
{
	const struct endpoint *endpoint = &v->service->backends[i].endpoint;

	if (v->turns[i] > 0 && endpoint->state == STATE_EJECTED)
		return "picked: too many are ejected";
	if (v->turns[i] > 0)
		return endpoint->state == STATE_HEALTHY ? words[balance_index(v->balance)].this_one
							: "picked: no backend is healthy";
	if (endpoint->state == STATE_DRAINING)
		return "not picked: drained by shuntctl";
	if (endpoint->state == STATE_EJECTED)
		return "not picked: ejected, connections to it failed";
	if (addr_is_ipv4(&endpoint->at.addr) == v->is_ipv6)
		return v->is_ipv6 ? "not picked: an IPv6 backend is there"
				  : "not picked: an IPv4 backend is there";
	if (endpoint->state != STATE_HEALTHY)
		return "not picked: others are healthy";
	if (v->service->zone[0] && !streq(endpoint->zone, v->service->zone))
		return "not picked: enough are in the preferred zone";
	return "not picked: its weight is too small a part";
}

/*
 * "split[0] 90, split[1] 10": the parts that this backend is of. The maps tell which, the
 * configuration their weights, unless it has other parts by now. False: the service is not split.
 */
static bool format_split(const struct table_backend *backend, const struct config_service *service,
			 char text[static SPLIT_MAX])
{
	size_t n_weights = service ? service->n_split : 0, length = 0;

	text[0] = '\0';
	if (n_weights == 0 && backend->parts <= 1)
		return false;
	for (size_t i = 0; i < CONFIG_PARTS_MAX; i++) {
		if (!(backend->parts >> i & 1))
			continue;
		length += (size_t)snprintf(text + length, SPLIT_MAX - length, "%ssplit[%zu]",
					   length ? ", " : "", i);
		if (i < n_weights)
			length += (size_t)snprintf(text + length, SPLIT_MAX - length, " %u",
						   service->split[i].weight);
	}
	return true;
}

static void write_split(struct writer *w, const struct table_backend *backend,
			const struct config_service *service)
{
	char text[SPLIT_MAX];

	if (format_split(backend, service, text))
		writer_text(w, text);
	else
		writer_none(w);
}

static void write_candidates(struct writer *w, const char *protocol, const struct verdict *v,
			     const struct config *config)
{
	const struct config_service *service =
		v->service ? config_find_service(config, v->service->name) : NULL;

	for (size_t i = 0; v->service && i < v->service->n_backends; i++) {
		const struct endpoint *endpoint = &v->service->backends[i].endpoint;
		struct addr_port at = endpoint->at;
		char text[ADDR_PORT_TEXT_MAX];

		if (at.port == 0)
			at.port = v->to.port; /* the client's own */
		writer_text(w, protocol);
		writer_text(w, v->service->name);
		writer_text(w, endpoint_format_place(&at, text));
		writer_fixed(w, v->slots ? 100.0 * v->turns[i] / v->slots : 0);
		writer_count(w, endpoint->weight);
		writer_text(w, state_name((enum shunt_state)endpoint->state));
		if (*endpoint->zone)
			writer_text(w, endpoint->zone);
		else
			writer_none(w);
		write_split(w, &v->service->backends[i], service);
		writer_text(w, explain_candidate(v, i));
	}
}

static int answer_make(const struct dataplane *d, const struct table *table,
		       const struct addr_port *to, struct answer *ret)
{
	int r = verdict_make(d, table, to, PROTOCOL_TCP, &ret->tcp);

	if (r == 0)
		r = verdict_make(d, table, to, PROTOCOL_UDP, &ret->udp);
	ret->alike = r == 0 && ret->tcp.service == ret->udp.service;
	return r;
}

static void write_answers(struct writer *w, const struct answer *answers, size_t n,
			  const struct table *table)
{
	static const struct writer_column columns[] = {
		{ "protocol", "PROTOCOL", false }, { "destination", "DESTINATION", false },
		{ "service", "SERVICE", false },   { "verdict", NULL, false },
		{ "why", "WHY", false },
	};

	writer_table(w, "answers", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		write_answer(w, answers[i].alike ? "any" : "tcp", &answers[i].tcp, table);
		if (!answers[i].alike)
			write_answer(w, "udp", &answers[i].udp, table);
	}
}

static bool has_candidates(const struct answer *answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (answers[i].tcp.service || answers[i].udp.service)
			return true;
	}
	return false;
}

static void write_all_candidates(struct writer *w, const struct answer *answers, size_t n,
				 const struct config *config)
{
	static const struct writer_column columns[] = {
		{ "protocol", "PROTOCOL", false }, { "service", "SERVICE", false },
		{ "backend", "BACKEND", false },   { "share_percent", "SHARE%", true },
		{ "weight", "WEIGHT", true },	   { "state", "STATE", false },
		{ "zone", "ZONE", false },	   { "split", "SPLIT", false },
		{ "why", "WHY", false },
	};

	writer_table(w, "candidates", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		write_candidates(w, answers[i].alike ? "any" : "tcp", &answers[i].tcp, config);
		if (!answers[i].alike)
			write_candidates(w, "udp", &answers[i].udp, config);
	}
}

/* Of the services that were asked for; `id` may stand for all. */
static bool concerns(const struct answer *answers, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++) {
		const struct table_service *tcp = answers[i].tcp.service;
		const struct table_service *udp = answers[i].udp.service;

		if ((tcp && (id == EXCLUSION_ALL || tcp->id == id)) ||
		    (udp && (id == EXCLUSION_ALL || udp->id == id)))
			return true;
	}
	return false;
}

static void write_excluded(struct writer *w, const struct dataplane_excluded *row,
			   const struct table *table)
{
	const struct table_service *service = table_find_id(table, row->service_id);

	if (service)
		writer_text(w, service->name);
	else
		writer_none(w);
	writer_text(w, row->cgroup);
	writer_text(w, service ? "its tasks are left alone by this service"
			       : "its tasks are left alone by all services");
}

/* The tasks to which the answers do not apply. */
static int write_all_excluded(struct writer *w, const struct ctl *ctl, const struct dataplane *d,
			      const struct table *table, const struct answer *answers, size_t n)
{
	static const struct writer_column columns[] = {
		{ "service", "SERVICE", false },
		{ "cgroup", "CGROUP", false },
		{ "why", "WHY", false },
	};
	_cleanup_free_ struct dataplane_excluded *rows = NULL;
	bool begun = ctl->form == WRITER_JSON;
	size_t n_rows = 0;
	int r = dataplane_excluded(d, &rows, &n_rows);

	if (r < 0)
		return r;
	if (begun)
		writer_table(w, "excluded", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n_rows; i++) {
		if (!concerns(answers, n, rows[i].service_id))
			continue;
		if (!begun)
			writer_table(w, "excluded", columns, ARRAY_SIZE(columns));
		begun = true;
		write_excluded(w, &rows[i], table);
	}
	return 0;
}

static int fail_target(const char *text, int error, const char *near)
{
	_cleanup_free_ char *escaped = log_escape(text);
	const char *shown = escaped ? escaped : "";

	if (error == -ENOENT && near)
		return ctl_fail(EX_NOINPUT, "no service is named '%s'; did you mean '%s'?", shown,
				near);
	if (error == -ENOENT)
		return ctl_fail(EX_NOINPUT, "no service is named '%s'", shown);
	if (error == -EINVAL)
		return ctl_fail(
			EX_USAGE,
			"explain: got '%s', wanted a name or address, and :port (1 to 65535)",
			shown);
	return ctl_fail(EX_OSERR, "%s", strerror(-error));
}

static int explain_targets(const struct ctl *ctl, const struct dataplane *d,
			   const struct table *table, const struct target *target)
{
	_cleanup_free_ struct answer *answers = calloc(target->n, sizeof(*answers));
	_cleanup_(writer_free_p) struct writer *w = NULL;
	int r = answers ? writer_new(ctl->form, &w) : -ENOMEM;

	for (size_t i = 0; i < target->n && r == 0; i++)
		r = answer_make(d, table, &target->list[i], &answers[i]);
	if (r == 0) {
		write_answers(w, answers, target->n, table);
		/* programs want the member even when it is empty, people do not */
		if (ctl->form == WRITER_JSON || has_candidates(answers, target->n))
			write_all_candidates(w, answers, target->n, ctl->config);
		r = write_all_excluded(w, ctl, d, table, answers, target->n);
	}
	for (size_t i = 0; answers && i < target->n; i++)
		answer_done(&answers[i]);
	if (r < 0)
		return ctl_fail(EX_OSERR, "cannot read the maps: %s", strerror(-r));
	return ctl_print(w);
}

int explain_run(const struct ctl *ctl)
{
	_cleanup_(dataplane_close_p) struct dataplane *d = NULL;
	_cleanup_(target_done) struct target target = { 0 };
	_cleanup_(table_done) struct table table = { 0 };
	const char *near = NULL;
	int r, code = ctl_open(ctl, &d, &table);

	if (code != EX_OK)
		return code;
	r = target_parse(ctl->argument, &table, ctl->config, &target, &near);
	if (r < 0)
		return fail_target(ctl->argument, r, near);
	return explain_targets(ctl, d, &table, &target);
}
