/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_text.h"

#include "base/util.h"
#include "ctl/status_put.h"

static void put_agent(FILE *to, const cJSON *status)
{
	double pid, layout, uptime_s;

	(void)fputs("shuntd ", to);
	status_put_text(to, status_text_at(status, "version"));
	if (status_number_at(status, "pid", &pid))
		(void)fprintf(to, ", pid %.0f", pid);
	if (status_number_at(status, "uptime_s", &uptime_s)) {
		(void)fputs(", up ", to);
		status_put_duration(to, uptime_s);
	}
	if (status_number_at(status, "layout", &layout))
		(void)fprintf(to, ", layout %.0f", layout);
	(void)fputc('\n', to);
}

static void put_config(FILE *to, const cJSON *config)
{
	const char *error = status_text_at(config, "error");

	status_put_line(to, "configuration: ", status_text_at(config, "origin"));
	if (error)
		status_put_line(to, INDENT "refused, the one before stays in force: ", error);
}

static void put_cgroup(FILE *to, const cJSON *cgroup)
{
	const char *error = status_text_at(cgroup, "error");
	double id;

	(void)fputs("cgroup: ", to);
	status_put_text(to, status_text_at(cgroup, "path"));
	if (status_number_at(cgroup, "id", &id))
		(void)fprintf(to, " (id %.0f)", id);
	(void)fputs(cJSON_IsTrue(status_member(cgroup, "attached")) ? ", attached\n"
								    : ", NOT attached\n",
		    to);
	if (error)
		status_put_line(to, INDENT "error: ", error);
}

/* Of those that a service has, its own lines tell. */
static void put_drained(FILE *to, const cJSON *drained)
{
	double services, age_s;

	if (!status_number_at(drained, "services", &services) || services > 0)
		return;
	(void)fputs("drained: ", to);
	status_put_text(to, status_text_at(drained, "backend"));
	if (status_number_at(drained, "age_s", &age_s)) {
		(void)fputc(' ', to);
		status_put_duration(to, age_s);
		(void)fputs(" ago", to);
	}
	(void)fputs(", of no service now\n", to);
}

/* Whose tasks are left alone, a line for each path. */
static void put_excluded(FILE *to, const cJSON *paths)
{
	const cJSON *path;

	cJSON_ArrayForEach(path, paths)
	{
		const char *error = status_text_at(path, "error");
		double n = cJSON_GetNumberValue(status_member(path, "cgroups"));

		(void)fputs(INDENT "excluded: ", to);
		status_put_text(to, status_text_at(path, "path"));
		(void)fprintf(to, " (%.0f cgroup%s)", n, n == 1 ? "" : "s");
		status_put_line(to, error ? ": " : "", error ? error : "");
	}
}

/* Others on our hooks, a line for each. */
static void put_foreign(FILE *to, const cJSON *programs)
{
	const cJSON *program;

	cJSON_ArrayForEach(program, programs)
	{
		bool displaced = cJSON_IsTrue(status_member(program, "displaced"));

		(void)fputs(displaced ? INDENT "displaced from " : INDENT "also on ", to);
		status_put_text(to, status_text_at(program, "hook"));
		(void)fprintf(to, ": program %.0f ('",
			      cJSON_GetNumberValue(status_member(program, "program")));
		status_put_text(to, status_text_at(program, "name"));
		status_put_line(to, "') of ", status_text_at(program, "cgroup"));
	}
}

static void put_passed(FILE *to, const cJSON *passed)
{
	(void)fputs(INDENT "not by ", to);
	status_put_text(to, status_text_at(passed, "provider"));
	status_put_line(to, ": ", status_text_at(passed, "why"));
}

