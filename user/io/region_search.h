/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for the region this host is in, where neither configuration, environment nor profile tells
 * it: in the task's metadata (ECS_CONTAINER_METADATA_URI_V4), then in the instance's. It goes on
 * until it has it, after 1 s, doubling up to 15 s. It owns its questions.
 */
#pragma once

#include <uv.h>

#include "base/util.h"
#include "core/requests.h"
#include "io/http.h"

struct region_search;

/* Called once, from the loop. `from`: "task metadata" or "instance metadata", a literal. */
typedef void (*region_found_fn)(void *user, const char *region, const char *from);

/* `environment` reads a variable. The first question goes out at once. */
int region_search_new(uv_loop_t *loop, struct http *http,
		      const char *(*environment)(const char *name), struct requests *requests,
		      region_found_fn found, void *user, struct region_search **ret);
/* Closes its timer on the loop, which frees the last memory a turn later. Not from `found`. */
void region_search_free(struct region_search *s);

/* Why it is not found yet; NULL: it is, or the first answers are not there. */
const char *region_search_error(const struct region_search *s);
