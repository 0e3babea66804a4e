/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/imports.h"

#include <errno.h>
#include <time.h>

#include "agent/internal.h"
#include "core/listing_book.h"

/* --- what is listed --------------------------------------------------------------------------- */

const char *import_domain(const struct import *i, const struct config_namespace *config)
{
	if (config->domain)
		return config->domain;
	if (i->of.name)
		return i->of.name;
	return config_namespace_kind(config->cloudmap) == CONFIG_NAMESPACE_NAME ? config->cloudmap
										: NULL;
}

static void log_listed(struct import *i, size_t before, bool was_held)
{
	uint32_t failures = log_repeat_recovered(&i->failures);
	_cleanup_free_ char *name = log_escape(i->config->cloudmap);

	if (failures > 0)
		log_info("Namespace is listed again", "namespace='%s' failures=%u",
			 name ? name : "", failures);
	if (i->listing.n != before)
		log_info("Services of a namespace changed",
			 "namespace='%s' services=%zu before=%zu", name ? name : "", i->listing.n,
			 before);
	if (i->listing.shrink.held && !was_held)
		log_warn("List lacks most services in force, keeping them until that is confirmed",
			 "namespace='%s' listed=%zu in_force=%zu confirm_ms=%u", name ? name : "",
			 i->listing.shrink.answered, i->listing.n, i->config->shrink_confirm_ms);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

/* What it was found as; texts of its own. */
static int note_found(struct import *i, const struct cloudmap_namespace *of, bool *ret_changed)
{
	struct cloudmap_namespace next = { 0 };

	*ret_changed = !same_text(of->id, i->of.id) || !same_text(of->name, i->of.name) ||
		       !same_text(of->http_name, i->of.http_name) || !same_text(of->arn, i->of.arn);
	if (!*ret_changed)
		return 0;
	next.id = strdup(of->id);
	next.arn = strdup(of->arn);
	next.name = strdup(of->name);
	next.http_name = strdup(of->http_name);
	next.owner = of->owner ? strdup(of->owner) : NULL;
	if (!next.id || !next.arn || !next.name || !next.http_name) {
		cloudmap_namespace_done(&next);
		return -ENOMEM;
	}
	cloudmap_namespace_done(&i->of);
	i->of = next;
	return 0;
}

static void on_listed(void *user, const struct namespace_list *list)
{
	struct import *i = user;
	struct agent *agent = i->agent;
	const struct listing_answer answer = {
		.names = list->names,
		.pages = list->pages,
		.confirm_ms = i->config->shrink_confirm_ms,
		.now_ms = uv_now(&agent->loop),
		.now_s = time(NULL),
	};
	bool was_held = i->listing.shrink.held, first = !i->listing.answered;
	bool renamed = false, changed = false;
	size_t before = i->listing.n;
	int r = note_found(i, list->of, &renamed);

	if (r == 0)
		r = listing_take_answer(&i->listing, &answer, &changed);
	if (r < 0) {
		listing_take_failure(&i->listing, "memory", strerror(-r), answer.now_ms);
		return;
	}
	i->unwanted = list->unwanted;
	log_listed(i, before, was_held);
	if (changed || renamed || first)
		agent_reimport(agent);
}

static void on_failure(void *user, const struct source_failure *failure)
{
	struct import *i = user;
	struct agent *agent = i->agent;
	uint64_t now_ms = uv_now(&agent->loop);
	_cleanup_free_ char *name = log_escape(i->config->cloudmap);
	_cleanup_free_ char *code = log_escape(failure->code);
	_cleanup_free_ char *message = log_escape(failure->message);

	listing_take_failure(&i->listing, failure->code, failure->message, now_ms);
	if (!agent->announced)
		reconcile_schedule(agent);
	if (!log_repeat_failed(&i->failures, now_ms))
		return;
	log_warn("Namespace cannot be listed, keeping the services that it had",
		 "namespace='%s' code='%s' message='%s' failures=%u keeping=%zu", name ? name : "",
		 code ? code : "", message ? message : "", i->failures.failures, i->listing.n);
}

/* --- what is remembered ----------------------------------------------------------------------- */

static int take(void *user, const char *text, size_t length, struct diag *problems)
{
	struct import *i = user;
	_cleanup_free_ char *key = listing_book_key(i->config);

	return key ? listing_book_read(text, length, key, &i->of, &i->listing, problems) : -ENOMEM;
}

static void free_keys(struct listing_book_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)rows[i].key);
}

