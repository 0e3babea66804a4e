/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a say on the state of a service's backends: each is heard on each, the gravest counts. */
#include "agent/internal.h"

static int source_says(struct watch *w, size_t index)
{
	enum shunt_state state = (enum shunt_state)watch_in_force(w)->list[index].state;

	return health_say(&w->health, index, state, 0,
			  watch_is_answered(w) ? "its source says so"
					       : "as an earlier run left it");
}

static int probe_says(struct watch *w, size_t index)
{
	const struct probe *outcomes = w->prober ? prober_outcomes(w->prober) : NULL;
	const struct probe_row *row;
	char why[PROBE_WHY_MAX];

	if (!outcomes || probe_panics(outcomes))
		return 0;
	row = probe_find(outcomes, &watch_in_force(w)->list[index].at);
	if (!row || !row->unhealthy)
		return 0;
	return health_say(&w->health, index, STATE_UNHEALTHY, row->since_s, "%s",
			  probe_describe(row, why));
}

/* The programs avoid it by themselves: it keeps its share, for when it is back. */
static int programs_say(struct watch *w, size_t index)
{
	const struct ejection *e = ejections_find(&w->ejections,
						  &w->health.backends.list[index].at);
	char why[EJECTION_WHY_MAX];

	return e ? health_say(&w->health, index, STATE_EJECTED, e->since_s, "%s",
			      ejection_describe(e, uv_hrtime(), why))
		 : 0;
}

static int operator_says(struct watch *w, size_t index)
{
	const struct drain *drain = drains_find(&w->agent->drains,
						&watch_in_force(w)->list[index].at);

	if (!drain)
		return 0;
	return health_say(&w->health, index, STATE_DRAINING, drain->since_s, "drained by shuntctl");
}

static int (*const voices[])(struct watch *w, size_t index) = {
	source_says,
	probe_says,
	programs_say,
	operator_says,
};

int voices_hear(struct watch *w)
{
	int r = watch_join(w);

	if (r == 0)
		r = prober_follow(w, false);
	if (r == 0)
		r = health_begin(&w->health, watch_in_force(w));
	for (size_t i = 0; i < w->health.backends.n && r == 0; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(voices) && r == 0; j++)
			r = voices[j](w, i);
	}
	return r;
}
