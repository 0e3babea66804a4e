/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exporter.h"

#include "core/promtext.h"
#include "core/state.h"
#include "core/timing.h"

typedef void fill_fn(struct promtext *page, const struct exporter_input *in);

#define VALUES(...) ((const char *const[]){ __VA_ARGS__ })

static void fill_build_info(struct promtext *page, const struct exporter_input *in)
{
	char layout[16];

	(void)snprintf(layout, sizeof(layout), "%u", in->layout);
	promtext_count(page, VALUES(in->version, layout), 1);
}

/* All states always: a series that comes and goes cannot be alerted on. */
static void fill_backends(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services; i++) {
		const struct exporter_service *service = &in->services[i];

		for (int state = STATE_HEALTHY; state < EXPORTER_STATES; state++)
			promtext_count(page,
				       VALUES(service->name, state_name((enum shunt_state)state)),
				       service->backends[state]);
	}
}

static void fill_connects(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services; i++) {
		const struct exporter_service *service = &in->services[i];

		promtext_count(page, VALUES(service->name, "redirected"),
			       service->counters.redirected);
		promtext_count(page, VALUES(service->name, "no_backend"),
			       service->counters.no_backend);
		promtext_count(page, VALUES(service->name, "limited"), service->policy.limited);
	}
}

static void fill_ejections(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services && in->has_tracks; i++)
		promtext_count(page, VALUES(in->services[i].name),
			       in->services[i].policy.ejections);
}

static void fill_active(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services && in->has_tracks; i++)
		promtext_number(page, VALUES(in->services[i].name),
				(double)in->services[i].counters.active);
}

static void fill_failures(struct promtext *page, const struct exporter_input *in)
{
	static const char *const reasons[FAILURES] = {
		[FAILURE_REFUSED] = "refused",
		[FAILURE_TIMEOUT] = "timeout",
		[FAILURE_UNREACHABLE] = "unreachable",
		[FAILURE_RESET] = "reset",
		[FAILURE_OTHER] = "other",
	};

	for (size_t i = 0; i < in->n_services && in->has_tracks; i++) {
		for (size_t reason = 0; reason < FAILURES; reason++)
			promtext_count(page, VALUES(in->services[i].name, reasons[reason]),
				       in->services[i].failures.count[reason]);
	}
}

static void fill_resets(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services; i++) {
		const struct exporter_service *service = &in->services[i];

		promtext_count(page, VALUES(service->name, "removed"),
			       service->resets[RESET_REMOVED]);
		promtext_count(page, VALUES(service->name, "unhealthy"),
			       service->resets[RESET_UNHEALTHY]);
	}
}

static void fill_durations(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services; i++) {
		const struct shunt_timing *timing = &in->services[i].timing;
		uint64_t counts[SHUNT_TIMING_BUCKETS];
		double bounds[TIMING_BOUNDS];
		const struct promtext_buckets buckets = {
			.bounds = bounds,
			.counts = counts,
			.n = TIMING_BOUNDS,
			.sum = (double)timing->sum_ns / 1e9,
		};

		for (size_t j = 0; j < SHUNT_TIMING_BUCKETS; j++)
			counts[j] = timing->count[j];
		for (size_t j = 0; j < TIMING_BOUNDS; j++)
			bounds[j] = timing_bound_s(j);
		if (in->services[i].is_timed)
			promtext_histogram(page, VALUES(in->services[i].name), &buckets);
	}
}

static void fill_bytes(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services && in->has_tracks; i++) {
		const struct exporter_service *service = &in->services[i];

		promtext_count(page, VALUES(service->name, "sent"), service->counters.bytes_sent);
		promtext_count(page, VALUES(service->name, "received"),
			       service->counters.bytes_received);
	}
}

static void fill_retransmits(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services && in->has_tracks; i++)
		promtext_count(page, VALUES(in->services[i].name),
			       in->services[i].counters.retransmits);
}

