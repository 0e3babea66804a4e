/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_text.h"

#include "base/log.h"

#define INDENT "    "

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_at(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(member(object, key));
}

static bool number_at(const cJSON *object, const char *key, double *ret)
{
	const cJSON *number = member(object, key);

	if (!cJSON_IsNumber(number))
		return false;
	*ret = number->valuedouble;
	return true;
}

/* What came from a remote must not reach the terminal as it is. */
static void put_text(FILE *to, const char *untrusted)
{
	_cleanup_free_ char *escaped = log_escape(untrusted ? untrusted : "-");

	if (escaped)
		(void)fputs(escaped, to);
}

static void put_line(FILE *to, const char *before, const char *untrusted)
{
	(void)fputs(before, to);
	put_text(to, untrusted);
	(void)fputc('\n', to);
}

static void put_duration(FILE *to, double seconds)
{
	static const struct {
		double below, unit;
		int decimals;
		const char *name;
	} scales[] = {
		{ 10, 1, 1, "s" },	  { 120, 1, 0, "s" },	    { 7200, 60, 0, "min" },
		{ 172800, 3600, 0, "h" }, { 1e300, 86400, 0, "d" },
	};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(scales) && seconds >= scales[i].below)
		i++;
	(void)fprintf(to, "%.*f %s", scales[i].decimals, seconds / scales[i].unit, scales[i].name);
}

static void put_agent(FILE *to, const cJSON *status)
{
	double pid, layout, uptime_s;

	(void)fputs("shuntd ", to);
	put_text(to, text_at(status, "version"));
	if (number_at(status, "pid", &pid))
		(void)fprintf(to, ", pid %.0f", pid);
	if (number_at(status, "uptime_s", &uptime_s)) {
		(void)fputs(", up ", to);
		put_duration(to, uptime_s);
	}
	if (number_at(status, "layout", &layout))
		(void)fprintf(to, ", layout %.0f", layout);
	(void)fputc('\n', to);
}

static void put_config(FILE *to, const cJSON *config)
{
	const char *error = text_at(config, "error");

	put_line(to, "configuration: ", text_at(config, "origin"));
	if (error)
		put_line(to, INDENT "refused, the one before stays in force: ", error);
}

static void put_cgroup(FILE *to, const cJSON *cgroup)
{
	const char *error = text_at(cgroup, "error");
	double id;

	(void)fputs("cgroup: ", to);
	put_text(to, text_at(cgroup, "path"));
	if (number_at(cgroup, "id", &id))
		(void)fprintf(to, " (id %.0f)", id);
	(void)fputs(cJSON_IsTrue(member(cgroup, "attached")) ? ", attached\n" : ", NOT attached\n",
		    to);
	if (error)
		put_line(to, INDENT "error: ", error);
}

/* Of those that a service has, its own lines tell. */
static void put_drained(FILE *to, const cJSON *drained)
{
	double services, age_s;

	if (!number_at(drained, "services", &services) || services > 0)
		return;
	(void)fputs("drained: ", to);
	put_text(to, text_at(drained, "backend"));
	if (number_at(drained, "age_s", &age_s)) {
		(void)fputc(' ', to);
		put_duration(to, age_s);
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
		const char *error = text_at(path, "error");
		double n = cJSON_GetNumberValue(member(path, "cgroups"));

		(void)fputs(INDENT "excluded: ", to);
		put_text(to, text_at(path, "path"));
		(void)fprintf(to, " (%.0f cgroup%s)", n, n == 1 ? "" : "s");
		put_line(to, error ? ": " : "", error ? error : "");
	}
}

static void put_credentials(FILE *to, const cJSON *credentials)
{
	const char *expires = text_at(credentials, "expires_at");
	const char *error = text_at(credentials, "error");

	(void)fputs("credentials: ", to);
	put_text(to, text_at(credentials, "provider"));
	if (!cJSON_IsTrue(member(credentials, "available")))
		(void)fputs(", not available", to);
	if (expires) {
		(void)fputs(", expire at ", to);
		put_text(to, expires);
	}
	(void)fputc('\n', to);
	if (error)
		put_line(to, INDENT "error: ", error);
}

static void put_destination(FILE *to, const cJSON *service)
{
	const char *vip = text_at(service, "vip");
	double port = 0;

	if (!vip) {
		(void)fputs("no VIP", to);
		return;
	}
	(void)fputs(strchr(vip, ':') ? "[" : "", to);
	put_text(to, vip);
	(void)fputs(strchr(vip, ':') ? "]" : "", to);
	if (number_at(service, "port", &port) && port > 0)
		(void)fprintf(to, ":%.0f/", port);
	else
		(void)fputs(":any/", to);
	put_text(to, text_at(service, "protocol"));
}

