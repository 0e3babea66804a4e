/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate: a fleet of agents and the quotas of their account, in virtual time. The schedule, the
 * budget and what is kept are the agent's own code; see fleet.h.
 */
#include <errno.h>
#include <getopt.h>
#include <sysexits.h>

#include "day.h"

#define QUOTA_INSTANCES 1000 /* calls a second of an account: AWS's defaults */
#define QUOTA_REVISIONS 3000
#define DOLLARS_A_MILLION 1.0 /* DiscoverInstances; what the other costs AWS does not say */
#define MONTH_S (30 * 24 * 3600)

static const struct fleet_options usual = {
	.hosts = 1000,
	.services = 200,
	.used = 20,
	.instances = 10,
	.period_ms = 15000,
	.calls_per_second = BUDGET_CALLS_DEFAULT,
	.changes_per_minute = 30,
	.wakes_per_minute = 60,
	.models = 50,
	.seed = 1,
};

/* --- options ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset;
	uint32_t min, max;
	const char *help;
} numbers[] = {
#define NUMBER(field) #field, offsetof(struct fleet_options, field)
	{ NUMBER(hosts), 1, 100000, "hosts with an agent" },
	{ NUMBER(services), 1, 16384, "services that each watches" },
	{ NUMBER(used), 0, 16384, "of these, services that tasks on it use" },
	{ NUMBER(instances), 1, 1000, "instances of a service" },
	{ "period", offsetof(struct fleet_options, period_ms), 100, 3600000,
	  "\"poll\" of each service, in milliseconds" },
	{ "budget", offsetof(struct fleet_options, calls_per_second), 1, BUDGET_CALLS_MAX,
	  "\"budget.calls_per_second\" of each host" },
	{ "changes", offsetof(struct fleet_options, changes_per_minute), 0, 60000,
	  "instances replaced a minute, in all services" },
	{ "wakes", offsetof(struct fleet_options, wakes_per_minute), 0, 1000000,
	  "first connects to an idle service a minute, on all hosts" },
	{ NUMBER(models), 1, 100000, "hosts whose backends are kept and checked" },
#undef NUMBER
};

static uint32_t *field_of(struct fleet_options *o, size_t i)
{
	return (uint32_t *)((char *)o + numbers[i].offset);
}

static void print_help(void)
{
	struct fleet_options o = usual;

	(void)printf(
		"Usage: simulate [--table] [--no-day] [--NAME NUMBER]...\n\n"
		"Simulates the agents of an account in virtual time: a start of all at once, an "
		"ordinary\nday's traffic, a quota that is cut, an outage of Cloud Map, and 24 "
		"hours of one host.\nExits 1 if a backend was lost or a budget exceeded.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)printf("  --%-10s %s (%u)\n", numbers[i].name, numbers[i].help,
			     *field_of(&o, i));
	(void)printf("  --%-10s the table of docs/scale.md, and no simulation\n"
		     "  --%-10s without the 24 hours\n"
		     "  --%-10s this\n",
		     "table", "no-day", "help");
}

static int fail(const char *what, const char *got)
{
	(void)fprintf(stderr, "simulate: %s: got '%s'; see --help\n", what, got ? got : "");
	return EX_USAGE;
}

static int read_number(struct fleet_options *o, size_t i, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value < numbers[i].min || value > numbers[i].max)
		return fail(numbers[i].name, text);
	*field_of(o, i) = (uint32_t)value;
	return 0;
}

/* --- the formula ------------------------------------------------------------------------------ */

/* Calls a second of the account while nothing changes; docs/scale.md has it in words. */
static void expect(const struct fleet_options *o, double calls[static BUDGET_KINDS])
{
	struct pace p;
	double used, idle;

	pace_init(&p, o->period_ms, false, 0);
	used = (double)o->hosts * o->used * 1000 / p.poll_ms;
	idle = (double)o->hosts * (o->services - o->used) * 1000 / p.idle_ms;
	calls[BUDGET_INSTANCES] = used / PACE_HEALTH_BEATS + idle / PACE_REST_BEATS;
	calls[BUDGET_REVISIONS] = used + idle - calls[BUDGET_INSTANCES];
}

