/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all answers of Cloud Map's API have in common (AWS JSON 1.1): an object with the list that
 * was asked for, or an error with a code. Pure; what it copies out of an answer is bounded, and
 * untrusted.
 */
#pragma once

#include "core/json.h"

#define CLOUDMAP_WIRE_CODE_MAX 64
#define CLOUDMAP_WIRE_MESSAGE_MAX 512
#define CLOUDMAP_WIRE_TARGET(operation) "Route53AutoNaming_v20170314." operation

struct cloudmap_wire_error {
	char code[CLOUDMAP_WIRE_CODE_MAX]; /* the remote's, or "http_503", "garbled", "memory" */
	char message[CLOUDMAP_WIRE_MESSAGE_MAX];
};

struct cloudmap_wire_reply {
	long status;
	const char *body; /* NUL-terminated beyond its length */
	size_t length;
	const char *error_type; /* header x-amzn-ErrorType, or NULL */
};

/*
 * The tree of a good answer, the caller's, and in it the member of that name, of whatever kind; may
 * be NULL. -EBADMSG and *ret_error: it is an error, or not what was asked for.
 */
int cloudmap_reply_open_member(const struct cloudmap_wire_reply *reply, const char *name,
			       cJSON **ret, const cJSON **ret_member,
			       struct cloudmap_wire_error *ret_error);
/* The same of a member that has to be an array. */
int cloudmap_reply_open(const struct cloudmap_wire_reply *reply, const char *list, cJSON **ret,
			const cJSON **ret_list, struct cloudmap_wire_error *ret_error);

/* Fills in an error. Returns -EBADMSG. */
int cloudmap_reply_fail(struct cloudmap_wire_error *error, const char *code, const char *format,
			...) _printf_(3, 4);

/* Does this code say that the credentials are expired or unknown? */
bool cloudmap_reply_blames_credentials(const char *code);
/* ... that the account has reached a quota; that it is the server's own fault? */
bool cloudmap_reply_throttles(const char *code);
bool cloudmap_reply_blames_server(const char *code);
/* Does this code say that the operation is not there, or not for us? */
bool cloudmap_reply_lacks_operation(const char *code);

/* InstancesRevision of an object; false: there is none that one could go by. */
bool cloudmap_reply_revision(const cJSON *object, uint64_t *ret);
/* The answer to DiscoverInstancesRevision. 0, or -EBADMSG and *ret_error. */
int cloudmap_reply_read_revision(const struct cloudmap_wire_reply *reply, uint64_t *ret,
				 struct cloudmap_wire_error *ret_error);
