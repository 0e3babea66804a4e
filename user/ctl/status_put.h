/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces that the text of `status` is put together from: members of the answer, whatever their
 * type, and what is the same of a service and of a part of it. Owns nothing.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#define INDENT "    "

/* NULL, and false, where it is lacking or of another type. */
const cJSON *status_member(const cJSON *object, const char *key);
const char *status_text_at(const cJSON *object, const char *key);
bool status_number_at(const cJSON *object, const char *key, double *ret);

/* What came from a remote must not reach the terminal as it is. NULL: "-". */
void status_put_text(FILE *to, const char *untrusted);
void status_put_line(FILE *to, const char *before, const char *untrusted);
void status_put_duration(FILE *to, double seconds);

/* status_source.c: " -> 3 backends, answered 2.0 s ago", and the line's end. */
void status_put_answers(FILE *to, const cJSON *source);
/* status_budget.c: the calls to Cloud Map. */
void status_put_budget(FILE *to, const cJSON *budget);
/* What is wrong with a source, a line each. */
void status_put_trouble(FILE *to, const char *indent, const cJSON *source);
void status_put_parts(FILE *to, const cJSON *parts);
/* status_namespace.c: a namespace whose services are imported. */
void status_put_namespace(FILE *to, const cJSON *namespace);
