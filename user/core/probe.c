/* SPDX-License-Identifier: Apache-2.0 */
#include "core/probe.h"

#include <errno.h>

void probe_done(struct probe *p)
{
	free(p->rows);
	*p = (struct probe){ 0 };
}

/* The first row that is not before this place. */
static size_t find_index(const struct probe *p, const struct addr_port *at)
{
	return addr_port_place(at, p->rows, p->n, sizeof(*p->rows));
}

static struct probe_row *find_row(const struct probe *p, const struct addr_port *at)
{
	size_t i = find_index(p, at);

	return i < p->n && addr_port_compare(&p->rows[i].at, at) == 0 ? &p->rows[i] : NULL;
}

const struct probe_row *probe_find(const struct probe *p, const struct addr_port *at)
{
	return find_row(p, at);
}

static struct probe_row row_make(const struct probe *old, const struct endpoint *e, bool as_left,
				 int64_t now_s)
{
	const struct probe_row *had = find_row(old, &e->at);
	struct probe_row row = { .at = e->at };

	if (had)
		return *had;
	row.unhealthy = row.last_failed = as_left && e->state == STATE_UNHEALTHY;
	row.since_s = row.unhealthy ? now_s : 0;
	return row;
}

int probe_follow(struct probe *p, const struct endpoints *e, bool as_left, int64_t now_s)
{
	struct probe made = *p;

	made.rows = calloc(MAX(e->n, 1U), sizeof(*made.rows));
	if (!made.rows)
		return -ENOMEM;
	made.n = made.unhealthy = made.portless = 0;
	for (size_t i = 0; i < e->n; i++) {
		if (e->list[i].at.port == 0) {
			made.portless++;
			continue;
		}
		made.rows[made.n] = row_make(p, &e->list[i], as_left, now_s);
		made.unhealthy += made.rows[made.n++].unhealthy;
	}
	made.next = p->next < p->n ? find_index(&made, &p->rows[p->next].at) : 0;
	free(p->rows);
	*p = made;
	return 0;
}

uint32_t probe_pace(const struct probe *p, const struct probe_rules *rules, uint32_t random,
		    size_t *ret_batch)
{
	uint64_t interval_ms = rules->interval_ms, step_ms;

	if (p->n == 0)
		return 0;
	*ret_batch = (p->n * PROBE_STEP_MIN_MS + interval_ms - 1) / interval_ms;
	step_ms = interval_ms * *ret_batch / p->n;
	return (uint32_t)(step_ms / 2 + random % (step_ms + 1));
}

struct probe_row *probe_next(struct probe *p, uint64_t now_ms)
{
	struct probe_row *row;

	if (p->n == 0)
		return NULL;
	if (p->next >= p->n)
		p->next = 0;
	row = &p->rows[p->next];
	if (row->running)
		return NULL;
	if (p->next == 0) {
		p->round_ms = p->round_began_ms ? now_ms - p->round_began_ms : 0;
		p->round_began_ms = now_ms;
	}
	row->running = true;
	p->next++;
	return row;
}

/* What connect() fails with because of the backend, or of the way to it, and what that is called.
 */
static const struct {
	int error;
	const char *name;
} evidence[] = {
	{ ECONNREFUSED, "connection refused" },
	{ ETIMEDOUT, "timed out" },
	{ EHOSTUNREACH, "host unreachable" },
	{ ECONNRESET, "connection reset" },
};

static const char *evidence_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(evidence); i++) {
		if (evidence[i].error == error)
			return evidence[i].name;
	}
	return NULL;
}

static void row_count(struct probe_row *row, int error)
{
	bool failed = error != 0;

	if (failed != row->last_failed)
		row->in_a_row = 0;
	row->last_failed = failed;
	if (row->in_a_row < UINT32_MAX)
		row->in_a_row++;
	if (failed) {
		row->error = error;
		row->failures = row->in_a_row;
	}
}

enum probe_news probe_take(struct probe *p, const struct probe_rules *rules,
			   const struct addr_port *at, int error, int64_t now_s)
{
	struct probe_row *row = find_row(p, at);
	int reason = row ? row->error : 0;

	if (!row || !row->running)
		return PROBE_NO_NEWS;
	row->running = false;
	p->blocked = error && !evidence_name(error) ? error : 0;
	if (p->blocked)
		return PROBE_NO_NEWS;
	row_count(row, error);
	if (row->unhealthy == row->last_failed)
		return row->unhealthy && row->error != reason ? PROBE_NEW_REASON : PROBE_NO_NEWS;
	if (row->in_a_row < (row->last_failed ? rules->failures : rules->successes))
		return PROBE_NO_NEWS;
	row->unhealthy = row->last_failed;
	row->since_s = now_s;
	if (row->unhealthy)
		p->unhealthy++;
	else
		p->unhealthy--;
	return PROBE_NEW_STATE;
}

bool probe_panics(const struct probe *p)
{
	return 2 * p->unhealthy > p->n + p->portless;
}

const char *probe_describe(const struct probe_row *row, char text[static PROBE_WHY_MAX])
{
	const char *name = evidence_name(row->error);

	if (!name)
		(void)util_copy(text, PROBE_WHY_MAX, "probe: it failed in an earlier run");
	else
		(void)snprintf(text, PROBE_WHY_MAX, "probe: %s, %u in a row", name, row->failures);
	return text;
}
