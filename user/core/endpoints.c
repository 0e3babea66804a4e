/* SPDX-License-Identifier: Apache-2.0 */
#include "core/endpoints.h"

#include <ctype.h>
#include <errno.h>

void endpoints_done(struct endpoints *e)
{
	free(e->list);
	*e = (struct endpoints){ 0 };
}

int endpoints_add(struct endpoints *e, const struct endpoint *added)
{
	int r;

	if (e->n == ENDPOINTS_MAX)
		return -E2BIG;
	r = util_grow(&e->list, &e->capacity, e->n + 1, sizeof(*e->list));
	if (r < 0)
		return r;
	e->list[e->n++] = *added;
	return 0;
}

/* Of one address and port the preferred first: healthy (the lower state), then heavier. */
static int compare_preference(const void *left, const void *right)
{
	const struct endpoint *a = left, *b = right;
	int order = addr_port_compare(&a->at, &b->at);

	if (order)
		return order;
	if (a->state != b->state)
		return (int)a->state - (int)b->state;
	if (a->weight != b->weight)
		return (int)b->weight - (int)a->weight;
	return strncmp(a->zone, b->zone, sizeof(a->zone));
}

void endpoints_normalise(struct endpoints *e)
{
	size_t kept = 0;

	if (e->n == 0)
		return;
	qsort(e->list, e->n, sizeof(*e->list), compare_preference);
	for (size_t i = 1; i < e->n; i++) {
		if (addr_port_compare(&e->list[i].at, &e->list[kept].at) != 0)
			e->list[++kept] = e->list[i];
	}
	e->n = kept + 1;
}

void endpoints_fit(struct endpoints *e)
{
	struct endpoint *fitting;

	if (e->n == 0 || e->n == e->capacity)
		return;
	fitting = reallocarray(e->list, e->n, sizeof(*e->list));
	if (!fitting)
		return;
	e->list = fitting;
	e->capacity = e->n;
}

int endpoints_copy(struct endpoints *to, const struct endpoints *from)
{
	if (to == from)
		return 0;
	if (util_grow(&to->list, &to->capacity, from->n, sizeof(*to->list)) < 0)
		return -ENOMEM;
	if (from->n > 0)
		memcpy(to->list, from->list, from->n * sizeof(*to->list));
	to->n = from->n;
	return 0;
}

/* What endpoints_merge would leave, in a list with room for both. */
static size_t merge_sorted(struct endpoint *list, const struct endpoints *a,
			   const struct endpoints *b)
{
	size_t n = 0, i = 0, j = 0;

	while (i < a->n || j < b->n) {
		int order = i == a->n	? 1
			    : j == b->n ? -1
					: addr_port_compare(&a->list[i].at, &b->list[j].at);

		list[n++] = order <= 0 ? a->list[i] : b->list[j];
		i += order <= 0;
		j += order >= 0;
	}
	return n;
}

int endpoints_merge(struct endpoints *to, const struct endpoints *from)
{
	_cleanup_(endpoints_done) struct endpoints merged = { 0 };

	if (util_grow(&merged.list, &merged.capacity, to->n + from->n, sizeof(*to->list)) < 0)
		return -ENOMEM;
	merged.n = merge_sorted(merged.list, to, from);
	if (merged.n > ENDPOINTS_MAX)
		return -E2BIG;
	endpoints_done(to);
	*to = merged;
	merged = (struct endpoints){ 0 };
	return 0;
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return addr_port_compare(&a->at, &b->at) == 0 && a->weight == b->weight &&
	       a->state == b->state && strncmp(a->zone, b->zone, sizeof(a->zone)) == 0;
}

bool endpoints_equal(const struct endpoints *a, const struct endpoints *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!endpoint_equal(&a->list[i], &b->list[i]))
			return false;
	}
	return true;
}

static int compare_place(const void *key, const void *element)
{
	return addr_port_compare(key, &((const struct endpoint *)element)->at);
}

const struct endpoint *endpoints_find(const struct endpoints *e, const struct addr_port *at)
{
	if (e->n == 0)
		return NULL;
	return bsearch(at, e->list, e->n, sizeof(*e->list), compare_place);
}

const char *endpoint_format_place(const struct addr_port *at, char text[static ADDR_PORT_TEXT_MAX])
{
	char address[ADDR_TEXT_MAX];

	if (at->port)
		return addr_port_format(at, text);
	(void)util_copy(text, ADDR_PORT_TEXT_MAX, addr_format(&at->addr, address));
	return text;
}

int endpoint_parse_place(const char *text, struct addr_port *ret)
{
	struct addr_port at = { 0 };

	if (addr_parse(text, &at.addr) < 0 && addr_port_parse(text, 0, &at) < 0)
		return -EINVAL;
	if (!addr_is_unicast(&at.addr))
		return -EINVAL;
	*ret = at;
	return 0;
}

int endpoint_parse_weight(const char *text, uint16_t *ret)
{
	unsigned long weight = 0;

	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p) || weight > ENDPOINT_WEIGHT_MAX)
			return -EINVAL;
		weight = weight * 10 + (unsigned long)(*p - '0');
	}
	if (weight < 1 || weight > ENDPOINT_WEIGHT_MAX)
		return -EINVAL;
	*ret = (uint16_t)weight;
	return 0;
}
