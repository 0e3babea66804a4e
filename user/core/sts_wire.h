/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STS's query API as it is on the wire: the form that asks for a role's credentials, and the XML
 * that answers it. No document type, so no entities; elements are found by the end of their path.
 * Pure; no word of a set gets into a message, and what held it is wiped.
 */
#pragma once

#include "core/credentials_wire.h"

#define STS_WIRE_ERROR_MAX 320

struct sts_wire_role {
	const char *arn;
	const char *session_name;
	const char *token;	 /* of a web identity; NULL: by AssumeRole, signed */
	const char *external_id; /* or NULL */
	const char *duration_s;	 /* or NULL: an hour */
};

/* The form; the caller's, to be wiped. NULL: out of memory. */
char *sts_wire_request(const struct sts_wire_role *role);

/* 0 and *ret (serial 0); or -EBADMSG and what is wrong, STS's own code and message if it says so;
 * or -ENOMEM. */
int sts_wire_parse(long status, const char *body, size_t length, struct credentials_set *ret,
		   char error[static STS_WIRE_ERROR_MAX]);
