/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wishes.h"

#include "base/util.h"
#include "wanted.h"

const char *const wishes_names[] = { "a", "b", "c", "d", "e", "f", "g" };
const char *const wishes_vips[] = { "127.254.0.1", "127.254.0.2", "127.1.0.1",
				    "127.254.0.3", "fd00::1",	  "2001:db8::1" };
static const char *const ports[] = { "", "80", "81" };
static const enum shunt_protocol protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ANY };

_Static_assert(ARRAY_SIZE(wishes_names) == WISHES_NAMES, "as in the header");
_Static_assert(ARRAY_SIZE(wishes_vips) == WISHES_VIPS, "as in the header");

unsigned int wishes_below(unsigned int *seed, unsigned int limit)
{
	return (unsigned int)rand_r(seed) % limit;
}

bool wishes_differ(const struct wish *a, const struct wish *b)
{
	if (!a->there || !b->there)
		return a->there != b->there;
	return a->vip != b->vip || a->port != b->port || a->protocol != b->protocol ||
	       a->backends4 != b->backends4 || a->backends6 != b->backends6 ||
	       a->weighted != b->weighted || a->pass != b->pass;
}

static bool share_a_key(const struct wish *a, const struct wish *b)
{
	if (!a->there || !b->there || a->vip != b->vip)
		return false;
	if (a->protocol != b->protocol && protocols[a->protocol] != PROTOCOL_ANY &&
	    protocols[b->protocol] != PROTOCOL_ANY)
		return false;
	return a->port == b->port || *ports[a->port] == '\0' || *ports[b->port] == '\0';
}

/* As the configuration would refuse it. */
static bool are_valid(const struct wishes *w)
{
	for (size_t i = 0; i < WISHES_NAMES; i++) {
		for (size_t j = 0; j < i; j++) {
			if (share_a_key(&w->by_name[i], &w->by_name[j]))
				return false;
		}
	}
	return true;
}

static void wish_backends(struct wish *w, unsigned int *seed)
{
	w->backends4 = (uint8_t)(rand_r(seed) & rand_r(seed));
	w->backends6 = wishes_below(seed, 3) ? 0 : (uint8_t)(rand_r(seed) & rand_r(seed) & 0xf);
	w->weighted = wishes_below(seed, 4) == 0;
	if (wishes_below(seed, 6) == 0) /* many at once: the maps are small */
		w->backends4 = 0xff;
}

static void wish_address(struct wish *w, unsigned int *seed)
{
	w->vip = wishes_below(seed, WISHES_VIPS);
	w->port = wishes_below(seed, ARRAY_SIZE(ports));
	w->protocol = wishes_below(seed, ARRAY_SIZE(protocols));
}

static void wish_new(struct wish *w, unsigned int *seed)
{
	w->there = true;
	w->pass = wishes_below(seed, 4) == 0;
	wish_address(w, seed);
	wish_backends(w, seed);
}

static void swap_addresses(struct wish *a, struct wish *b)
{
	struct wish old = *a;

	a->vip = b->vip;
	a->port = b->port;
	a->protocol = b->protocol;
	b->vip = old.vip;
	b->port = old.port;
	b->protocol = old.protocol;
}

static void swap_names(struct wish *a, struct wish *b)
{
	struct wish old = *a;

	*a = *b;
	*b = old;
}

/* One change, as likely one of each kind. */
static void mutate_once(struct wishes *w, unsigned int *seed)
{
	struct wish *one = &w->by_name[wishes_below(seed, WISHES_NAMES)];
	struct wish *other = &w->by_name[wishes_below(seed, WISHES_NAMES)];

	switch (wishes_below(seed, 8)) {
	case 0:
		one->there = false;
		break;
	case 1:
		swap_addresses(one, other);
		break;
	case 2:
		swap_names(one, other);
		break;
	case 3:
		one->protocol = wishes_below(seed, ARRAY_SIZE(protocols));
		break;
	case 4:
		one->port = wishes_below(seed, ARRAY_SIZE(ports));
		break;
	case 5:
		wish_backends(one, seed);
		break;
	case 6:
		one->pass = !one->pass;
		break;
	default:
		wish_new(one, seed);
		break;
	}
}

void wishes_mutate(struct wishes *w, unsigned int *seed, bool overlap)
{
	struct wishes next;

	do {
		next = *w;
		for (unsigned int n = 1 + wishes_below(seed, 3); n > 0; n--)
			mutate_once(&next, seed);
	} while (!overlap && !are_valid(&next));
	*w = next;
}

static void wish_text(const struct wish *w, char *vip, size_t vip_size, char *backends, size_t size)
{
	const char *address = wishes_vips[w->vip], *port = ports[w->port];
	size_t at = 0;

	(void)snprintf(vip, vip_size,
		       *port == '\0'	      ? "%s%s"
		       : strchr(address, ':') ? "[%s]:%s"
					      : "%s:%s",
		       address, port);
	backends[0] = '\0';
	if (w->pass)
		at += (size_t)snprintf(backends, size, "pass ");
	for (int i = 0; i < 8; i++) {
		int weight = w->weighted ? 1 + i % 3 : 1;

		if (w->backends4 >> i & 1)
			at += (size_t)snprintf(backends + at, size - at, "10.0.0.%d:3000*%d ",
					       i + 1, weight);
		if (w->backends6 >> i & 1)
			at += (size_t)snprintf(backends + at, size - at, "[2001:db8::%d]:3000*%d ",
					       i + 1, weight);
	}
}

struct table wishes_table(const struct wishes *w)
{
	struct table t = { 0 };

	for (size_t i = 0; i < WISHES_NAMES; i++) {
		const struct wish *wish = &w->by_name[i];
		char vip[64], backends[1024];

		if (!wish->there)
			continue;
		wish_text(wish, vip, sizeof(vip), backends, sizeof(backends));
		wanted_add(&t, &(struct wanted_service){ wishes_names[i], vip,
							 protocols[wish->protocol], backends });
	}
	table_sort(&t);
	return t;
}
