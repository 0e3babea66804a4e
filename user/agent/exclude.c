/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exclude.h"

#include <errno.h>

#include "agent/internal.h"

#define LOOK_MS 1000

struct exclude {
	uv_timer_t timer;
	struct exclude_path *paths; /* sorted, each once */
	size_t n;
	bool distrusted, full;
	bool is_due; /* what was found, or who is to be excluded from, has changed */
};

static int compare_paths(const void *left, const void *right)
{
	const struct exclude_path *a = left, *b = right;

	return strcmp(a->path, b->path);
}

const struct exclude_path *exclude_find(const struct agent *agent, const char *path)
{
	const struct exclude *e = agent->exclude;
	const struct exclude_path key = { .path = (char *)path };

	return e->n ? bsearch(&key, e->paths, e->n, sizeof(e->paths[0]), compare_paths) : NULL;
}

bool exclude_is_full(const struct agent *agent)
{
	return agent->exclude->full;
}

static void paths_free(struct exclude_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cgroup_matches_done(&paths[i].found);
		free(paths[i].path);
	}
	free(paths);
}

/* --- looking for cgroups ---------------------------------------------------------------------- */

static bool same_cgroups(const struct cgroup_matches *a, const struct cgroup_matches *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; i < a->n && same; i++)
		same = a->list[i].id == b->list[i].id;
	return same;
}

/* Whether anything has changed. What could not be looked at stays as it was. */
static bool path_look(struct exclude_path *path, const struct dataplane *d)
{
	struct cgroup_matches found = { 0 };
	bool changed;

	path->error = dataplane_find_cgroups(d, path->path, &found);
	if (path->error < 0)
		return false;
	changed = !same_cgroups(&path->found, &found);
	cgroup_matches_done(&path->found);
	path->found = found;
	return changed;
}

static void on_look(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	bool changed = false;

	for (size_t i = 0; i < agent->exclude->n; i++)
		changed |= path_look(&agent->exclude->paths[i], agent->dataplane);
	agent->exclude->is_due |= changed;
	if (changed)
		reconcile_schedule(agent);
}

/* --- configuration ---------------------------------------------------------------------------- */

static int add_paths(const struct config_cgroups *from, struct exclude *to, size_t *capacity)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++) {
		struct exclude_path path = { .path = strdup(from->paths[i]) };

		r = util_grow(&to->paths, capacity, to->n + 1, sizeof(path));
		if (r < 0 || !path.path) {
			free(path.path);
			return -ENOMEM;
		}
		to->paths[to->n++] = path;
	}
	return r;
}

static void keep_one_of_each(struct exclude *e)
{
	size_t n = 0;

	if (e->n > 0)
		qsort(e->paths, e->n, sizeof(e->paths[0]), compare_paths);
	for (size_t i = 0; i < e->n; i++) {
		if (n > 0 && streq(e->paths[n - 1].path, e->paths[i].path))
			free(e->paths[i].path);
		else
			e->paths[n++] = e->paths[i];
	}
	e->n = n;
}

static int collect_paths(const struct config *config, struct exclude *ret)
{
	size_t capacity = 0;
	int r = add_paths(&config->exclude, ret, &capacity);

	for (size_t i = 0; i < config->n_services && r == 0; i++)
		r = add_paths(&config->services[i].exclude, ret, &capacity);
	for (size_t i = 0; i < config->n_namespaces && r == 0; i++)
		r = add_paths(&config->namespaces[i].defaults.exclude, ret, &capacity);
	keep_one_of_each(ret);
	return r;
}

static void warn_of_error(const struct agent *agent, const struct exclude_path *path)
{
	uint64_t id;

	if (path->error == -EXDEV)
		log_warn("An excluded cgroup is not below the one that is attached to, ignoring it",
			 "path='%s' cgroup=%s", path->path,
			 dataplane_cgroup(agent->dataplane, &id));
}

int exclude_configure(struct agent *agent)
{
	struct exclude next = { 0 }, *e = agent->exclude;
	int r = collect_paths(agent->config, &next);

	if (r < 0) {
		paths_free(next.paths, next.n);
		return r;
	}
	paths_free(e->paths, e->n);
	e->paths = next.paths;
	e->n = next.n;
	e->is_due = true;
	for (size_t i = 0; i < e->n; i++) {
		(void)path_look(&e->paths[i], agent->dataplane);
		warn_of_error(agent, &e->paths[i]);
	}
	if (e->n > 0)
		(void)uv_timer_start(&e->timer, on_look, LOOK_MS, LOOK_MS);
	else
		(void)uv_timer_stop(&e->timer);
	return 0;
}

