/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>

#include "playground.h"

#define BACKENDS_FROM (16U << 16) /* 127.16.0.0 */
#define GENERATION 200000U	  /* more than the backends of one */
#define REPLACED_FROM (128U << 16)

static struct addr loopback(uint32_t number)
{
	const uint8_t octets[4] = { 127, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				    (uint8_t)number };

	return addr_from_ipv4(octets);
}

struct addr_port crowd_vip(uint32_t service)
{
	return (struct addr_port){ loopback((254U << 16) + service), CROWD_PORT };
}

static void add_service(struct table *t, uint32_t service, uint32_t n_backends, uint32_t first,
			enum shunt_protocol protocol)
{
	struct table_service *s = table_add(t);

	require(s);
	(void)snprintf(s->name, sizeof(s->name), "service-%05u.example.internal", service);
	s->vip = crowd_vip(service);
	s->protocol = protocol;
	s->backends = calloc(n_backends, sizeof(*s->backends));
	require(s->backends);
	s->n_backends = n_backends;
	for (uint32_t i = 0; i < n_backends; i++) {
		s->backends[i].endpoint = (struct endpoint){
			.at = { loopback(first + i), CROWD_PORT },
			.weight = 1,
			.state = STATE_HEALTHY,
		};
		s->backends[i].share = 1;
	}
}

void crowd_add(struct table *t, uint32_t n_services, uint32_t n_backends,
	       enum shunt_protocol protocol, uint32_t generation)
{
	uint32_t first = BACKENDS_FROM + generation * GENERATION;

	require(n_services * n_backends < GENERATION && generation <= 30);
	for (uint32_t i = 0; i < n_services; i++)
		add_service(t, i + 1, n_backends, first + i * n_backends, protocol);
}

void crowd_replace(struct table_service *s, uint32_t backend, uint32_t number)
{
	s->backends[backend].endpoint.at.addr = loopback(REPLACED_FROM + number);
}