static void put_credentials(FILE *to, const cJSON *credentials)
{
	const char *provider = status_text_at(credentials, "provider");
	const char *expires = status_text_at(credentials, "expires_at");
	const char *error = status_text_at(credentials, "error");
	const cJSON *passed;

	if (!provider) {
		(void)fputs("credentials: nobody has needed any\n", to);
		return;
	}
	(void)fputs("credentials: ", to);
	status_put_text(to, provider);
	if (!cJSON_IsTrue(status_member(credentials, "available")))
		(void)fputs(", not available", to);
	if (expires) {
		(void)fputs(", expire at ", to);
		status_put_text(to, expires);
	}
	(void)fputc('\n', to);
	if (error)
		status_put_line(to, INDENT "error: ", error);
	cJSON_ArrayForEach(passed, status_member(credentials, "passed_over"))
	{
		put_passed(to, passed);
	}
}

/* Nothing where it goes without saying: the configuration or the environment has it. */
static void put_region(FILE *to, const cJSON *region)
{
	const char *name = status_text_at(region, "name");
	const char *from = status_text_at(region, "from");
	const char *error = status_text_at(region, "error");

	if (name && from) {
		(void)fputs("region: ", to);
		status_put_text(to, name);
		status_put_line(to, ", by ", from);
	}
	if (error)
		status_put_line(to, "region: not found yet: ", error);
}

static void put_clock(FILE *to, const cJSON *status)
{
	double offset_s;

	if (!status_number_at(status, "clock_offset_s", &offset_s) || offset_s == 0)
		return;
	(void)fputs("clock: ", to);
	status_put_duration(to, offset_s < 0 ? -offset_s : offset_s);
	(void)fprintf(to, " %s AWS's; requests are signed with the time corrected\n",
		      offset_s < 0 ? "ahead of" : "behind");
}

static void put_destination(FILE *to, const cJSON *service)
{
	const char *vip = status_text_at(service, "vip");
	double port = 0;

	if (!vip) {
		(void)fputs("no VIP", to);
		return;
	}
	(void)fputs(strchr(vip, ':') ? "[" : "", to);
	status_put_text(to, vip);
	(void)fputs(strchr(vip, ':') ? "]" : "", to);
	if (status_number_at(service, "port", &port) && port > 0)
		(void)fprintf(to, ":%.0f/", port);
	else
		(void)fputs(":any/", to);
	status_put_text(to, status_text_at(service, "protocol"));
}

static void put_summary(FILE *to, const cJSON *service)
{
	status_put_text(to, status_text_at(service, "name"));
	(void)fputc(' ', to);
	put_destination(to, service);
	status_put_answers(to, service);
}

static void put_source(FILE *to, const cJSON *service)
{
	const cJSON *alias;

	(void)fputs(INDENT "source: ", to);
	status_put_text(to, status_text_at(service, "source"));
	if (!cJSON_IsArray(status_member(service, "parts"))) { /* which have targets of their own */
		(void)fputc(' ', to);
		status_put_text(to, status_text_at(service, "target"));
	}
	(void)fputc('\n', to);
	cJSON_ArrayForEach(alias, status_member(service, "aliases"))
	{
		status_put_line(to, INDENT "alias: ", cJSON_GetStringValue(alias));
	}
}

/* The default goes without saying. */
static void put_balance(FILE *to, const cJSON *service)
{
	const char *balance = status_text_at(service, "balance");
	const char *affinity = status_text_at(service, "affinity");

	if (!balance || streq(balance, "round_robin"))
		return;
	(void)fputs(INDENT "balance: ", to);
	status_put_text(to, balance);
	(void)fputs(affinity ? " by " : "", to);
	status_put_line(to, "", affinity ? affinity : "");
}

static void put_zone(FILE *to, const cJSON *zone)
{
	double min = 0;

	if (!cJSON_IsObject(zone))
		return;
	(void)status_number_at(zone, "min", &min);
	(void)fputs(INDENT "zone: ", to);
	status_put_text(to, status_text_at(zone, "prefer"));
	if (cJSON_IsTrue(status_member(zone, "has_all")))
		(void)fputs(" has all connections\n", to);
	else
		(void)fprintf(to, " has too few healthy backends (%.0f wanted), all are used\n",
			      min);
}

