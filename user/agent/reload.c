/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written and what is imported make one set of services, and there is one way from a set
 * to the next, be it a new configuration or news of a namespace: drafted whole first, then
 * swapped. A service that is the same object as before is not looked at; one that asks the same
 * source for the same thing keeps its watch; one that asks another keeps what is in force until
 * that answers.
 */
#include "agent/region.h"
#include "agent/resets.h"

#include <errno.h>

#include "agent/exclude.h"
#include "agent/keeper.h"
#include "io/config_file.h"
#include "sources/turns.h"

/* What is in the making. Watches that are kept are borrowed from agent->watches until it is in
 * place. */
struct draft {
	struct agent *agent;
	const struct config *config;
	struct imports_draft imports;
	struct roster roster;
	struct watch **list; /* of the services of the roster, so sorted by name */
	size_t n;
};

/* The watch of that name in a sorted list, which is looked for from *at on. */
static struct watch *find_watch(struct watch **list, size_t n, size_t *at, const char *name)
{
	while (*at < n) {
		int order = strcmp(list[*at]->config->name, name);

		if (order == 0)
			return list[*at];
		if (order > 0)
			return NULL;
		(*at)++;
	}
	return NULL;
}

static void draft_done(struct draft *d)
{
	struct agent *agent = d->agent;
	size_t at = 0;

	for (size_t i = 0; i < d->n; i++) {
		const char *name = d->roster.services[i]->name;

		if (find_watch(agent->watches, agent->n_watches, &at, name) != d->list[i])
			watch_free(d->list[i]);
		else
			watch_drop_draft(d->list[i]);
	}
	free(d->list);
	roster_done(&d->roster);
	imports_draft_drop(&d->imports);
}

static int draft_add(struct draft *d, const struct config_service *service, size_t *at,
		     const struct seeds *seeds)
{
	struct agent *agent = d->agent;
	struct watch *w = find_watch(agent->watches, agent->n_watches, at, service->name);
	int r = 0;

	if (!w)
		r = watch_new(agent, service, seeds, &w);
	else if (w->config != service)
		r = watch_draft(w, service);
	if (r == 0)
		d->list[d->n++] = w;
	return r;
}

