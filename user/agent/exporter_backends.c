/* SPDX-License-Identifier: Apache-2.0 */
/* The series of single backends, which are many: on request only. */
#include "agent/exporter.h"
#include "core/plan_look.h"
#include "core/promtext.h"

void exporter_add_backends(struct exporter_rows *rows, const char *service, uint32_t id,
			   const struct planner *p, const struct dataplane *d,
			   exporter_load_fn *load)
{
	struct plan_member backend;

	for (size_t i = 0; rows->n < rows->max && planner_backend(p, id, i, &backend); i++) {
		struct exporter_backend *row = &rows->list[rows->n];

		if (!load(d, backend.id, backend.born, &row->load))
			continue;
		row->service = service;
		endpoint_format_place(&backend.at, row->backend);
		rows->n++;
	}
}

typedef void fill_fn(struct promtext *page, const struct exporter_backend *backend);

#define VALUES(...) ((const char *const[]){ __VA_ARGS__ })

static void fill_active(struct promtext *page, const struct exporter_backend *b)
{
	promtext_number(page, VALUES(b->service, b->backend), (double)b->load.active);
}

static void fill_connects(struct promtext *page, const struct exporter_backend *b)
{
	promtext_count(page, VALUES(b->service, b->backend), b->load.redirected);
}

static void fill_failures(struct promtext *page, const struct exporter_backend *b)
{
	promtext_count(page, VALUES(b->service, b->backend), b->load.failures);
}

static void fill_bytes(struct promtext *page, const struct exporter_backend *b)
{
	promtext_count(page, VALUES(b->service, b->backend, "sent"), b->load.bytes_sent);
	promtext_count(page, VALUES(b->service, b->backend, "received"), b->load.bytes_received);
}

static void fill_retransmits(struct promtext *page, const struct exporter_backend *b)
{
	promtext_count(page, VALUES(b->service, b->backend), b->load.retransmits);
}

static const struct metric {
	struct promtext_family family;
	fill_fn *fill;
} metrics[] = {
	{ { "shunt_backend_connections_active",
	    PROMTEXT_GAUGE,
	    "Redirected TCP connections to a backend that have not ended.",
	    { "service", "backend" } },
	  fill_active },
	{ { "shunt_backend_connects_total",
	    PROMTEXT_COUNTER,
	    "TCP connects that were redirected to a backend.",
	    { "service", "backend" } },
	  fill_connects },
	{ { "shunt_backend_connect_failures_total",
	    PROMTEXT_COUNTER,
	    "TCP connects to a backend that failed.",
	    { "service", "backend" } },
	  fill_failures },
	{ { "shunt_backend_bytes_total",
	    PROMTEXT_COUNTER,
	    "Payload of TCP connections to a backend, counted when they end.",
	    { "service", "backend", "direction" } },
	  fill_bytes },
	{ { "shunt_backend_retransmits_total",
	    PROMTEXT_COUNTER,
	    "Segments retransmitted to a backend, counted when their connections end.",
	    { "service", "backend" } },
	  fill_retransmits },
};

void exporter_fill_backends(struct promtext *page, const struct exporter_input *in)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		promtext_begin(page, &metrics[i].family);
		for (size_t j = 0; j < in->n_backends; j++)
			metrics[i].fill(page, &in->backends[j]);
	}
}