static void put_use(FILE *to, const char *use)
{
	if (use && streq(use, "idle"))
		(void)fputs(INDENT "idle: asked for seldom until a task connects\n", to);
}

static void put_slow_start(FILE *to, const cJSON *service)
{
	double count;

	if (status_number_at(service, "slow_starting", &count) && count > 0)
		(void)fprintf(to, INDENT "slow start: %.0f new backend%s\n", count,
			      count == 1 ? "" : "s");
}

/* A backend that is not healthy. */
static void put_state(FILE *to, const cJSON *state)
{
	double age_s;

	(void)fputs(INDENT, to);
	status_put_text(to, status_text_at(state, "backend"));
	(void)fputc(' ', to);
	status_put_text(to, status_text_at(state, "state"));
	(void)fputs(": ", to);
	status_put_text(to, status_text_at(state, "why"));
	if (status_number_at(state, "age_s", &age_s)) {
		(void)fputc(' ', to);
		status_put_duration(to, age_s);
		(void)fputs(" ago", to);
	}
	(void)fputc('\n', to);
}

static void put_probe(FILE *to, const cJSON *probe)
{
	double failing = 0, backends = 0, portless = 0, interval_s = 0;
	const char *error = status_text_at(probe, "error");

	if (!cJSON_IsObject(probe))
		return;
	(void)status_number_at(probe, "failing", &failing);
	(void)status_number_at(probe, "backends", &backends);
	(void)status_number_at(probe, "portless", &portless);
	(void)status_number_at(probe, "interval_s", &interval_s);
	(void)fprintf(to, INDENT "probe: %.0f of %.0f fail%s, every ", failing, backends,
		      failing == 1 ? "s" : "");
	status_put_duration(to, interval_s);
	if (cJSON_IsTrue(status_member(probe, "panic")))
		(void)fputs("; these are more than half, so probes are ignored", to);
	if (portless > 0)
		(void)fprintf(to, "; %.0f without a port of its own cannot be probed", portless);
	(void)fputc('\n', to);
	if (error)
		status_put_line(to, INDENT "probe: this host cannot: ", error);
}

static void put_service(FILE *to, const cJSON *service)
{
	const cJSON *state, *note;

	put_summary(to, service);
	put_source(to, service);
	put_balance(to, service);
	put_zone(to, status_member(service, "zone"));
	put_excluded(to, status_member(service, "exclude_cgroups"));
	put_use(to, status_text_at(service, "use"));
	put_slow_start(to, service);
	put_probe(to, status_member(service, "probe"));
	cJSON_ArrayForEach(state, status_member(service, "states"))
	{
		put_state(to, state);
	}
	status_put_trouble(to, INDENT, service);
	status_put_parts(to, status_member(service, "parts"));
	cJSON_ArrayForEach(note, status_member(service, "notes"))
	{
		status_put_line(to, INDENT "note: ", cJSON_GetStringValue(note));
	}
}

char *status_text(const cJSON *status)
{
	const cJSON *service, *namespace, *drained, *problem;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	put_agent(to, status);
	put_config(to, status_member(status, "config"));
	put_cgroup(to, status_member(status, "cgroup"));
	put_foreign(to, status_member(status, "foreign_programs"));
	put_excluded(to, status_member(status, "exclude_cgroups"));
	put_credentials(to, status_member(status, "credentials"));
	put_region(to, status_member(status, "region"));
	put_clock(to, status);
	status_put_budget(to, status_member(status, "budget"));
	cJSON_ArrayForEach(drained, status_member(status, "drained"))
	{
		put_drained(to, drained);
	}
	cJSON_ArrayForEach(problem, status_member(status, "problems"))
	{
		status_put_line(to, "PROBLEM: ", cJSON_GetStringValue(problem));
	}
	cJSON_ArrayForEach(namespace, status_member(status, "namespaces"))
	{
		(void)fputc('\n', to);
		status_put_namespace(to, namespace);
	}
	cJSON_ArrayForEach(service, status_member(status, "services"))
	{
		(void)fputc('\n', to);
		put_service(to, service);
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
