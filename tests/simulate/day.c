/* SPDX-License-Identifier: Apache-2.0 */
#include "day.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "core/plan.h"

#define HOUR_MS (3600 * 1000)
#define HOURS 24
#define LOOK_HOURS 3
#define SLOTS 65536
#define BACKENDS 16384
/* The first look comes after the maps have been filled; what comes later is growth. */
#define GROWTH_MAX_KB 1024

/* What of the maps a plan is compared with. */
struct day {
	struct fleet fleet;
	struct planner *planner;
	union shunt_cell *cells;
	struct shunt_address *addrs6;
	struct shunt_policy *policies;
	struct shunt_load *loads;
	bool due;
	uint64_t plans, writes;
	int error;
};

static void day_done(struct day *d)
{
	fleet_done(&d->fleet);
	planner_free(d->planner);
	free(d->cells);
	free(d->addrs6);
	free(d->policies);
	free(d->loads);
}

static void apply(struct day *d, const struct plan_op *op)
{
	d->writes++;
	if (op->kind == PLAN_CELLS)
		memcpy(&d->cells[op->index], op->cells, op->n * sizeof(*op->cells));
	else if (op->kind == PLAN_RULES)
		d->policies[op->index].rules = *op->rules;
}

static int want_service(struct table *want, const struct fleet_source *s)
{
	const struct endpoints *e = &s->model->in_force;
	struct table_service *row = table_add(want);
	const uint8_t octets[4] = { 127, 254, (uint8_t)(s->service >> 8), (uint8_t)s->service };

	if (row)
		row->backends = calloc(MAX(e->n, 1U), sizeof(*row->backends));
	if (!row || !row->backends)
		return -ENOMEM;
	(void)snprintf(row->name, sizeof(row->name), "service-%u", s->service);
	row->vip = (struct addr_port){ .addr = addr_from_ipv4(octets), .port = 8080 };
	row->protocol = PROTOCOL_TCP;
	for (size_t i = 0; i < e->n; i++)
		row->backends[row->n_backends++] =
			(struct table_backend){ .endpoint = e->list[i], .parts = 1, .share = 1 };
	return 0;
}

static int plan_now(struct day *d)
{
	_cleanup_(table_done) struct table want = { 0 };
	_cleanup_(plan_done) struct plan plan = { 0 };
	int r = 0;

	for (size_t i = 0; i < d->fleet.options.services && r == 0; i++)
		r = want_service(&want, &d->fleet.sources[i]);
	table_sort(&want);
	if (r == 0)
		r = planner_make(d->planner, &want, &plan);
	for (size_t i = 0; i < plan.ops.n && r == 0; i++)
		apply(d, &plan.ops.list[i]);
	if (r == 0 && planner_wants_grace(d->planner)) {
		planner_grace_begin(d->planner);
		planner_grace_end(d->planner);
	}
	d->plans++;
	return r;
}

static void on_changed(struct fleet *f, struct fleet_source *s)
{
	struct day *d = f->user;

	(void)s;
	d->due = true;
}

/* kB of memory of its own, and open descriptors. */
static void look(long *ret_kb, unsigned int *ret_descriptors)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t length;
	DIR *directory = opendir("/proc/self/fd");

	*ret_kb = 0;
	if (util_read_file("/proc/self/status", 1 << 16, &text, &length) == 0) {
		line = strstr(text, "\nRssAnon:");
		*ret_kb = line ? strtol(line + 9, NULL, 10) : 0;
	}
	for (*ret_descriptors = 0; directory && readdir(directory);)
		++*ret_descriptors;
	if (directory)
		closedir(directory);
}

static int day_init(struct day *d, const struct fleet_options *options)
{
	const struct plan_limits limits = { .services = options->services + 64,
					    .slots = SLOTS,
					    .addrs6 = 64,
					    .backends = BACKENDS,
					    .generation = 1 };
	struct plan_state have = { 0 };
	struct plan_memory memory;

	d->cells = calloc(SLOTS, sizeof(*d->cells));
	d->addrs6 = calloc(limits.addrs6, sizeof(*d->addrs6));
	d->policies = calloc(limits.services, sizeof(*d->policies));
	d->loads = calloc(BACKENDS + 1, sizeof(*d->loads));
	if (!d->cells || !d->addrs6 || !d->policies || !d->loads)
		return -ENOMEM;
	memory = (struct plan_memory){ d->cells, d->addrs6, d->policies, d->loads };
	d->fleet.changed = on_changed;
	d->fleet.user = d;
	return planner_new(&limits, &memory, &have, &d->planner) < 0
		       ? -ENOMEM
		       : fleet_init(&d->fleet, options);
}

/* Second by second, so that what changes in one is one plan. */
static int run_hours(struct day *d, struct fleet_phase *phase, unsigned int hours)
{
	uint64_t end_ms = d->fleet.now_ms + (uint64_t)hours * HOUR_MS;
	int r = 0;

	while (d->fleet.now_ms < end_ms && r == 0) {
		d->due = false;
		r = fleet_run(&d->fleet, phase, d->fleet.now_ms + 1000);
		if (r == 0 && d->due)
			r = plan_now(d);
	}
	return r;
}

int day_run(const struct fleet_options *options)
{
	_cleanup_(day_done) struct day d = { .due = false };
	struct fleet_options one = *options;
	unsigned int descriptors = 0, first_descriptors = 0;
	long kb = 0, first_kb = 0;
	int r;

	one.hosts = one.models = 1;
	r = day_init(&d, &one);
	for (size_t i = 0; i < BUDGET_KINDS; i++)
		cloud_set_quota(&d.fleet.cloud, (enum budget_kind)i, 1000);
	(void)printf("\na day of one host\n  hour      plans     writes      calls   RssAnon kB   "
		     "descriptors\n");
	for (unsigned int hour = LOOK_HOURS; r == 0 && hour <= HOURS; hour += LOOK_HOURS) {
		struct fleet_phase phase = { 0 };

		r = run_hours(&d, &phase, LOOK_HOURS);
		fleet_phase_done(&phase);
		look(&kb, &descriptors);
		first_kb = hour == LOOK_HOURS ? kb : first_kb;
		first_descriptors = hour == LOOK_HOURS ? descriptors : first_descriptors;
		(void)printf("  %4u %10llu %10llu %10llu %12ld %13u\n", hour,
			     (unsigned long long)d.plans, (unsigned long long)d.writes,
			     (unsigned long long)d.fleet.hosts[0].begun, kb, descriptors);
	}
	if (r < 0)
		return r;
	(void)printf("  grown by %ld kB and %d descriptors; backends lost: %llu\n", kb - first_kb,
		     (int)(descriptors - first_descriptors), (unsigned long long)d.fleet.lost);
	return kb - first_kb > GROWTH_MAX_KB || descriptors != first_descriptors || d.fleet.lost;
}