static void fill_source_requests(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; in->requests && i < in->requests->n; i++) {
		const struct requests_row *row = &in->requests->rows[i];

		promtext_count(page, VALUES(row->source, row->operation, row->code), row->count);
	}
}

static void fill_budget_limit(struct promtext *page, const struct exporter_input *in)
{
	if (in->budget)
		promtext_count(page, NULL, in->budget->calls_per_second);
}

static void fill_budget_calls(struct promtext *page, const struct exporter_input *in)
{
	if (in->budget)
		promtext_count(page, NULL, in->budget->begun);
}

static void fill_budget_waiting(struct promtext *page, const struct exporter_input *in)
{
	if (in->budget)
		promtext_count(page, NULL, budget_waiting(in->budget));
}

static void fill_budget_pace(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; in->budget && i < BUDGET_KINDS; i++)
		promtext_number(page, VALUES(budget_operation((enum budget_kind)i)),
				in->budget->quotas[i].rate);
}

static void fill_last_success(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_services; i++) {
		const struct exporter_service *service = &in->services[i];

		if (service->last_success_s > 0)
			promtext_count(page, VALUES(service->name),
				       (uint64_t)service->last_success_s);
	}
}

static void fill_namespaces(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_namespaces; i++)
		promtext_count(page, VALUES(in->namespaces[i].name), in->namespaces[i].services);
}

static void fill_map_entries(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_maps; i++)
		promtext_count(page, VALUES(in->maps[i].map), in->maps[i].entries);
}

static void fill_map_capacity(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < in->n_maps; i++)
		promtext_count(page, VALUES(in->maps[i].map), in->maps[i].capacity);
}

static void fill_cpu(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_number(page, NULL, in->process->cpu_s);
}

static void fill_resident(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_count(page, NULL, in->process->resident_bytes);
}

static void fill_virtual(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_count(page, NULL, in->process->virtual_bytes);
}

static void fill_open_fds(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_count(page, NULL, in->process->open_fds);
}

static void fill_max_fds(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_count(page, NULL, in->process->max_fds);
}

static void fill_start_time(struct promtext *page, const struct exporter_input *in)
{
	if (in->process)
		promtext_number(page, NULL, in->process->start_time_s);
}

