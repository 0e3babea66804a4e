/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reset_schedule.h"

#include <errno.h>

void reset_schedule_done(struct reset_schedule *d)
{
	free(d->list);
	*d = (struct reset_schedule){ 0 };
}

static int compare(const struct reset_due *due, uint32_t service_id,
		   const struct addr_port *backend)
{
	if (due->service_id != service_id)
		return due->service_id < service_id ? -1 : 1;
	return addr_port_compare(&due->backend, backend);
}

/* Its place, or where it would be. */
static size_t place_of(const struct reset_schedule *d, uint32_t service_id,
		       const struct addr_port *backend)
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

static bool is_at(const struct reset_schedule *d, size_t at, uint32_t service_id,
		  const struct addr_port *backend)
{
	return at < d->n && compare(&d->list[at], service_id, backend) == 0;
}

int reset_schedule_add(struct reset_schedule *d, const struct reset_due *added)
{
	size_t at = place_of(d, added->service_id, &added->backend);
	struct reset_due *there;
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

const struct reset_due *reset_schedule_find(const struct reset_schedule *d, uint32_t service_id,
					    const struct addr_port *backend)
{
	size_t at = place_of(d, service_id, backend);

	return is_at(d, at, service_id, backend) ? &d->list[at] : NULL;
}

void reset_schedule_remove(struct reset_schedule *d, uint32_t service_id,
			   const struct addr_port *backend)
{
	size_t at = place_of(d, service_id, backend);

	if (!is_at(d, at, service_id, backend))
		return;
	d->n--;
	memmove(d->list + at, d->list + at + 1, (d->n - at) * sizeof(*d->list));
}

uint64_t reset_schedule_next_ms(const struct reset_schedule *d)
{
	uint64_t next = RESET_SCHEDULE_NEVER;

	for (size_t i = 0; i < d->n; i++)
		next = MIN(next, d->list[i].due_ms);
	return next;
}

int reset_schedule_walked(struct reset_schedule *d, uint64_t began_ms,
			  struct reset_schedule *ret_finished)
{
	struct reset_schedule finished = { 0 };
	size_t kept = 0;

	if (util_grow(&finished.list, &finished.capacity, MAX(d->n, 1U), sizeof(*d->list)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		struct reset_due due = d->list[i];

		if (due.due_ms <= began_ms) {
			due.walks++;
			due.due_ms = began_ms + RESET_SCHEDULE_AGAIN_MS;
		}
		if (due.walks < RESET_SCHEDULE_WALKS)
			d->list[kept++] = due;
		else
			finished.list[finished.n++] = due;
	}
	d->n = kept;
	*ret_finished = finished;
	return 0;
}
