/* SPDX-License-Identifier: Apache-2.0 */
#include "core/known.h"

#include <ctype.h>
#include <inttypes.h>

/* As a string of JSON. Names are UTF-8, which needs no more than this. */
static void put_string(FILE *to, const char *text)
{
	(void)fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			(void)fputc('\\', to);
		if (iscntrl(c))
			(void)fprintf(to, "\\u%04x", c);
		else
			(void)fputc(c, to);
	}
	(void)fputc('"', to);
}

/* The zone comes last: it may have any characters. */
static void put_endpoint(FILE *to, const struct endpoint *e)
{
	char text[ADDR_PORT_TEXT_MAX + sizeof(" unhealthy weight=65535 zone=") + SHUNT_ZONE_MAX];
	char place[ADDR_PORT_TEXT_MAX], weight[16] = "";

	if (e->weight != 1)
		(void)snprintf(weight, sizeof(weight), " weight=%u", e->weight);
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", endpoint_format_place(&e->at, place),
		       e->state == STATE_UNHEALTHY ? " unhealthy" : "", weight,
		       e->zone[0] ? " zone=" : "", e->zone);
	put_string(to, text);
}

void known_write_start(FILE *to, int64_t now_s)
{
	(void)fprintf(to, "{\"version\":%d,\"written\":%" PRId64 "}\n", KNOWN_VERSION, now_s);
}

void known_write_row(FILE *to, const struct known_row *row)
{
	char vip[ADDR_TEXT_MAX];

	(void)fprintf(to, "{\"service\":");
	put_string(to, row->service);
	if (row->has_vip)
		(void)fprintf(to, ",\"vip\":\"%s\"", addr_format(&row->vip, vip));
	(void)fprintf(to, ",\"source\":");
	put_string(to, row->source);
	(void)fprintf(to, ",\"answered\":%" PRId64 ",\"backends\":[", row->answered_s);
	for (size_t i = 0; i < row->endpoints.n; i++) {
		if (i > 0)
			(void)fputc(',', to);
		put_endpoint(to, &row->endpoints.list[i]);
	}
	(void)fprintf(to, "]}\n");
}

void known_write_end(FILE *to, size_t rows, uint32_t checksum)
{
	(void)fprintf(to, "{\"services\":%zu,\"checksum\":\"%08x\"}\n", rows, checksum);
}