/* Of a service or of a part: " -> 3 backends, answered 2.0 s ago", and the line's end. */
static void put_answers(FILE *to, const cJSON *source)
{
	double backends = 0, age_s, next_s;

	(void)number_at(source, "backends", &backends);
	(void)fprintf(to, " -> %.0f backend%s, ", backends, backends == 1 ? "" : "s");
	if (number_at(source, "age_s", &age_s)) {
		(void)fputs("answered ", to);
		put_duration(to, age_s);
		(void)fputs(" ago", to);
	} else {
		(void)fputs("never answered", to);
	}
	if (number_at(source, "next_s", &next_s)) {
		(void)fputs(", next in ", to);
		put_duration(to, next_s);
	}
	(void)fputc('\n', to);
}

static void put_summary(FILE *to, const cJSON *service)
{
	put_text(to, text_at(service, "name"));
	(void)fputc(' ', to);
	put_destination(to, service);
	put_answers(to, service);
}

static void put_source(FILE *to, const cJSON *service)
{
	const cJSON *alias;

	(void)fputs(INDENT "source: ", to);
	put_text(to, text_at(service, "source"));
	if (!cJSON_IsArray(member(service, "parts"))) { /* which have targets of their own */
		(void)fputc(' ', to);
		put_text(to, text_at(service, "target"));
	}
	(void)fputc('\n', to);
	cJSON_ArrayForEach(alias, member(service, "aliases"))
	{
		put_line(to, INDENT "alias: ", cJSON_GetStringValue(alias));
	}
}

/* The default goes without saying. */
static void put_balance(FILE *to, const cJSON *service)
{
	const char *balance = text_at(service, "balance");
	const char *affinity = text_at(service, "affinity");

	if (!balance || streq(balance, "round_robin"))
		return;
	(void)fputs(INDENT "balance: ", to);
	put_text(to, balance);
	(void)fputs(affinity ? " by " : "", to);
	put_line(to, "", affinity ? affinity : "");
}

static void put_zone(FILE *to, const cJSON *zone)
{
	double min = 0;

	if (!cJSON_IsObject(zone))
		return;
	(void)number_at(zone, "min", &min);
	(void)fputs(INDENT "zone: ", to);
	put_text(to, text_at(zone, "prefer"));
	if (cJSON_IsTrue(member(zone, "has_all")))
		(void)fputs(" has all connections\n", to);
	else
		(void)fprintf(to, " has too few healthy backends (%.0f wanted), all are used\n",
			      min);
}

static void put_slow_start(FILE *to, const cJSON *service)
{
	double count;

	if (number_at(service, "slow_starting", &count) && count > 0)
		(void)fprintf(to, INDENT "slow start: %.0f new backend%s\n", count,
			      count == 1 ? "" : "s");
}

/* A backend that is not healthy. */
static void put_state(FILE *to, const cJSON *state)
{
	double age_s;

	(void)fputs(INDENT, to);
	put_text(to, text_at(state, "backend"));
	(void)fputc(' ', to);
	put_text(to, text_at(state, "state"));
	(void)fputs(": ", to);
	put_text(to, text_at(state, "why"));
	if (number_at(state, "age_s", &age_s)) {
		(void)fputc(' ', to);
		put_duration(to, age_s);
		(void)fputs(" ago", to);
	}
	(void)fputc('\n', to);
}

static void put_probe(FILE *to, const cJSON *probe)
{
	double failing = 0, backends = 0, portless = 0, interval_s = 0;
	const char *error = text_at(probe, "error");

	if (!cJSON_IsObject(probe))
		return;
	(void)number_at(probe, "failing", &failing);
	(void)number_at(probe, "backends", &backends);
	(void)number_at(probe, "portless", &portless);
	(void)number_at(probe, "interval_s", &interval_s);
	(void)fprintf(to, INDENT "probe: %.0f of %.0f fail%s, every ", failing, backends,
		      failing == 1 ? "s" : "");
	put_duration(to, interval_s);
	if (cJSON_IsTrue(member(probe, "panic")))
		(void)fputs("; these are more than half, so probes are ignored", to);
	if (portless > 0)
		(void)fprintf(to, "; %.0f without a port of its own cannot be probed", portless);
	(void)fputc('\n', to);
	if (error)
		put_line(to, INDENT "probe: this host cannot: ", error);
}

