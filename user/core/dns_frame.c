/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dns_frame.h"

#define HEADER_SIZE 12
#define QUESTION_REST 4 /* type, class */
#define RECORD_REST 10	/* type, class, TTL, length of the data */
#define TYPE_TSIG 250	/* RFC 8945 */

static size_t read16(const uint8_t *packet, size_t at)
{
	return (size_t)packet[at] << 8 | packet[at + 1];
}

/* Past the name that begins at `at`; perhaps beyond the packet. */
static size_t skip_name(const uint8_t *packet, size_t length, size_t at)
{
	while (at < length && packet[at] != 0) {
		if ((packet[at] & 0xc0) == 0xc0) /* it ends in a pointer */
			return at + 2;
		at += 1u + packet[at];
	}
	return at + 1;
}

static const char *check_records(const uint8_t *packet, size_t length, size_t questions, size_t n)
{
	size_t at = HEADER_SIZE;

	for (size_t i = 0; i < n; i++) {
		size_t rest = i < questions ? QUESTION_REST : RECORD_REST;

		at = skip_name(packet, length, at);
		if (at + rest > length)
			return "cut off or malformed";
		/* made by those who share a key, which we do with nobody */
		if (i >= questions && read16(packet, at) == TYPE_TSIG)
			return "a signature that nobody asked for";
		at += rest + (i < questions ? 0 : read16(packet, at + RECORD_REST - 2));
		if (at > length)
			return "cut off or malformed";
	}
	return NULL;
}

const char *dns_frame_check(const uint8_t *packet, size_t length, size_t records_max)
{
	size_t n = 0;

	if (length < HEADER_SIZE)
		return "shorter than a header";
	for (size_t at = 4; at < HEADER_SIZE; at += 2)
		n += read16(packet, at);
	if (n > records_max)
		return "too many records";
	return check_records(packet, length, read16(packet, 4), n);
}
