/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which namespaces Cloud Map has, and which services a namespace: ListNamespaces, GetNamespace and
 * ListServices as they are on the wire. Lists come in pages; a page may be empty and not the last.
 * Pure; what it copies out of an answer is bounded, and untrusted.
 */
#pragma once

#include "core/cloudmap_reply.h"
#include "core/config_namespace.h"

#define CLOUDMAP_LISTS_BODY_MAX (2u << 20) /* a page of 100 rows is some 50 KiB */
#define CLOUDMAP_LISTS_ROWS_MAX 1000	   /* in a page; 100 are asked for */
#define CLOUDMAP_LISTS_TEXT_MAX 1024	   /* a name, an id, an ARN */
#define CLOUDMAP_LISTS_TOKEN_MAX 4096

/* What is known of a namespace. Texts that are its own. */
struct cloudmap_namespace {
	char *id, *arn, *name, *http_name;
	char *owner; /* the account, or NULL: it was not told */
};

void cloudmap_namespace_done(struct cloudmap_namespace *n);

/* Names of services, as they were told: in any order, perhaps repeated. */
struct cloudmap_names {
	char **list;
	size_t n, capacity;
};

void cloudmap_names_done(struct cloudmap_names *names);

/*
 * Bodies of questions; NULL: out of memory. A namespace that is wanted by name is looked for in
 * lists, one by id or ARN is asked for by GetNamespace. `token` is NULL for the first page.
 */
char *cloudmap_lists_ask_namespaces(const struct config_namespace *wanted, const char *token);
char *cloudmap_lists_ask_namespace(const struct config_namespace *wanted);
/* `shared`: it is of another account, so goes by its ARN. */
char *cloudmap_lists_ask_services(const struct cloudmap_namespace *of, bool shared,
				  const char *token);

/*
 * A page of namespaces. If the wanted one is there *ret has it, else it stays as it was. *ret_token
 * is the caller's, NULL after the last page. 0, or -EBADMSG and *ret_error.
 */
int cloudmap_lists_read_namespaces(const struct cloudmap_wire_reply *reply,
				   const struct config_namespace *wanted,
				   struct cloudmap_namespace *ret, char **ret_token,
				   struct cloudmap_wire_error *ret_error);

/* The answer of GetNamespace. 0, or -EBADMSG and *ret_error. */
int cloudmap_lists_read_namespace(const struct cloudmap_wire_reply *reply,
				  struct cloudmap_namespace *ret,
				  struct cloudmap_wire_error *ret_error);

/* A page of services: appends their names. *ret_token as above. 0, or -EBADMSG and *ret_error. */
int cloudmap_lists_read_services(const struct cloudmap_wire_reply *reply,
				 struct cloudmap_names *names, char **ret_token,
				 struct cloudmap_wire_error *ret_error);
