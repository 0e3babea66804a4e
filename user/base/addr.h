/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses, with and without a port, and prefixes. An address is 16 octets, IPv4 as
 * ::ffff:a.b.c.d, the same as in include/shunt/layout.h. Ports are host order. Values only: nothing
 * is owned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	uint8_t octets[16];
};

struct addr_port {
	struct addr addr;
	uint16_t port;
};

struct addr_prefix {
	struct addr addr;    /* the first address: host bits are 0 */
	unsigned int length; /* in bits of the family: 0..32 or 0..128 */
};

#define ADDR_TEXT_MAX 48      /* an IPv6 address and its NUL */
#define ADDR_PORT_TEXT_MAX 56 /* [v6]:port and its NUL */

struct addr addr_from_ipv4(const void *octets4);
struct addr addr_from_ipv6(const void *octets16);
bool addr_is_ipv4(const struct addr *a);

/* Loopback of either family (127/8, ::1). */
bool addr_is_loopback(const struct addr *a);
/* An address one host can hold: not unspecified,
 * multicast or broadcast; 0.0.0.0/8 is not one either. */
bool addr_is_unicast(const struct addr *a);
int addr_compare(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b);

/* "a.b.c.d" or an IPv6 address without brackets or zone.
 * 0 or -EINVAL. ::ffff:a.b.c.d reads as IPv4. */
int addr_parse(const char *text, struct addr *ret);
/* Writes the usual text (RFC 5952; IPv4 as four octets) and returns `text`. */
const char *addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX]);

int addr_port_compare(const struct addr_port *a, const struct addr_port *b);
/* Of n rows, sorted by the addr_port that each begins with: the index of the first not before `at`.
 */
size_t addr_port_place(const struct addr_port *at, const void *rows, size_t n, size_t row_size);
/*
 * "ip:port" or "[v6]:port"; with default_port > 0 the port may be left out (and a bare v6 needs no
 * brackets then). 0 or -EINVAL. Port 0 is refused.
 */
int addr_port_parse(const char *text, uint16_t default_port, struct addr_port *ret);
const char *addr_port_format(const struct addr_port *a, char text[static ADDR_PORT_TEXT_MAX]);

/* "a.b.c.d/n" or "v6/n", host bits 0. 0, -EINVAL, or -EDOM when host bits are set. */
int addr_prefix_parse(const char *text, struct addr_prefix *ret);
bool addr_prefix_contains(const struct addr_prefix *p, const struct addr *a);

/* Fills a sockaddr for bind() or connect(); returns its length. */
socklen_t addr_port_sockaddr(const struct addr_port *a, struct sockaddr_storage *ret);
