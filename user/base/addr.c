/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

struct addr addr_from_ipv4(const void *octets4)
{
	struct addr a;

	memcpy(a.octets, mapped, sizeof(mapped));
	memcpy(a.octets + 12, octets4, 4);
	return a;
}

struct addr addr_from_ipv6(const void *octets16)
{
	struct addr a;

	memcpy(a.octets, octets16, 16);
	return a;
}

bool addr_is_ipv4(const struct addr *a)
{
	return memcmp(a->octets, mapped, sizeof(mapped)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const struct addr loopback6 = { { [15] = 1 } };

	return addr_is_ipv4(a) ? a->octets[12] == 127 : addr_equal(a, &loopback6);
}

bool addr_is_unicast(const struct addr *a)
{
	static const struct addr unspecified6;
	uint8_t first = a->octets[12];

	if (!addr_is_ipv4(a))
		return a->octets[0] != 0xff && !addr_equal(a, &unspecified6);
	if (first == 0 || (first & 0xf0) == 0xe0)
		return false;
	return memcmp(a->octets + 12, "\xff\xff\xff\xff", 4) != 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	return memcmp(a->octets, b->octets, sizeof(a->octets));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

int addr_parse(const char *text, struct addr *ret)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1) {
		*ret = addr_from_ipv4(octets);
		return 0;
	}
	if (inet_pton(AF_INET6, text, octets) == 1) {
		*ret = addr_from_ipv6(octets);
		return 0;
	}
	return -EINVAL;
}

const char *addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX])
{
	if (addr_is_ipv4(a))
		(void)inet_ntop(AF_INET, a->octets + 12, text, ADDR_TEXT_MAX);
	else
		(void)inet_ntop(AF_INET6, a->octets, text, ADDR_TEXT_MAX);
	return text;
}

int addr_port_compare(const struct addr_port *a, const struct addr_port *b)
{
	int order = addr_compare(&a->addr, &b->addr);

	return order ? order : (int)a->port - (int)b->port;
}

size_t addr_port_place(const struct addr_port *at, const void *rows, size_t n, size_t row_size)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const void *row = (const char *)rows + middle * row_size;

		if (addr_port_compare(row, at) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Digits only, 1 to 65535, no leading zero. */
static int port_parse(const char *text, uint16_t *ret)
{
	unsigned int port = 0;

	if (*text == '0' || *text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (unsigned int)(*text - '0');
		if (port > 65535)
			return -EINVAL;
	}
	*ret = (uint16_t)port;
	return 0;
}

static int addr_port_make(const char *address, const char *port, uint16_t default_port,
			  struct addr_port *ret)
{
	struct addr_port made = { .port = default_port };

	if (port ? port_parse(port, &made.port) < 0 : default_port == 0)
		return -EINVAL;
	if (addr_parse(address, &made.addr) < 0)
		return -EINVAL;
	*ret = made;
	return 0;
}

int addr_port_parse(const char *text, uint16_t default_port, struct addr_port *ret)
{
	char copy[ADDR_PORT_TEXT_MAX];
	char *colon, *end;

	if (!util_copy(copy, sizeof(copy), text))
		return -EINVAL;
	if (copy[0] == '[') {
		end = strchr(copy, ']');
		if (!end || !memchr(copy, ':', (size_t)(end - copy)))
			return -EINVAL;
		*end++ = '\0';
		if (*end != '\0' && *end != ':')
			return -EINVAL;
		return addr_port_make(copy + 1, *end ? end + 1 : NULL, default_port, ret);
	}
	colon = strchr(copy, ':');
	if (colon && strchr(colon + 1, ':')) /* bare IPv6 */
		return addr_port_make(copy, NULL, default_port, ret);
	if (colon)
		*colon++ = '\0';
	return addr_port_make(copy, colon, default_port, ret);
}

const char *addr_port_format(const struct addr_port *a, char text[static ADDR_PORT_TEXT_MAX])
{
	char address[ADDR_TEXT_MAX];

	addr_format(&a->addr, address);
	(void)snprintf(text, ADDR_PORT_TEXT_MAX, addr_is_ipv4(&a->addr) ? "%s:%u" : "[%s]:%u",
		       address, a->port);
	return text;
}

static void addr_mask(struct addr *a, unsigned int bits)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int kept = bits > 8 * i ? MIN(bits - 8 * i, 8) : 0;

		a->octets[i] &= (uint8_t)(0xff00 >> kept);
	}
}

int addr_prefix_parse(const char *text, struct addr_prefix *ret)
{
	struct addr_prefix prefix;
	char copy[ADDR_PORT_TEXT_MAX];
	struct addr masked;
	unsigned int length = 0, offset;
	char *slash;

	if (!util_copy(copy, sizeof(copy), text))
		return -EINVAL;
	slash = strchr(copy, '/');
	if (!slash || slash[1] == '\0' || strlen(slash + 1) > 3)
		return -EINVAL;
	*slash = '\0';
	for (const char *p = slash + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		length = length * 10 + (unsigned int)(*p - '0');
	}
	if (addr_parse(copy, &prefix.addr) < 0)
		return -EINVAL;
	offset = addr_is_ipv4(&prefix.addr) ? 96 : 0;
	if (length + offset > 128)
		return -EINVAL;
	masked = prefix.addr;
	addr_mask(&masked, length + offset);
	if (!addr_equal(&masked, &prefix.addr))
		return -EDOM;
	prefix.length = length;
	*ret = prefix;
	return 0;
}

bool addr_prefix_contains(const struct addr_prefix *p, const struct addr *a)
{
	bool ipv4 = addr_is_ipv4(&p->addr);
	struct addr masked = *a;

	if (ipv4 != addr_is_ipv4(a))
		return false;
	addr_mask(&masked, p->length + (ipv4 ? 96 : 0));
	return addr_equal(&masked, &p->addr);
}

socklen_t addr_port_sockaddr(const struct addr_port *a, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(&a->addr)) {
		memcpy(&in.sin_addr, a->addr.octets + 12, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, a->addr.octets, 16);
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}