/* Every metric of the agent, in the order of the page. */
static const struct metric {
	struct promtext_family family;
	fill_fn *fill;
} metrics[] = {
	{ { "shunt_build_info",
	    PROMTEXT_GAUGE,
	    "Always 1; the labels tell the version of the agent and of its map layout.",
	    { "version", "layout" } },
	  fill_build_info },
	{ { "shunt_backends",
	    PROMTEXT_GAUGE,
	    "Backends in force, by service and state.",
	    { "service", "state" } },
	  fill_backends },
	{ { "shunt_connects_total",
	    PROMTEXT_COUNTER,
	    "connect() calls to a service, by what came of them.",
	    { "service", "result" } },
	  fill_connects },
	{ { "shunt_connections_active",
	    PROMTEXT_GAUGE,
	    "Redirected TCP connections that have not ended.",
	    { "service" } },
	  fill_active },
	{ { "shunt_connect_failures_total",
	    PROMTEXT_COUNTER,
	    "Redirected TCP connections that failed, by reason; \"reset\" is by the peer, once it "
	    "was "
	    "established.",
	    { "service", "reason" } },
	  fill_failures },
	{ { "shunt_connect_duration_seconds",
	    PROMTEXT_HISTOGRAM,
	    "How long TCP connects took that were established, from the SYN, of services with "
	    "connect_timing.",
	    { "service" } },
	  fill_durations },
	{ { "shunt_connections_reset_total",
	    PROMTEXT_COUNTER,
	    "Connections destroyed because their backend had left, or was unhealthy; see "
	    "on_removal, on_unhealthy.",
	    { "service", "reason" } },
	  fill_resets },
	{ { "shunt_ejections_total",
	    PROMTEXT_COUNTER,
	    "Times that a backend was ejected because connections to it failed.",
	    { "service" } },
	  fill_ejections },
	{ { "shunt_bytes_total",
	    PROMTEXT_COUNTER,
	    "Payload of redirected TCP connections, counted when they end.",
	    { "service", "direction" } },
	  fill_bytes },
	{ { "shunt_retransmits_total",
	    PROMTEXT_COUNTER,
	    "Segments retransmitted by redirected TCP connections, counted when they end.",
	    { "service" } },
	  fill_retransmits },
	{ { "shunt_source_requests_total",
	    PROMTEXT_COUNTER,
	    "Requests made to Cloud Map, DNS, files and credential endpoints, by answer.",
	    { "source", "operation", "code" } },
	  fill_source_requests },
	{ { "shunt_budget_calls_per_second",
	    PROMTEXT_GAUGE,
	    "Calls to Cloud Map that may begin in a second, as configured.",
	    { NULL } },
	  fill_budget_limit },
	{ { "shunt_budget_calls_total",
	    PROMTEXT_COUNTER,
	    "Calls to Cloud Map that have begun.",
	    { NULL } },
	  fill_budget_calls },
	{ { "shunt_budget_waiting",
	    PROMTEXT_GAUGE,
	    "Calls to Cloud Map that are due and wait for their turn.",
	    { NULL } },
	  fill_budget_waiting },
	{ { "shunt_budget_pace_calls_per_second",
	    PROMTEXT_GAUGE,
	    "Calls a second that are made at most, by operation: fewer than may begin while the "
	    "account's quota is reached.",
	    { "operation" } },
	  fill_budget_pace },
	{ { "shunt_source_last_success_timestamp_seconds",
	    PROMTEXT_GAUGE,
	    "When the source of a service last gave a good answer; of a split, the part that did "
	    "so longest ago.",
	    { "service" } },
	  fill_last_success },
	{ { "shunt_namespace_services",
	    PROMTEXT_GAUGE,
	    "Services in force that a namespace of Cloud Map has brought.",
	    { "namespace" } },
	  fill_namespaces },
	{ { "shunt_map_entries", PROMTEXT_GAUGE, "Entries in use of a kernel map.", { "map" } },
	  fill_map_entries },
	{ { "shunt_map_capacity",
	    PROMTEXT_GAUGE,
	    "Entries that a kernel map can hold.",
	    { "map" } },
	  fill_map_capacity },
	{ { "process_cpu_seconds_total",
	    PROMTEXT_COUNTER,
	    "Total user and system CPU time spent in seconds.",
	    { NULL } },
	  fill_cpu },
	{ { "process_resident_memory_bytes",
	    PROMTEXT_GAUGE,
	    "Resident memory size in bytes.",
	    { NULL } },
	  fill_resident },
	{ { "process_virtual_memory_bytes",
	    PROMTEXT_GAUGE,
	    "Virtual memory size in bytes.",
	    { NULL } },
	  fill_virtual },
	{ { "process_open_fds", PROMTEXT_GAUGE, "Number of open file descriptors.", { NULL } },
	  fill_open_fds },
	{ { "process_max_fds",
	    PROMTEXT_GAUGE,
	    "Maximum number of open file descriptors.",
	    { NULL } },
	  fill_max_fds },
	{ { "process_start_time_seconds",
	    PROMTEXT_GAUGE,
	    "Start time of the process since unix epoch in seconds.",
	    { NULL } },
	  fill_start_time },
};

int exporter_render(const struct exporter_input *in, char **ret_text, size_t *ret_length)
{
	struct promtext page = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		promtext_begin(&page, &metrics[i].family);
		metrics[i].fill(&page, in);
	}
	exporter_fill_backends(&page, in);
	return promtext_take(&page, ret_text, ret_length);
}
