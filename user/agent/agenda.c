/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agenda.h"

#include "agent/watch.h"
#include "base/util.h"

void agenda_done(struct agenda *a)
{
	free(a->list);
	for (size_t i = 0; i < a->n_gone; i++)
		free(a->gone[i]);
	free(a->gone);
}

void agenda_add(struct agenda *a, struct watch *w)
{
	if (a->all || w->is_due)
		return;
	if (util_grow(&a->list, &a->capacity, a->n + 1, sizeof(struct watch *)) < 0) {
		agenda_add_all(a);
		return;
	}
	a->list[a->n++] = w;
	w->is_due = true;
}

static void clear(struct agenda *a)
{
	for (size_t i = 0; i < a->n; i++)
		a->list[i]->is_due = false;
	a->n = 0;
	for (size_t i = 0; i < a->n_gone; i++)
		free(a->gone[i]);
	a->n_gone = 0;
}

void agenda_add_all(struct agenda *a)
{
	clear(a);
	a->all = true;
}

void agenda_forget(struct agenda *a, struct watch *w)
{
	for (size_t i = 0; i < a->n && w->is_due; i++) {
		if (a->list[i] != w)
			continue;
		a->list[i] = a->list[--a->n];
		w->is_due = false;
	}
}

void agenda_add_gone(struct agenda *a, const char *name)
{
	char *copy = a->all ? NULL : strdup(name);

	if (a->all)
		return;
	if (!copy || util_grow(&a->gone, &a->gone_capacity, a->n_gone + 1, sizeof(*a->gone)) < 0) {
		free(copy);
		agenda_add_all(a);
		return;
	}
	a->gone[a->n_gone++] = copy;
}

struct agenda agenda_take(struct agenda *a)
{
	struct agenda taken = *a;

	for (size_t i = 0; i < a->n; i++)
		a->list[i]->is_due = false;
	*a = (struct agenda){ 0 };
	return taken;
}
