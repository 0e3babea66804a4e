/* SPDX-License-Identifier: Apache-2.0 */
#include "core/substitute.h"

uint16_t substitute_port(const struct endpoints *known, uint16_t fallback)
{
	for (size_t i = 0; i < known->n; i++) {
		if (known->list[i].at.port != known->list[0].at.port)
			return fallback;
	}
	return known->n > 0 ? known->list[0].at.port : fallback;
}

static bool is_that(const struct endpoint *known, const struct endpoint *found, bool portless)
{
	return portless ? addr_compare(&known->at.addr, &found->at.addr) == 0
			: addr_port_compare(&known->at, &found->at) == 0;
}

/* DNS shows those that are healthy, or all when none is. */
static int add_as_known(const struct endpoint *known, struct endpoints *to)
{
	struct endpoint e = *known;

	e.state = STATE_HEALTHY;
	return endpoints_add(to, &e);
}

int substitute_make(const struct endpoints *found, const struct endpoints *known, bool portless,
		    struct endpoints *ret)
{
	_cleanup_(endpoints_done) struct endpoints made = { 0 };
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < found->n && r == 0; i++) {
		const struct endpoint *f = &found->list[i];
		bool is_known = false;

		while (at < known->n && addr_compare(&known->list[at].at.addr, &f->at.addr) < 0)
			at++;
		for (size_t j = at; j < known->n && r == 0; j++) {
			if (addr_compare(&known->list[j].at.addr, &f->at.addr) != 0)
				break;
			if (!is_that(&known->list[j], f, portless))
				continue;
			is_known = true;
			r = add_as_known(&known->list[j], &made);
		}
		if (!is_known && r == 0)
			r = endpoints_add(&made, f);
	}
	if (r < 0)
		return r;
	endpoints_normalise(&made);
	*ret = made;
	made = (struct endpoints){ 0 };
	return 0;
}
