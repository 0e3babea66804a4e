/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ejection.h"

#include <errno.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

void ejections_done(struct ejections *e)
{
	free(e->list);
	*e = (struct ejections){ 0 };
}

int ejections_add(struct ejections *e, const struct ejection *added)
{
	if (util_grow(&e->list, &e->capacity, e->n + 1, sizeof(*e->list)) < 0)
		return -ENOMEM;
	e->list[e->n++] = *added;
	return 0;
}

static int compare_at(const void *at, const void *ejection)
{
	return addr_port_compare(at, &((const struct ejection *)ejection)->at);
}

const struct ejection *ejections_find(const struct ejections *e, const struct addr_port *at)
{
	return e->n ? bsearch(at, e->list, e->n, sizeof(*e->list), compare_at) : NULL;
}

const char *ejection_describe(const struct ejection *e, uint64_t now_ns,
			      char why[static EJECTION_WHY_MAX])
{
	uint64_t left_s = e->until_ns > now_ns ? (e->until_ns - now_ns + NS_PER_S - 1) / NS_PER_S
					       : 0;
	char times[32] = "";

	if (e->in_a_row > 1)
		(void)snprintf(times, sizeof(times), ", %u times in a row", e->in_a_row);
	if (left_s > 0)
		(void)snprintf(why, EJECTION_WHY_MAX,
			       "connections to it failed; ejected for %llu s%s",
			       (unsigned long long)left_s, times);
	else
		(void)snprintf(why, EJECTION_WHY_MAX,
			       "connections to it failed; the next one tries it again");
	return why;
}

/* The programs cut milliseconds to 32 bits. */
static bool is_within(uint32_t since_ms, uint64_t span_ms, uint64_t now_ns)
{
	return (uint32_t)(now_ns / NS_PER_MS) - since_ms <= span_ms;
}

bool ejection_is_quiet(const struct shunt_health *row, const struct shunt_rules *rules,
		       uint64_t now_ns)
{
	/* a task that found it out for itself avoids it as long as an ejection can last, then
	 * one more failure is enough */
	uint64_t accused_ms = rules->ejection_max_ms + rules->ejection_max_ms / 8 +
			      rules->ejection_within_ms;

	if (row->eject_until)
		return false;
	if (row->accused_ms && is_within(row->accused_ms, accused_ms, now_ns))
		return false;
	return !row->window.failures ||
	       !is_within(row->window.since_ms, rules->ejection_within_ms, now_ns);
}
