/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl show: what is in the pinned maps. The agent is not asked and may be dead. */
#include "core/balance.h"
#include "core/state.h"
#include "core/timing.h"
#include "ctl/ctl.h"
#include "kernel/events.h"

typedef void section_fn(struct writer *w, const struct dataplane *d, const struct table *table);

static void show_services(struct writer *w, const struct dataplane *d, const struct table *table)
{
	static const struct writer_column columns[] = {
		{ "name", "SERVICE", false },
		{ "vip", "VIP", false },
		{ "port", "PORT", true },
		{ "protocol", "PROTOCOL", false },
		{ "backends", "BACKENDS", true },
		{ "on_empty", "ON-EMPTY", false },
		{ "balance", "BALANCE", false },
		{ "affinity", "AFFINITY", false },
		{ "id", "ID", true },
	};

	(void)d;
	writer_table(w, "services", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < table->n; i++) {
		const struct table_service *service = &table->services[i];
		char vip[ADDR_TEXT_MAX];

		writer_text(w, service->name);
		writer_text(w, addr_format(&service->vip.addr, vip));
		if (service->vip.port == 0)
			writer_named(w, 0, "any");
		else
			writer_count(w, service->vip.port);
		writer_text(w, config_protocol_name(service->protocol));
		writer_count(w, service->n_backends);
		writer_text(w, service->on_empty == ON_EMPTY_PASS ? "pass" : "refuse");
		writer_text(w, balance_name(service->balance));
		if (balance_affinity(service->balance))
			writer_text(w, balance_affinity(service->balance));
		else
			writer_none(w);
		writer_count(w, service->id);
	}
}

static void show_backend(struct writer *w, const struct table_service *service,
			 const struct table_backend *backend)
{
	const struct endpoint *endpoint = &backend->endpoint;
	char place[ADDR_PORT_TEXT_MAX], address[ADDR_TEXT_MAX];

	writer_text(w, service->name);
	writer_text(w, endpoint_format_place(&endpoint->at, place));
	writer_text(w, addr_format(&endpoint->at.addr, address));
	writer_count(w, endpoint->at.port);
	writer_text(w, state_name((enum shunt_state)endpoint->state));
	writer_count(w, endpoint->weight);
	if (*endpoint->zone)
		writer_text(w, endpoint->zone);
	else
		writer_none(w);
	writer_count(w, backend->id);
}

static void show_backends(struct writer *w, const struct dataplane *d, const struct table *table)
{
	static const struct writer_column columns[] = {
		{ "service", "SERVICE", false }, { "backend", "BACKEND", false },
		{ "address", NULL, false },	 { "port", NULL, true },
		{ "state", "STATE", false },	 { "weight", "WEIGHT", true },
		{ "zone", "ZONE", false },	 { "id", "ID", true },
	};

	(void)d;
	writer_table(w, "backends", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < table->n; i++) {
		for (size_t j = 0; j < table->services[i].n_backends; j++)
			show_backend(w, &table->services[i], &table->services[i].backends[j]);
	}
}

/* Microseconds; nothing where connects are not timed, or none was established. */
static void put_quantile(struct writer *w, const struct shunt_timing *timing, double part)
{
	double seconds;

	if (timing_quantile(timing, part, &seconds) == 0)
		writer_count(w, (uint64_t)(seconds * 1e6 + 0.5));
	else
		writer_none(w);
}

static void show_counters(struct writer *w, const struct dataplane *d, const struct table *table)
{
	static const struct writer_column columns[] = {
		{ "service", "SERVICE", false },      { "redirected", "REDIRECTED", true },
		{ "no_backend", "NO-BACKEND", true }, { "limited", "LIMITED", true },
		{ "ejections", "EJECTIONS", true },   { "connect_p50_us", "P50-US", true },
		{ "connect_p99_us", "P99-US", true },
	};

	writer_table(w, "counters", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < table->n; i++) {
		struct shunt_counters counters;
		struct shunt_policy policy;
		struct shunt_timing timing;

		dataplane_policy(d, table->services[i].id, &policy);
		dataplane_counters(d, table->services[i].id, &counters);
		(void)dataplane_timing(d, table->services[i].id, &timing);
		writer_text(w, table->services[i].name);
		writer_count(w, counters.redirected);
		writer_count(w, counters.no_backend);
		writer_count(w, policy.limited);
		writer_count(w, policy.ejections);
		put_quantile(w, &timing, 0.5);
		put_quantile(w, &timing, 0.99);
	}
}

static const struct {
	const char *name;
	section_fn *show;
} sections[] = {
	{ "services", show_services },
	{ "backends", show_backends },
	{ "counters", show_counters },
};

static bool is_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (streq(sections[i].name, name))
			return true;
	}
	return false;
}

int show_run(const struct ctl *ctl)
{
	_cleanup_(dataplane_close_p) struct dataplane *d = NULL;
	_cleanup_(writer_free_p) struct writer *w = NULL;
	_cleanup_(table_done) struct table table = { 0 };
	int code;

	if (ctl->argument && !is_section(ctl->argument))
		return ctl_fail(EX_USAGE, "show: got '%s', wanted services, backends or counters",
				ctl->argument);
	code = ctl_open(ctl, &d, &table);
	if (code != EX_OK)
		return code;
	if (writer_new(ctl->form, &w) < 0)
		return ctl_fail(EX_OSERR, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (!ctl->argument || streq(ctl->argument, sections[i].name))
			sections[i].show(w, d, &table);
	}
	return ctl_print(w);
}