static void print_table(void)
{
	static const struct {
		uint32_t hosts, services, used, poll_s;
	} rows[] = {
		{ 10, 50, 10, 5 },     { 100, 50, 10, 5 },     { 100, 200, 20, 5 },
		{ 200, 50, 50, 5 },    { 1000, 50, 10, 5 },    { 1000, 200, 20, 5 },
		{ 1000, 200, 20, 15 }, { 1000, 200, 20, 30 },  { 1000, 200, 200, 60 },
		{ 10000, 50, 10, 30 }, { 10000, 200, 20, 60 },
	};

	(void)printf("| hosts | services | used | poll | DiscoverInstances/s | of quota | "
		     "Revision/s | of quota | $ a month |\n"
		     "|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fleet_options o = { .hosts = rows[i].hosts,
					   .services = rows[i].services,
					   .used = rows[i].used,
					   .period_ms = rows[i].poll_s * 1000 };
		double calls[BUDGET_KINDS];

		expect(&o, calls);
		(void)printf("| %u | %u | %u | %u s | %.1f | %.0f %% | %.1f | %.0f %% | %.0f |\n",
			     o.hosts, o.services, o.used, rows[i].poll_s, calls[BUDGET_INSTANCES],
			     calls[BUDGET_INSTANCES] / QUOTA_INSTANCES * 100,
			     calls[BUDGET_REVISIONS],
			     calls[BUDGET_REVISIONS] / QUOTA_REVISIONS * 100,
			     calls[BUDGET_INSTANCES] * MONTH_S / 1e6 * DOLLARS_A_MILLION);
	}
}

/* --- the simulation --------------------------------------------------------------------------- */

/* What the account goes through, one after the other. */
static const struct act {
	const char *name;
	unsigned int seconds;
	double quota; /* of AWS's default */
	enum cloud_weather weather;
	bool quiet; /* nothing is deployed */
} acts[] = {
	{ "all start at once", 420, 1, CLOUD_FAIR, false },
	{ "an ordinary time", 300, 1, CLOUD_FAIR, false },
	{ "a quarter of the quota", 120, 0.25, CLOUD_FAIR, false },
	{ "all of it again", 120, 1, CLOUD_FAIR, false },
	{ "errors of the server", 60, 1, CLOUD_BROKEN, false },
	{ "no answers", 120, 1, CLOUD_SILENT, false },
	{ "1 of 10 answers is wrong", 20, 1, CLOUD_CONFUSED, false },
	{ "all is well again", 240, 1, CLOUD_FAIR, false },
	{ "nothing changes any more", 60, 1, CLOUD_FAIR, true },
};

static void print_delays(struct fleet_delays *d)
{
	if (d->n == 0)
		(void)printf(" %8s %8s", "-", "-");
	else
		(void)printf(" %8.2f %8.2f", fleet_delay_at(d, 500) / 1000.0,
			     fleet_delay_at(d, 990) / 1000.0);
}

static void print_phase(struct fleet_phase *p, uint32_t hosts)
{
	double seconds = (double)(p->to_ms - p->from_ms) / 1000;
	uint64_t calls = p->calls[BUDGET_INSTANCES] + p->calls[BUDGET_REVISIONS];
	uint64_t refused = p->refused[BUDGET_INSTANCES] + p->refused[BUDGET_REVISIONS];

	(void)printf("%-26s %8.1f %8.1f %8llu %6.1f %8.2f %6u", p->name,
		     (double)p->calls[BUDGET_INSTANCES] / seconds,
		     (double)p->calls[BUDGET_REVISIONS] / seconds,
		     (unsigned long long)p->most_of_account,
		     calls ? (double)refused / (double)calls * 100 : 0.0,
		     (double)calls / seconds / hosts, p->most_of_host);
	print_delays(&p->used);
	print_delays(&p->older);
	print_delays(&p->woken);
	(void)putchar('\n');
}