static int draft_make(struct draft *d, const struct seeds *seeds)
{
	size_t at = 0;
	int r = imports_draft_make(d->agent, d->config, seeds, &d->imports);

	if (r == 0)
		r = roster_make(d->config, d->imports.lists, d->imports.n + 1, &d->roster);
	if (r < 0)
		return r;
	d->list = calloc(MAX(d->roster.n, 1U), sizeof(struct watch *));
	if (!d->list)
		return -ENOMEM;
	for (size_t i = 0; i < d->roster.n && r == 0; i++)
		r = draft_add(d, d->roster.services[i], &at, seeds);
	return r;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

static bool same_aws(const struct config *a, const struct config *b)
{
	return same_text(a->aws.region, b->aws.region) &&
	       same_text(a->aws.data_endpoint, b->aws.data_endpoint);
}

static bool same_dns(const struct config *a, const struct config *b)
{
	if (a->n_dns_servers != b->n_dns_servers || a->dns_ttl.min_ms != b->dns_ttl.min_ms ||
	    a->dns_ttl.max_ms != b->dns_ttl.max_ms)
		return false;
	for (size_t i = 0; i < a->n_dns_servers; i++) {
		if (addr_port_compare(&a->dns_servers[i], &b->dns_servers[i]) != 0)
			return false;
	}
	return true;
}

/* What is fixed for the life of the process keeps its old value; said once a reload. */
static void warn_fixed(const struct config *old, const struct config *now)
{
	const struct {
		const char *key;
		bool same;
	} fixed[] = {
		{ "cgroup", same_text(old->cgroup, now->cgroup) },
		{ "bpffs", same_text(old->bpffs, now->bpffs) },
		{ "control_socket", same_text(old->control_socket, now->control_socket) },
		{ "metrics.listen",
		  addr_port_compare(&old->metrics_listen, &now->metrics_listen) == 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (!fixed[i].same)
			log_warn("A changed key counts from the next start", "key=%s",
				 fixed[i].key);
	}
}

static bool falls_back(const struct config_service *s)
{
	for (size_t i = 0; i < config_count_parts(s); i++) {
		struct config_service part = config_part_service(s, i);

		if (part.source == CONFIG_SOURCE_CLOUDMAP && part.cloudmap.dns_fallback)
			return true;
	}
	return false;
}

static void reconfigure_all(struct draft *draft)
{
	const struct config *running = draft->agent->config, *next = draft->config;
	bool aws = same_aws(running, next), dns = same_dns(running, next);

	for (size_t i = 0; i < draft->n; i++) {
		const struct config_service *service = draft->roster.services[i];
		bool same_servers = service->source == CONFIG_SOURCE_DNS ? dns
				    : service->source == CONFIG_SOURCE_STATIC
					    ? true
					    : aws && (dns || !falls_back(service));

		if (watch_is_drafted(draft->list[i])) /* else it is new, or as it was */
			watch_configure(draft->list[i], service, same_servers);
	}
}

/* A new configuration may concern all services; news of a namespace those that are not as they
 * were.
 */
static void put_on_agenda(struct draft *draft)
{
	struct agent *agent = draft->agent;
	size_t at = 0;

	if (draft->config != agent->config)
		reconcile_all(agent);
	for (size_t i = 0; i < draft->n; i++) {
		struct watch *w = draft->list[i];

		if (watch_is_drafted(w) ||
		    find_watch(agent->watches, agent->n_watches, &at, w->config->name) != w)
			agenda_add(&agent->agenda, w);
	}
	reconcile_schedule(agent);
}

/* Puts the draft in the place of what is in force; what nobody wants any more goes. */
static void draft_commit(struct draft *draft)
{
	struct agent *agent = draft->agent;
	size_t at = 0;

	put_on_agenda(draft);
	reconfigure_all(draft);
	for (size_t i = 0; i < agent->n_watches; i++) {
		struct watch *w = agent->watches[i];

		if (find_watch(draft->list, draft->n, &at, w->config->name) != w) {
			agenda_add_gone(&agent->agenda, w->config->name);
			watch_free(w);
		}
	}
	free(agent->watches);
	agent->watches = TAKE_PTR(draft->list);
	agent->n_watches = draft->n;
	draft->n = 0;
	roster_done(&agent->roster);
	agent->roster = draft->roster;
	draft->roster = (struct roster){ 0 };
	imports_draft_commit(agent, &draft->imports);
	keeper_restart(agent);
}

int watches_build(struct agent *agent, const struct seeds *seeds)
{
	_cleanup_(draft_done) struct draft draft = { .agent = agent, .config = agent->config };
	int r = draft_make(&draft, seeds);

	if (r == 0)
		draft_commit(&draft);
	return r;
}

/* What follows whenever there are other services than before. 0 or -ENOMEM. */
static int follow(struct agent *agent)
{
	int r = addresses_assign(agent);

	for (size_t i = 0; i < agent->n_watches; i++)
		watch_start(agent->watches[i]);
	resets_configure(agent);
	return r;
}

void agent_reimport(struct agent *agent)
{
	const struct seeds none = { 0 };
	int r = watches_build(agent, &none);

	if (r == 0)
		r = follow(agent);
	imports_store(agent);
	if (r < 0)
		log_error("News of a namespace could not be taken in, trying with the next",
			  "error='%s'", strerror(-r));
}

/* Takes *next over once nothing can fail any more. */
static int swap_config(struct agent *agent, struct config **new_config)
{
	const struct config *next = *new_config;
	_cleanup_(draft_done) struct draft draft = { .agent = agent, .config = next };
	bool moved = !same_text(agent->config->state_dir, next->state_dir);
	bool other_lists = !same_text(agent->config->aws.region, next->aws.region) ||
			   !same_text(agent->config->aws.endpoint, next->aws.endpoint);
	const struct seeds none = { 0 };
	int r = draft_make(&draft, &none);

	if (r == 0 && agent->config->calls_per_second != next->calls_per_second)
		r = turns_set(agent->env.turns, next->calls_per_second);
	if (r == 0 && !same_dns(agent->config, next))
		r = resolver_configure(agent->env.resolver, next->dns_servers, next->n_dns_servers,
				       RESOLVER_FILE);
	if (r < 0)
		return r;
	warn_fixed(agent->config, next);
	draft_commit(&draft);
	config_free(agent->config);
	agent->config = TAKE_PTR(*new_config);
	r = region_tell(agent);
	if (r == 0)
		r = region_look(agent);
	if (r == 0)
		r = exclude_configure(agent);
	if (moved) {
		drain_book_load(agent);
		(void)drain_book_store(agent); /* logs */
	}
	imports_start(agent, other_lists);
	return MIN(r, follow(agent));
}

static char *join_problems(const struct diag *problems)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return NULL;
	for (size_t i = 0; i < problems->n; i++)
		(void)fprintf(to, "%s%s", i ? "; " : "", problems->lines[i]);
	if (problems->total > problems->n)
		(void)fprintf(to, "; and %zu more", problems->total - problems->n);
	(void)fclose(to);
	return text;
}

int agent_reload(struct agent *agent)
{
	_cleanup_(diag_done) struct diag problems = { 0 };
	_cleanup_free_ char *origin = NULL;
	_cleanup_(config_free_p) struct config *next = NULL;
	int r = config_file_load(agent->options->config_path, &origin, &next, &problems);

	if (r == 0) {
		r = region_complete(agent, next);
		if (r == 0)
			r = swap_config(agent, &next);
		if (r < 0)
			diag_add(&problems, "reload", "%s", strerror(-r));
	} else if (problems.total == 0) {
		diag_add(&problems, origin ? origin : "configuration", "%s", strerror(-r));
	}
	free(agent->config_error);
	agent->config_error = r < 0 ? join_problems(&problems) : NULL;
	if (r < 0) {
		log_error("The new configuration is refused, the running one stays", "problems=%zu",
			  problems.total);
		diag_print(&problems, "error: ", stderr);
		return -EINVAL;
	}
	log_info("Configuration reloaded", "origin=%s services=%zu", agent->origin,
		 agent->n_watches);
	return 0;
}
