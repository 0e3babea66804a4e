/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page at /metrics, from a struct of numbers. Pure: it reads no map, no clock and no file;
 * whoever calls it has gathered what it shows, the rows of backends with its help. Its time is
 * linear in the number of services.
 */
#pragma once

#include "agent/process.h"
#include "core/budget.h"
#include "core/requests.h"
#include "kernel/dataplane.h"
#include "shunt/layout.h"

#define EXPORTER_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPORTER_STATES (STATE_EJECTED + 1)

struct exporter_service {
	const char *name;
	struct shunt_counters counters;
	struct shunt_failures failures;
	uint64_t resets[RESETS];
	struct shunt_policy policy; /* what the programs count in it */
	bool is_timed;		    /* its connects are */
	struct shunt_timing timing;
	uint32_t backends[EXPORTER_STATES]; /* how many, by enum shunt_state */
	int64_t last_success_s;		    /* epoch; 0: never, and not shown */
};

struct exporter_namespace {
	const char *name; /* as it is configured */
	size_t services;  /* that are in force */
};

/* Where metrics.per_backend asks for it. */
struct exporter_backend {
	const char *service;
	char backend[ADDR_PORT_TEXT_MAX];
	struct shunt_load load;
};

/* dataplane_load, or what stands for it in tests. */
typedef bool exporter_load_fn(const struct dataplane *d, uint32_t backend_id, uint32_t born,
			      struct shunt_load *ret);

/* Memory for so many of them as there are rows of backends. */
struct exporter_rows {
	struct exporter_backend *list; /* owned by whoever made it */
	size_t n, max;
};

struct exporter_input {
	const char *version;
	uint32_t layout;
	bool has_tracks; /* else the kernel does not tell how connections end */
	const struct exporter_service *services;
	size_t n_services;
	const struct exporter_backend *backends;
	size_t n_backends;
	const struct exporter_namespace *namespaces;
	size_t n_namespaces;
	const struct requests *requests; /* or NULL */
	const struct budget *budget;	 /* or NULL */
	const struct dataplane_map_use *maps;
	size_t n_maps;
	const struct process_stats *process; /* or NULL: unknown */
};

/* exporter_backends.c: the series of single backends. */
struct promtext;
/*
 * Adds those of the service with this id, while there is room: before the first plan two names may
 * have one id, where an agent died between the rows of a swap. Keeps `service`.
 */
void exporter_add_backends(struct exporter_rows *rows, const char *service, uint32_t id,
			   const struct planner *p, const struct dataplane *d,
			   exporter_load_fn *load);
void exporter_fill_backends(struct promtext *page, const struct exporter_input *in);

/* *ret_text is the caller's. 0 or -ENOMEM. */
int exporter_render(const struct exporter_input *in, char **ret_text, size_t *ret_length);
