/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dooms.h"

#include <errno.h>

void dooms_done(struct dooms *d)
{
	free(d->list);
	*d = (struct dooms){ 0 };
}

static int compare(const struct doom *doom, uint32_t service_id, const struct addr_port *backend)
{
	if (doom->service_id != service_id)
		return doom->service_id < service_id ? -1 : 1;
	return addr_port_compare(&doom->backend, backend);
}

/* Its place, or where it would be. */
static size_t place_of(const struct dooms *d, uint32_t service_id, const struct addr_port *backend)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(&d->list[middle], service_id, backend) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct dooms *d, size_t at, uint32_t service_id,
		  const struct addr_port *backend)
{
	return at < d->n && compare(&d->list[at], service_id, backend) == 0;
}

int dooms_add(struct dooms *d, const struct doom *added)
{
	size_t at = place_of(d, added->service_id, &added->backend);
	struct doom *there;
	uint32_t born;

	if (is_at(d, at, added->service_id, &added->backend)) {
		there = &d->list[at];
		born = MAX(there->born, added->born);
		/* one that is being walked for may have been walked for before these began */
		if (there->walks > 0 || added->due_ms < there->due_ms)
			*there = *added;
		there->born = born;
		return 0;
	}
	if (util_grow(&d->list, &d->capacity, d->n + 1, sizeof(*d->list)) < 0)
		return -ENOMEM;
	memmove(d->list + at + 1, d->list + at, (d->n - at) * sizeof(*d->list));
	d->list[at] = *added;
	d->n++;
	return 0;
}

const struct doom *dooms_find(const struct dooms *d, uint32_t service_id,
			      const struct addr_port *backend)
{
	size_t at = place_of(d, service_id, backend);

	return is_at(d, at, service_id, backend) ? &d->list[at] : NULL;
}

void dooms_remove(struct dooms *d, uint32_t service_id, const struct addr_port *backend)
{
	size_t at = place_of(d, service_id, backend);

	if (!is_at(d, at, service_id, backend))
		return;
	d->n--;
	memmove(d->list + at, d->list + at + 1, (d->n - at) * sizeof(*d->list));
}

uint64_t dooms_next_ms(const struct dooms *d)
{
	uint64_t next = DOOMS_NEVER;

	for (size_t i = 0; i < d->n; i++)
		next = MIN(next, d->list[i].due_ms);
	return next;
}

int dooms_walked(struct dooms *d, uint64_t began_ms, struct dooms *ret_finished)
{
	struct dooms finished = { 0 };
	size_t kept = 0;

	if (util_grow(&finished.list, &finished.capacity, MAX(d->n, 1U), sizeof(*d->list)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		struct doom doom = d->list[i];

		if (doom.due_ms <= began_ms) {
			doom.walks++;
			doom.due_ms = began_ms + DOOMS_AGAIN_MS;
		}
		if (doom.walks < DOOMS_WALKS)
			d->list[kept++] = doom;
		else
			finished.list[finished.n++] = doom;
	}
	d->n = kept;
	*ret_finished = finished;
	return 0;
}
