/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new configuration under way: parsed whole first, then swapped. A service that asks the same
 * source for the same thing keeps its watch; one that asks another keeps what is in force until
 * that answers.
 */
#include "agent/resets.h"

#include <errno.h>

#include "agent/exclude.h"
#include "io/config_file.h"
#include "sources/turns.h"

static int compare_watches(const void *a, const void *b)
{
	const struct watch *left = *(const struct watch *const *)a;
	const struct watch *right = *(const struct watch *const *)b;

	return strcmp(left->config->name, right->config->name);
}

/* A list in the making: watches that are kept are
 * borrowed from agent->watches until it is in place. */
struct draft {
	struct agent *agent;
	struct watch **list;
	size_t n;
};

static void draft_done(struct draft *d)
{
	struct agent *agent = d->agent;

	for (size_t i = 0; i < d->n; i++) {
		const char *name = d->list[i]->config->name;

		if (watch_find(agent->watches, agent->n_watches, name) != d->list[i])
			watch_free(d->list[i]);
		else
			watch_drop_draft(d->list[i]);
	}
	free(d->list);
}

static int draft_add(struct draft *d, const struct config_service *service,
		     const struct table *left)
{
	struct agent *agent = d->agent;
	const struct table_service *had = left ? table_find(left, service->name) : NULL;
	int r = 0;

	d->list[d->n] = watch_find(agent->watches, agent->n_watches, service->name);
	if (d->list[d->n])
		r = watch_draft(d->list[d->n], service);
	else
		r = watch_new(agent, service, had, &d->list[d->n]);
	if (r == 0)
		d->n++;
	return r;
}

static int draft_make(struct draft *d, const struct config *config, const struct table *left)
{
	int r = 0;

	d->list = calloc(MAX(config->n_services, 1U), sizeof(struct watch *));
	if (!d->list)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_services && r == 0; i++)
		r = draft_add(d, &config->services[i], left);
	if (r == 0 && d->n > 0)
		qsort(d->list, d->n, sizeof(struct watch *), compare_watches);
	return r;
}

int watches_build(struct agent *agent, const struct table *left)
{
	_cleanup_(draft_done) struct draft draft = { .agent = agent };
	int r = draft_make(&draft, agent->config, left);

	if (r < 0)
		return r;
	agent->watches = TAKE_PTR(draft.list);
	agent->n_watches = draft.n;
	draft.n = 0;
	return 0;
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

static void reconfigure_all(struct agent *agent, struct draft *draft, const struct config *next)
{
	bool aws = same_aws(agent->config, next), dns = same_dns(agent->config, next);

	for (size_t i = 0; i < draft->n; i++) {
		struct watch *w = draft->list[i];
		const struct config_service *service = config_find_service(next, w->config->name);
		bool same_servers = service->source == CONFIG_SOURCE_DNS ? dns
				    : service->source == CONFIG_SOURCE_STATIC
					    ? true
					    : aws && (dns || !falls_back(service));

		if (w->next.n > 0) /* else it is new */
			watch_configure(w, service, same_servers);
	}
}

/* Puts the draft in the place of agent->watches; those that nobody wants any more go. */
static void draft_commit(struct agent *agent, struct draft *draft)
{
	for (size_t i = 0; i < agent->n_watches; i++) {
		struct watch *w = agent->watches[i];

		if (watch_find(draft->list, draft->n, w->config->name) != w)
			watch_free(w);
	}
	free(agent->watches);
	agent->watches = TAKE_PTR(draft->list);
	agent->n_watches = draft->n;
	draft->n = 0;
}

/* Takes *next over once nothing can fail any more. */
static int swap_config(struct agent *agent, struct config **new_config)
{
	const struct config *next = *new_config;
	_cleanup_(draft_done) struct draft draft = { .agent = agent };
	bool moved = !same_text(agent->config->state_dir, next->state_dir);
	int r = draft_make(&draft, next, NULL);

	if (r == 0 && agent->config->calls_per_second != next->calls_per_second)
		r = turns_set(agent->env.turns, next->calls_per_second);
	if (r == 0 && !same_dns(agent->config, next))
		r = resolver_configure(agent->env.resolver, next->dns_servers, next->n_dns_servers,
				       RESOLVER_FILE);
	if (r < 0)
		return r;
	reconcile_all(agent); /* no list has a watch that goes now */
	warn_fixed(agent->config, next);
	reconfigure_all(agent, &draft, next);
	draft_commit(agent, &draft);
	config_free(agent->config);
	agent->config = TAKE_PTR(*new_config);
	r = agent_locate_credentials(agent);
	if (r == 0)
		r = addresses_assign(agent);
	if (r == 0)
		r = exclude_configure(agent);
	if (moved) {
		drain_book_load(agent);
		(void)drain_book_store(agent); /* logs */
	}
	for (size_t i = 0; i < agent->n_watches; i++)
		watch_start(agent->watches[i]);
	resets_configure(agent);
	return r;
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
