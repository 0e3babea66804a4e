/* SPDX-License-Identifier: Apache-2.0 */
#include "core/listing.h"

#include <errno.h>

void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i].text);
	free(l->names);
	*l = (struct listing){ 0 };
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once. */
static void normalise(struct cloudmap_names *names)
{
	size_t n = 0;

	if (names->n > 0)
		qsort(names->list, names->n, sizeof(*names->list), compare);
	for (size_t i = 0; i < names->n; i++) {
		if (n > 0 && streq(names->list[n - 1], names->list[i]))
			free(names->list[i]);
		else
			names->list[n++] = names->list[i];
	}
	names->n = n;
}

int listing_seed(struct listing *l, struct cloudmap_names *names, int64_t answered_s)
{
	struct listing_name *list = calloc(MAX(names->n, 1U), sizeof(*list));

	if (!list)
		return -ENOMEM;
	normalise(names);
	listing_done(l);
	for (size_t i = 0; i < names->n; i++)
		list[i].text = names->list[i];
	l->names = list;
	l->n = names->n;
	l->answered_s = answered_s;
	names->n = 0;
	return 0;
}

/* Is this list to be doubted as a whole? */
static bool is_shrink(const struct listing *l, size_t n)
{
	return l->n > 0 && (n == 0 || 2 * n < l->n);
}

/* Doubted long enough, or not at all? */
static bool is_believed(struct listing *l, const struct listing_answer *a)
{
	l->shrink.answered = a->names->n;
	if (!is_shrink(l, a->names->n)) {
		l->shrink.held = false;
		return true;
	}
	if (!l->shrink.held) {
		l->shrink.held = true;
		l->shrink.since_ms = a->now_ms;
	}
	if (a->now_ms - l->shrink.since_ms < a->confirm_ms)
		return false;
	l->shrink.held = false;
	return true;
}

/* What becomes of the names that were in force and of those in the list, which are both sorted. */
struct merge {
	struct listing_name *next;
	size_t n, doubted;
	bool changed, believed, may_have_missed;
};

static void keep_or_drop(struct merge *m, struct listing_name *lacked)
{
	if (m->believed && (!m->may_have_missed || lacked->doubted)) {
		free(lacked->text);
		m->changed = true;
		return;
	}
	m->next[m->n++] = (struct listing_name){ .text = lacked->text, .doubted = true };
	m->doubted++;
}

static void merge(struct merge *m, struct listing *l, struct cloudmap_names *names)
{
	size_t i = 0, j = 0;

	while (i < l->n || j < names->n) {
		int order = i == l->n	    ? 1
			    : j == names->n ? -1
					    : strcmp(l->names[i].text, names->list[j]);

		if (order < 0) {
			keep_or_drop(m, &l->names[i++]);
			continue;
		}
		if (order == 0)
			free(l->names[i++].text);
		m->changed |= order > 0;
		m->next[m->n++] = (struct listing_name){ .text = names->list[j++] };
	}
	names->n = 0;
}

int listing_take_answer(struct listing *l, const struct listing_answer *a, bool *ret_changed)
{
	struct merge m = { .may_have_missed = a->pages > 1 };

	normalise(a->names);
	m.next = calloc(MAX(l->n + a->names->n, 1U), sizeof(*m.next));
	if (!m.next)
		return -ENOMEM;
	m.believed = is_believed(l, a);
	merge(&m, l, a->names);
	free(l->names);
	l->names = m.next;
	l->n = m.n;
	l->doubted = m.doubted;
	l->answered = true;
	l->answered_ms = a->now_ms;
	l->answered_s = a->now_s;
	l->failure.count = 0;
	*ret_changed = m.changed;
	return 0;
}

void listing_take_failure(struct listing *l, const char *code, const char *message, uint64_t now_ms)
{
	l->failure.count++;
	l->failure.at_ms = now_ms;
	(void)util_copy(l->failure.code, sizeof(l->failure.code), code);
	(void)util_copy(l->failure.message, sizeof(l->failure.message), message);
}

void listing_filter(struct listing *l, const struct config_namespace *wanted)
{
	size_t n = 0;

	l->doubted = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!config_namespace_wants(wanted, l->names[i].text)) {
			free(l->names[i].text);
			continue;
		}
		l->doubted += l->names[i].doubted;
		l->names[n++] = l->names[i];
	}
	l->n = n;
}
