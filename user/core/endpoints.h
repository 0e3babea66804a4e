/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of endpoints: what a source says a service has, and what the model keeps in force. Values
 * only, in an array that the list owns. Compared and stored sorted by address and port, each pair
 * once.
 */
#pragma once

#include "base/addr.h"
#include "base/util.h"
#include "shunt/layout.h"

/* Weights beyond this are brought down to it: they are proportions, and slots are finite. */
#define ENDPOINT_WEIGHT_MAX 1000
/* A service with more is refused as a whole; Cloud Map's own quota is 1,000 instances. */
#define ENDPOINTS_MAX 16384

struct endpoint {
	struct addr_port at; /* first; port 0: the port that the client asked for */
	uint16_t weight;     /* 1..ENDPOINT_WEIGHT_MAX */
	uint8_t state;	     /* enum shunt_state; of a source: HEALTHY or UNHEALTHY */
	char zone[SHUNT_ZONE_MAX];
};

struct endpoints {
	struct endpoint *list; /* owned */
	size_t n, capacity;
};

void endpoints_done(struct endpoints *e);

/* Appends a copy. 0, -ENOMEM, or -E2BIG beyond ENDPOINTS_MAX. */
int endpoints_add(struct endpoints *e, const struct endpoint *added);

/*
 * Sorts by address and port and drops repeats. Of two alike the healthy one stays, then the
 * heavier: Cloud Map shuffles its answers, so the order of adding must not decide.
 */
void endpoints_normalise(struct endpoints *e);

/* Gives back the room for more, of a list that is there to stay. */
void endpoints_fit(struct endpoints *e);

/* Replaces *to by a copy of `from`; on -ENOMEM *to is as it was. */
int endpoints_copy(struct endpoints *to, const struct endpoints *from);

/*
 * Adds to *to what is in `from` and not in *to (both normalised; so is the result). 0, -ENOMEM, or
 * -E2BIG beyond ENDPOINTS_MAX; then *to is as it was.
 */
int endpoints_merge(struct endpoints *to, const struct endpoints *from);

/* Both normalised: same addresses, weights, states and zones? */
bool endpoints_equal(const struct endpoints *a, const struct endpoints *b);

/* "1" to "1000", digits alone, to a weight. 0 or -EINVAL. */
int endpoint_parse_weight(const char *text, uint16_t *ret);

/* As people write where it is: "ip:port", the address alone where the port is 0. Returns `text`. */
const char *endpoint_format_place(const struct addr_port *at, char text[static ADDR_PORT_TEXT_MAX]);

/* Reads what endpoint_format_place writes, of a unicast address. 0 or -EINVAL. */
int endpoint_parse_place(const char *text, struct addr_port *ret);

/* In a normalised list; NULL if it is not there. */
const struct endpoint *endpoints_find(const struct endpoints *e, const struct addr_port *at);
