/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resolv_conf.h"

#include "base/util.h"

#define DNS_PORT 53
#define BLANKS " \t\r"
#define LINE_MAX_OCTETS 256

static bool read_server(const char *line, size_t length, struct addr_port *ret)
{
	char copy[LINE_MAX_OCTETS], *rest = copy, *word;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, line, length);
	copy[length] = '\0';
	word = strsep(&rest, BLANKS);
	if (!streq(word, "nameserver"))
		return false;
	do
		word = strsep(&rest, BLANKS);
	while (word && *word == '\0');
	return word && addr_port_parse(word, DNS_PORT, ret) == 0 && addr_is_unicast(&ret->addr);
}

size_t resolv_conf_servers(const char *text, struct addr_port *list, size_t max)
{
	size_t n = 0;

	while (*text && n < max) {
		size_t length = strcspn(text, "\n");

		n += read_server(text, length, &list[n]);
		text += length + (text[length] == '\n');
	}
	return n;
}