void imports_store(const struct agent *agent)
{
	struct listing_book_row rows[CONFIG_NAMESPACES_MAX] = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t n = 0, length = 0;
	int r = 0;

	for (size_t i = 0; i < agent->imports.n && r == 0; i++) {
		const struct import *import = agent->imports.list[i];

		if (!import->of.id)
			continue;
		rows[n] = (struct listing_book_row){ listing_book_key(import->config), &import->of,
						     &import->listing };
		r = rows[n].key ? 0 : -ENOMEM;
		n += rows[n].key != NULL;
	}
	if (r == 0)
		r = listing_book_write(rows, n, &text, &length);
	if (r == 0)
		(void)state_file_store(agent, STATE_FILE_NAMESPACES, text, length); /* logs */
	free_keys(rows, n);
}

/* --- their life ------------------------------------------------------------------------------- */

int import_new(struct agent *agent, const struct config_namespace *config, struct import **ret)
{
	struct import *i = calloc(1, sizeof(*i));

	if (!i)
		return -ENOMEM;
	i->agent = agent;
	i->config = config;
	state_file_load(agent, STATE_FILE_NAMESPACES, take, i);
	*ret = i;
	return 0;
}

static void list_free(struct imported_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		imported_free(list->list[i]);
	free(list->list);
	*list = (struct imported_list){ 0 };
}

void import_free(struct import *i)
{
	if (!i)
		return;
	namespace_stop(i->source);
	listing_done(&i->listing);
	cloudmap_namespace_done(&i->of);
	list_free(&i->services);
	free(i);
}

static void import_start(struct import *i)
{
	const struct namespace_sink sink = {
		.listed = on_listed,
		.failure = on_failure,
		.user = i,
	};
	struct agent *agent = i->agent;
	int r;

	if (!agent->config->aws.region) {
		listing_take_failure(&i->listing, REGION_CODE, REGION_MESSAGE,
				     uv_now(&agent->loop));
		return;
	}
	r = namespace_start(&agent->env, agent->config, i->config, &sink, &i->source);
	if (r == 0)
		return;
	i->source = NULL;
	listing_take_failure(&i->listing, "start", strerror(-r), uv_now(&agent->loop));
	log_error("Listing a namespace could not be started", "error='%s'", strerror(-r));
}

void imports_start(struct agent *agent, bool anew)
{
	for (size_t i = 0; i < agent->imports.n; i++) {
		struct import *import = agent->imports.list[i];

		if (anew)
			namespace_stop(TAKE_PTR(import->source));
		if (!import->source)
			import_start(import);
	}
}

void imports_refresh(struct agent *agent)
{
	for (size_t i = 0; i < agent->imports.n; i++) {
		if (agent->imports.list[i]->source)
			namespace_refresh(agent->imports.list[i]->source);
	}
}

bool imports_are_settled(const struct agent *agent)
{
	for (size_t i = 0; i < agent->imports.n; i++) {
		const struct listing *listing = &agent->imports.list[i]->listing;

		if (!listing->answered && listing->failure.count == 0)
			return false;
	}
	return true;
}

void imports_close(struct agent *agent)
{
	for (size_t i = 0; i < agent->imports.n; i++)
		import_free(agent->imports.list[i]);
	free(TAKE_PTR(agent->imports.list));
	agent->imports.n = 0;
	list_free(&agent->imports.left);
}
