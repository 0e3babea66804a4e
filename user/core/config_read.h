/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON tree into a struct config by the rows of config_keys, and notes every fault on the
 * way with its place. What concerns several keys at once is config_check's.
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/diag.h"
#include "base/util.h"

struct config;

struct config_reader {
	const char *origin;
	struct diag *problems;
	bool out_of_memory;
	bool uses_cloudmap; /* some service does, even if faultily */
	bool in_defaults;   /* what is read are not the keys of one service */
};

/* Where in the text: a chain on the stack, from the innermost out. */
struct config_place {
	const struct config_place *parent; /* NULL: the whole */
	const char *key;		   /* or NULL: element `index` of a list */
	size_t index;
	const char *service; /* name of the service that this element is, or NULL */
};

#define CONFIG_SHOWN_MAX 64 /* octets of a key or a name in a message */

/* Notes "ORIGIN: PLACE: ...". Cheap once the list of problems is full. */
void config_problem(struct config_reader *r, const struct config_place *at, const char *format, ...)
	_printf_(3, 4);

/* Reads all of it into a zeroed config. What could not be read has its default or is zero. */
void config_read(struct config_reader *r, const cJSON *json, struct config *c);
