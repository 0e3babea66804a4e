/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/foreign.h"

#include "agent/status.h"
#include "kernel/foreign.h"

void foreign_log(struct agent *agent)
{
	if (dataplane_find_foreign(agent->dataplane, &agent->foreign) < 0)
		return; /* nothing depends on it; status tries again */
	for (size_t i = 0; i < agent->foreign.n; i++) {
		const struct foreign *f = &agent->foreign.list[i];
		_cleanup_free_ char *name = log_escape(f->name);

		log_warn(f->is_displaced
				 ? "A program of others no longer runs here: it gives way to ours"
				 : "A program of others is on the same hook, both run",
			 "hook=%s program=%u name='%s' cgroup=%s", f->hook, f->program,
			 name ? name : "?", f->cgroup ? f->cgroup : "?");
	}
}

static const char *find_name(const struct agent *agent, const struct foreign *f)
{
	for (size_t i = 0; !f->name[0] && i < agent->foreign.n; i++) {
		if (agent->foreign.list[i].program == f->program)
			return agent->foreign.list[i].name;
	}
	return f->name[0] ? f->name : NULL;
}

static cJSON *foreign_build(const struct agent *agent, const struct foreign *f)
{
	cJSON *to = cJSON_CreateObject();

	status_add_text(to, "hook", f->hook);
	(void)cJSON_AddNumberToObject(to, "program", f->program);
	status_add_text(to, "name", find_name(agent, f));
	status_add_text(to, "cgroup", f->cgroup);
	(void)cJSON_AddBoolToObject(to, "displaced", f->is_displaced);
	return to;
}

void foreign_add(const struct agent *agent, cJSON *to)
{
	_cleanup_(foreigners_done) struct foreigners found = { 0 };
	cJSON *programs = cJSON_AddArrayToObject(to, "foreign_programs");

	if (dataplane_find_foreign(agent->dataplane, &found) < 0)
		return;
	for (size_t i = 0; i < found.n; i++)
		(void)cJSON_AddItemToArray(programs, foreign_build(agent, &found.list[i]));
}