static void put_error(FILE *to, const char *indent, const cJSON *error)
{
	const char *message = text_at(error, "message");
	double count, age_s;

	(void)fprintf(to, "%serror: ", indent);
	put_text(to, text_at(error, "code"));
	if (message && *message) {
		(void)fputs(": ", to);
		put_text(to, message);
	}
	if (number_at(error, "count", &count) && number_at(error, "age_s", &age_s)) {
		(void)fprintf(to, " (%.0f in a row, last ", count);
		put_duration(to, age_s);
		(void)fputs(" ago)", to);
	}
	(void)fputc('\n', to);
}

static void put_shrink(FILE *to, const char *indent, const cJSON *shrink)
{
	double answered = 0, in_force = 0, for_s = 0, confirm_s = 0;

	(void)number_at(shrink, "answered", &answered);
	(void)number_at(shrink, "in_force", &in_force);
	(void)number_at(shrink, "for_s", &for_s);
	(void)number_at(shrink, "confirm_s", &confirm_s);
	(void)fprintf(to, "%sshrink: the answer has %.0f where %.0f are in force, for ", indent,
		      answered, in_force);
	put_duration(to, for_s);
	(void)fputs("; believed after ", to);
	put_duration(to, confirm_s);
	(void)fputc('\n', to);
}

/* Instances about which something is wrong. */
static void put_faulty(FILE *to, const char *indent, const cJSON *faulty, const char *before,
		       const char *after)
{
	double count = 0;

	if (!cJSON_IsObject(faulty))
		return;
	(void)number_at(faulty, "count", &count);
	(void)fprintf(to, "%s%s: %.0f %s: ", indent, before, count, after);
	put_line(to, "", text_at(faulty, "why"));
}

/* What is wrong with a source. */
static void put_trouble(FILE *to, const char *indent, const cJSON *source)
{
	const char *keeping = text_at(source, "keeping");

	if (keeping) {
		(void)fputs(indent, to);
		put_line(to, "keeping ", keeping);
	}
	if (cJSON_IsObject(member(source, "error")))
		put_error(to, indent, member(source, "error"));
	if (cJSON_IsObject(member(source, "shrink")))
		put_shrink(to, indent, member(source, "shrink"));
	put_faulty(to, indent, member(source, "rejected"), "left out", "without a usable address");
	put_faulty(to, indent, member(source, "misweighted"), "given weight 1",
		   "with a bad weight");
}

static void put_parts(FILE *to, const cJSON *parts)
{
	const cJSON *part;
	size_t index = 0;

	if (!cJSON_IsArray(parts))
		return;
	cJSON_ArrayForEach(part, parts)
	{
		double weight = 0;

		(void)number_at(part, "weight", &weight);
		(void)fprintf(to, INDENT "split[%zu]: weight %.0f, ", index++, weight);
		put_text(to, text_at(part, "source"));
		(void)fputc(' ', to);
		put_text(to, text_at(part, "target"));
		put_answers(to, part);
		put_trouble(to, INDENT INDENT, part);
	}
}

static void put_service(FILE *to, const cJSON *service)
{
	const cJSON *state, *note;

	put_summary(to, service);
	put_source(to, service);
	put_balance(to, service);
	put_zone(to, member(service, "zone"));
	put_excluded(to, member(service, "exclude_cgroups"));
	put_slow_start(to, service);
	put_probe(to, member(service, "probe"));
	cJSON_ArrayForEach(state, member(service, "states"))
	{
		put_state(to, state);
	}
	put_trouble(to, INDENT, service);
	put_parts(to, member(service, "parts"));
	cJSON_ArrayForEach(note, member(service, "notes"))
	{
		put_line(to, INDENT "note: ", cJSON_GetStringValue(note));
	}
}

char *status_text(const cJSON *status)
{
	const cJSON *service, *drained, *problem;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	put_agent(to, status);
	put_config(to, member(status, "config"));
	put_cgroup(to, member(status, "cgroup"));
	put_excluded(to, member(status, "exclude_cgroups"));
	put_credentials(to, member(status, "credentials"));
	cJSON_ArrayForEach(drained, member(status, "drained"))
	{
		put_drained(to, drained);
	}
	cJSON_ArrayForEach(problem, member(status, "problems"))
	{
		put_line(to, "PROBLEM: ", cJSON_GetStringValue(problem));
	}
	cJSON_ArrayForEach(service, member(status, "services"))
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
