/* SPDX-License-Identifier: Apache-2.0 */
#include "core/health.h"

#include <errno.h>
#include <stdarg.h>

void health_done(struct health *h)
{
	endpoints_done(&h->backends);
	free(h->notes);
	*h = (struct health){ 0 };
}

int health_begin(struct health *h, const struct endpoints *backends)
{
	int r = endpoints_copy(&h->backends, backends);

	h->n_notes = 0;
	if (r < 0)
		h->backends.n = 0;
	for (size_t i = 0; i < h->backends.n; i++)
		h->backends.list[i].state = STATE_HEALTHY;
	return r;
}

/* What the operator wants stands over what anybody found out. */
static unsigned int gravity(enum shunt_state state)
{
	static const unsigned int gravities[] = {
		[STATE_UNHEALTHY] = 1,
		[STATE_EJECTED] = 2,
		[STATE_DRAINING] = 3,
	};

	return (size_t)state < ARRAY_SIZE(gravities) ? gravities[state] : 0;
}

/* The note on the backend at hand, which is the last; made when it has none. */
static struct health_note *note_at(struct health *h, size_t index)
{
	if (h->n_notes > 0 && h->notes[h->n_notes - 1].index == index)
		return &h->notes[h->n_notes - 1];
	if (util_grow(&h->notes, &h->capacity, h->n_notes + 1, sizeof(*h->notes)) < 0)
		return NULL;
	h->notes[h->n_notes] = (struct health_note){ .index = index };
	return &h->notes[h->n_notes++];
}

int health_say(struct health *h, size_t index, enum shunt_state state, int64_t since_s,
	       const char *format, ...)
{
	struct endpoint *backend = &h->backends.list[index];
	struct health_note *note;
	va_list arguments;

	if (gravity(state) <= gravity((enum shunt_state)backend->state))
		return 0;
	note = note_at(h, index);
	if (!note)
		return -ENOMEM;
	backend->state = (uint8_t)state;
	note->since_s = since_s;
	va_start(arguments, format);
	(void)vsnprintf(note->why, sizeof(note->why), format, arguments);
	va_end(arguments);
	return 0;
}

bool health_has_takers(const struct health *h, bool ipv4)
{
	for (size_t i = 0; i < h->backends.n; i++) {
		const struct endpoint *e = &h->backends.list[i];

		if (addr_is_ipv4(&e->at.addr) == ipv4 && e->state != STATE_DRAINING)
			return true;
	}
	return false;
}

bool health_uses_unhealthy(const struct health *h, bool ipv4)
{
	bool unhealthy = false;

	for (size_t i = 0; i < h->backends.n; i++) {
		const struct endpoint *e = &h->backends.list[i];

		if (addr_is_ipv4(&e->at.addr) != ipv4)
			continue;
		if (e->state == STATE_HEALTHY)
			return false;
		unhealthy |= e->state == STATE_UNHEALTHY;
	}
	return unhealthy;
}
