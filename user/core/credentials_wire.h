/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of AWS credentials, and how the endpoints of containers and instances write one (JSON:
 * AccessKeyId, SecretAccessKey, Token, Expiration; Code, if there, is Success). The set owns its
 * words and wipes them. No word of an answer gets into a message. Pure.
 */
#pragma once

#include "base/util.h"

#define CREDENTIALS_WIRE_ERROR_MAX 128

struct credentials_set {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* or NULL */
	int64_t expires_s;   /* epoch; 0: never */
	uint64_t serial;     /* another one means another set */
};

/* Wipes and releases; leaves an empty set. */
void credentials_set_done(struct credentials_set *s);
/* The same keys and token? Takes empty sets. */
bool credentials_set_same(const struct credentials_set *a, const struct credentials_set *b);

/* What may stand in a header: visible ASCII, at least one. */
bool credentials_wire_is_word(const char *text);

/* RFC 3339 in UTC, with or without a fraction of a second. */
bool credentials_wire_parse_time(const char *text, int64_t *ret);

/* 0 and *ret (serial 0); or -EBADMSG and what is missing or wrong; or -ENOMEM, said there too. */
int credentials_wire_parse(const char *body, size_t length, struct credentials_set *ret,
			   char error[static CREDENTIALS_WIRE_ERROR_MAX]);
