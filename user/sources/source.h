/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source watches where one service's endpoints come from and tells its sink whole snapshots,
 * never deltas, or a failure. It decides when to ask again; it never decides what stays in force
 * (core/model). A source is owned by whoever started it; the sink is called from the loop, never
 * from source_start.
 */
#pragma once

#include <uv.h>

#include "core/config.h"
#include "core/endpoints.h"
#include "core/pace.h"
#include "core/requests.h"

struct http;
struct credentials;
struct resolver;
struct source;
struct turns;

/* What sources share; outlives them all. */
struct source_env {
	uv_loop_t *loop;
	struct http *http;
	struct credentials *credentials;
	struct resolver *resolver;
	struct requests *requests;
	struct turns *turns; /* to call Cloud Map */
};

struct source_snapshot {
	const struct endpoints *endpoints; /* normalised; valid during the call */
	unsigned int rejected;		   /* instances left out for want of a usable address */
	const char *rejected_why;	   /* the first of them, or NULL */
	unsigned int misweighted;	   /* instances with a bad weight, which have 1 */
	const char *misweighted_why;	   /* the first of them, or NULL */
	bool adds_only;	  /* what it lacks may be there all the same: more is to come */
	bool again;	  /* the last one, with what its names lead to by now */
	bool stands_in;	  /* not the source's own, which goes on failing: who, the note tells */
	const char *note; /* what else is to be told of it, or NULL */
};

struct source_failure {
	const char *code;    /* verbatim from the remote, or "timeout", "garbled" ... */
	const char *message; /* verbatim, untrusted; may be "" */
};

struct source_sink {
	void (*snapshot)(void *user, const struct source_snapshot *snapshot);
	void (*failure)(void *user, const struct source_failure *failure);
	/* Something is to be told, and nothing of the endpoints. NULL: nobody wants to hear it. */
	void (*note)(void *user, const char *note);
	/* The last snapshot is still right. NULL: nobody wants to hear it. */
	void (*unchanged)(void *user);
	/* Does the last snapshot count only once it is repeated? NULL: no. */
	bool (*doubted)(void *user);
	/* Whether tasks on this host use the service: not PACE_NEWS. */
	enum pace_rank (*use)(void *user);
	void *user;
};

struct source_ops {
	int (*start)(const struct source_env *env, const struct config *config,
		     const struct config_service *service, const struct source_sink *sink,
		     struct source **ret);
	void (*refresh)(struct source *s);
	void (*wake)(struct source *s);		      /* NULL: it never rests */
	const char *(*lacks)(const struct source *s); /* NULL: it does not know of such */
	uint64_t (*next_ms)(const struct source *s);
	void (*stop)(struct source *s);
};

/* The first member of each kind of source. */
struct source {
	const struct source_ops *ops;
};

extern const struct source_ops source_cloudmap;
extern const struct source_ops source_fallback; /* Cloud Map, with DNS to stand in */
extern const struct source_ops source_dns;
extern const struct source_ops source_static;

/*
 * Starts the kind of source that the service asks for; what it needs of config and service is
 * copied. Its first question goes out at once. 0 or a negative errno.
 */
int source_start(const struct source_env *env, const struct config *config,
		 const struct config_service *service, const struct source_sink *sink,
		 struct source **ret);
/* Ask now, out of turn; a question already under way will do. */
void source_refresh(struct source *s);
/* The service was idle and is used again. */
void source_wake(struct source *s);
/* The error by which it was told that it cannot ask for revisions; NULL: it can. */
const char *source_lacks(const struct source *s);
/* When it asks next, in uv_now's milliseconds; 0: a question is under way. */
uint64_t source_next_ms(const struct source *s);
/* For jitter. */
uint32_t source_random(void);
#define SOURCE_NEVER UINT64_MAX /* it asks when something changes */
/* Ends it and frees it: no more calls of the sink. Takes NULL. */
void source_stop(struct source *s);
DEFINE_CLEANUP(struct source *, source_stop);
