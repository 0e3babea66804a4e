/* SPDX-License-Identifier: Apache-2.0 */
#include "core/exclusions.h"

#include "base/util.h"
#include "shunt/layout.h"

int exclusions_add(struct exclusions *e, const struct exclusion *row)
{
	int r = util_grow(&e->list, &e->capacity, e->n + 1, sizeof(e->list[0]));

	if (r == 0)
		e->list[e->n++] = *row;
	return r;
}

static int compare(const void *left, const void *right)
{
	const struct exclusion *a = left, *b = right;

	if (a->cgroup_id != b->cgroup_id)
		return a->cgroup_id < b->cgroup_id ? -1 : 1;
	return a->service_id < b->service_id ? -1 : a->service_id > b->service_id;
}

void exclusions_sort(struct exclusions *e)
{
	size_t n = 0;

	if (e->n == 0)
		return;
	qsort(e->list, e->n, sizeof(e->list[0]), compare);
	for (size_t i = 1; i < e->n; i++) {
		if (compare(&e->list[n], &e->list[i]) != 0)
			e->list[++n] = e->list[i];
	}
	e->n = n + 1;
}

void exclusions_done(struct exclusions *e)
{
	free(e->list);
	*e = (struct exclusions){ 0 };
}

bool exclusions_contain(const struct exclusions *e, const struct exclusion *row)
{
	return e->n > 0 && bsearch(row, e->list, e->n, sizeof(e->list[0]), compare);
}

void exclusions_levels(const struct exclusions *e, uint32_t *ret_all, uint32_t *ret_some)
{
	uint32_t all = 0, some = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint32_t level = e->list[i].level;
		uint32_t bits = level > 0 && level < SHUNT_EXCLUDED_LEVELS ? 1U << level : ~1U;

		*(e->list[i].service_id == EXCLUSION_ALL ? &all : &some) |= bits;
	}
	*ret_all = all;
	*ret_some = some;
}