/* --- into the kernel -------------------------------------------------------------------------- */

static int want_paths(const struct agent *agent, const struct config_cgroups *from,
		      uint32_t service_id, struct exclusions *want)
{
	int r = 0;

	for (size_t i = 0; i < from->n; i++) {
		const struct exclude_path *path = exclude_find(agent, from->paths[i]);

		for (size_t j = 0; path && j < path->found.n && r == 0; j++) {
			const struct cgroup_match *found = &path->found.list[j];
			const struct exclusion row = { found->id, service_id, found->level,
						       found->path };

			r = exclusions_add(want, &row);
		}
	}
	return r;
}

/* By the ids of the planner: those of services that a plan has just made, too. */
static int want_build(const struct agent *agent, struct exclusions *ret)
{
	int r = want_paths(agent, &agent->config->exclude, EXCLUSION_ALL, ret);

	for (size_t i = 0; i < agent->n_watches && r == 0; i++) {
		const struct watch *w = agent->watches[i];
		uint32_t id = w->config->exclude.n > 0 ? watch_service_id(w) : 0;

		if (id)
			r = want_paths(agent, &w->config->exclude, id, ret);
	}
	exclusions_sort(ret);
	return r;
}

/* I7: a full map is visible, and what is in it counts. */
static void set_full(struct agent *agent, bool full)
{
	if (full && !agent->exclude->full)
		log_warn("No room for more excluded cgroups, their tasks are redirected", "max=%d",
			 SHUNT_EXCLUDED_MAX);
	agent->exclude->full = full;
}

void exclude_distrust(struct agent *agent)
{
	agent->exclude->distrusted = true;
	agent->exclude->is_due = true;
}

static int include_others(struct agent *agent)
{
	_cleanup_(exclusions_done) struct exclusions want = { 0 };
	int r = want_build(agent, &want);

	return r < 0 ? r : dataplane_include_others(agent->dataplane, &want);
}

int exclude_before_plan(struct agent *agent)
{
	int r = agent->exclude->distrusted ? include_others(agent) : 0;

	if (r == 0)
		agent->exclude->distrusted = false;
	return r;
}

/* Does it take ids from services, or give some to others? */
static bool moves_ids(const struct plan *plan)
{
	for (size_t i = 0; i < plan->ops.n; i++) {
		enum plan_op_kind kind = plan->ops.list[i].kind;

		if (kind == PLAN_COUNTERS_ZERO || kind == PLAN_SERVICE_DELETE)
			return true;
	}
	return false;
}

int exclude_before_writes(struct agent *agent, const struct plan *plan)
{
	_cleanup_(exclusions_done) struct exclusions want = { 0 };
	struct exclude *e = agent->exclude;
	int r;

	e->is_due |= e->full || moves_ids(plan);
	if (!e->is_due)
		return 0;
	r = want_build(agent, &want);
	if (r == 0)
		r = dataplane_exclude(agent->dataplane, &want);
	if (r == 0 || r == -ENOSPC)
		set_full(agent, r == -ENOSPC);
	return r == -ENOSPC ? 0 : r;
}

int exclude_after_writes(struct agent *agent)
{
	int r = agent->exclude->is_due ? include_others(agent) : 0;

	if (r == 0)
		agent->exclude->is_due = false;
	return r;
}

/* --- its life --------------------------------------------------------------------------------- */

int exclude_open(struct agent *agent)
{
	agent->exclude = calloc(1, sizeof(*agent->exclude));
	if (!agent->exclude)
		return -ENOMEM;
	agent->exclude->distrusted = true;
	(void)uv_timer_init(&agent->loop, &agent->exclude->timer);
	agent->exclude->timer.data = agent;
	return 0;
}

static void on_closed(uv_handle_t *timer)
{
	struct agent *agent = timer->data;

	paths_free(agent->exclude->paths, agent->exclude->n);
	free(TAKE_PTR(agent->exclude));
}

void exclude_close(struct agent *agent)
{
	if (agent->exclude)
		uv_close((uv_handle_t *)&agent->exclude->timer, on_closed);
}