static void print_head(const struct fleet_options *o)
{
	double calls[BUDGET_KINDS];

	expect(o, calls);
	(void)printf("%u hosts x %u services of %u instances, %u of them in use; poll %.1f s; %u "
		     "changes a minute\nformula: %.1f DiscoverInstances and %.1f "
		     "DiscoverInstancesRevision a second of the account\n\n",
		     o->hosts, o->services, o->instances, o->used, o->period_ms / 1000.0,
		     o->changes_per_minute, calls[BUDGET_INSTANCES], calls[BUDGET_REVISIONS]);
	(void)printf("%-26s %26s %6s %15s %17s %17s %17s\n", "", "account: calls a second", "re-",
		     "host: a second", "news after, s", "older news, s", "1st connect, s");
	(void)printf("%-26s %8s %8s %8s %6s %8s %6s %8s %8s %8s %8s %8s %8s\n", "", "instances",
		     "revision", "most", "fused%", "mean", "most", "p50", "p99", "p50", "p99",
		     "p50", "p99");
}

static int run_act(struct fleet *f, const struct act *act)
{
	struct fleet_phase phase = { .name = act->name };
	int r;

	cloud_set_quota(&f->cloud, BUDGET_INSTANCES, QUOTA_INSTANCES * act->quota);
	cloud_set_quota(&f->cloud, BUDGET_REVISIONS, QUOTA_REVISIONS * act->quota);
	f->cloud.weather = act->weather;
	if (act->quiet)
		f->options.changes_per_minute = 0;
	r = fleet_run(f, &phase, f->now_ms + act->seconds * 1000ull);
	if (r == 0)
		print_phase(&phase, f->options.hosts);
	fleet_phase_done(&phase);
	return r;
}

static int run_fleet(const struct fleet_options *o)
{
	_cleanup_(fleet_done) struct fleet f = { 0 };
	int r = fleet_init(&f, o);

	print_head(o);
	for (size_t i = 0; i < ARRAY_SIZE(acts) && r == 0; i++)
		r = run_act(&f, &acts[i]);
	if (r < 0)
		return r;
	(void)printf("\nbackends lost on %u hosts: %llu; services in use that are not up to date "
		     "in the end: %llu; calls beyond a host's budget: %llu\n",
		     o->models, (unsigned long long)f.lost,
		     (unsigned long long)fleet_differences(&f), (unsigned long long)f.exceeded);
	return f.lost || f.exceeded || fleet_differences(&f);
}

enum {
	OPTION_TABLE = ARRAY_SIZE(numbers),
	OPTION_NO_DAY,
	OPTION_HELP,
	OPTIONS,
};

static int read_options(int argc, char **argv, struct fleet_options *o, bool chosen[static OPTIONS])
{
	struct option options[OPTIONS + 1] = {
		[OPTION_TABLE] = { "table", no_argument, NULL, 0 },
		[OPTION_NO_DAY] = { "no-day", no_argument, NULL, 0 },
		[OPTION_HELP] = { "help", no_argument, NULL, 0 },
	};
	int index = 0, r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		options[i] = (struct option){ numbers[i].name, required_argument, NULL, 0 };
	while (r == 0 && (r = getopt_long(argc, argv, "", options, &index)) == 0) {
		chosen[index] = true;
		if (index < OPTION_TABLE)
			r = read_number(o, (size_t)index, optarg);
	}
	if (r > 0)
		return EX_USAGE;
	if (optind < argc)
		return fail("arguments", argv[optind]);
	if (o->used > o->services) {
		(void)fprintf(stderr, "simulate: used: got '%u', wanted at most services, %u\n",
			      o->used, o->services);
		return EX_USAGE;
	}
	o->models = MIN(o->models, o->hosts);
	return 0;
}

int main(int argc, char **argv)
{
	struct fleet_options options = usual;
	bool chosen[OPTIONS] = { false };
	int r = read_options(argc, argv, &options, chosen), day = 0;

	if (r != 0)
		return r;
	if (chosen[OPTION_HELP])
		print_help();
	else if (chosen[OPTION_TABLE])
		print_table();
	if (chosen[OPTION_HELP] || chosen[OPTION_TABLE])
		return EX_OK;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	r = run_fleet(&options);
	if (r >= 0 && !chosen[OPTION_NO_DAY])
		day = day_run(&options);
	if (r < 0 || day < 0) {
		(void)fprintf(stderr, "simulate: out of memory\n");
		return EX_OSERR;
	}
	return r || day;
}
