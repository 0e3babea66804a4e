/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloud Map's DiscoverInstances as it is on the wire (AWS JSON 1.1): the body of the request, and
 * an HTTP answer to endpoints or an error. An answer is good as a whole or not at all; only an
 * instance without a usable address is left out by itself. Pure; what it copies out of an answer is
 * bounded, and untrusted.
 */
#pragma once

#include "core/cloudmap_reply.h"
#include "core/config_service.h"
#include "core/endpoints.h"

#define CLOUDMAP_WIRE_WHY_MAX 256
#define CLOUDMAP_WIRE_ID_MAX 65

/* 1,000 instances of 5,000 characters of attributes, and their names: the API's own quotas. */
#define CLOUDMAP_WIRE_BODY_MAX (8u << 20)

/* An instance that has a name in the place of an address. */
struct cloudmap_wire_name {
	struct endpoint endpoint; /* without its address */
	char name[SHUNT_NAME_MAX];
	char id[CLOUDMAP_WIRE_ID_MAX]; /* of the instance */
};

struct cloudmap_wire_answer {
	struct endpoints endpoints;	  /* normalised */
	struct cloudmap_wire_name *names; /* owned */
	size_t n_names, names_capacity;
	unsigned int rejected;			     /* instances left out */
	char rejected_why[CLOUDMAP_WIRE_WHY_MAX];    /* the first of them, or "" */
	unsigned int misweighted;		     /* instances with a bad weight, which have 1 */
	char misweighted_why[CLOUDMAP_WIRE_WHY_MAX]; /* the first of them, or "" */
	bool has_revision;			     /* the answer tells which it is of */
	uint64_t revision;
	bool has_health; /* the service has health checks, which move no revision */
};

void cloudmap_wire_answer_done(struct cloudmap_wire_answer *a);

/*
 * The body of the request: all instances, whatever their health, which each of them tells. Asked
 * for the healthy ones, the API would make one that falls ill look like one that is removed. NULL:
 * out of memory.
 */
char *cloudmap_wire_request(const struct config_cloudmap *service);

/* The body of a request for the revision alone. NULL: out of memory. */
char *cloudmap_wire_revision_request(const struct config_cloudmap *service);

/* What was asked for. */
struct cloudmap_wire_question {
	char *service;
	uint16_t port; /* for instances without AWS_INSTANCE_PORT; 0: the client keeps its own */
	char *weight_attribute; /* or NULL: all weigh 1 */
	bool ipv6_first;	/* of an instance with two addresses the other is taken */
};

/*
 * 0 and *ret (release by cloudmap_wire_answer_done), or -EBADMSG and *ret_error. An instance of
 * another service makes the answer another's, so garbled.
 */
int cloudmap_wire_parse(const struct cloudmap_wire_reply *reply,
			const struct cloudmap_wire_question *asked,
			struct cloudmap_wire_answer *ret, struct cloudmap_wire_error *ret_error);
