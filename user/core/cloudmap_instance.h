/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instance of an answer of Cloud Map: its attributes to an endpoint, or to a name in its place,
 * or to why it cannot be used. Pure; the instance is hostile.
 */
#pragma once

#include "core/endpoints.h"
#include "core/json.h"

#define CLOUDMAP_INSTANCE_WHY_MAX 256

struct cloudmap_instance {
	const cJSON *attributes; /* the answer's */
	struct endpoint endpoint;
	char name[SHUNT_NAME_MAX]; /* that has its addresses; "": the endpoint has one */
	char why[CLOUDMAP_INSTANCE_WHY_MAX];
};

/* 0, or -EINVAL and in->why. `default_port` is that of an instance that tells none. */
int cloudmap_instance_read(struct cloudmap_instance *in, const cJSON *json, uint16_t default_port,
			   bool ipv6_first);

/* From the attribute of that name, or NULL: 1. -EINVAL and in->why: it is bad, and 1. */
int cloudmap_instance_read_weight(struct cloudmap_instance *in, const char *name);
