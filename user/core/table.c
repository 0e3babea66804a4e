/* SPDX-License-Identifier: Apache-2.0 */
#include "core/table.h"

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->services[i].backends);
	free(t->services);
	*t = (struct table){ 0 };
}

struct table_service *table_add(struct table *t)
{
	if (util_grow(&t->services, &t->capacity, t->n + 1, sizeof(*t->services)) < 0)
		return NULL;
	t->services[t->n] = (struct table_service){ 0 };
	return &t->services[t->n++];
}

static int compare_services(const void *a, const void *b)
{
	const struct table_service *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int compare_backends(const void *a, const void *b)
{
	const struct table_backend *left = a, *right = b;

	return addr_port_compare(&left->endpoint.at, &right->endpoint.at);
}

void table_sort(struct table *t)
{
	if (t->n > 0)
		qsort(t->services, t->n, sizeof(*t->services), compare_services);
	for (size_t i = 0; i < t->n; i++) {
		struct table_service *s = &t->services[i];

		if (s->n_backends > 0)
			qsort(s->backends, s->n_backends, sizeof(*s->backends), compare_backends);
	}
}

static int compare_name(const void *name, const void *service)
{
	return strcmp(name, ((const struct table_service *)service)->name);
}

const struct table_service *table_find(const struct table *t, const char *name)
{
	if (t->n == 0)
		return NULL;
	return bsearch(name, t->services, t->n, sizeof(*t->services), compare_name);
}

const struct table_service *table_find_id(const struct table *t, uint32_t id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->services[i].id == id)
			return &t->services[i];
	}
	return NULL;
}
