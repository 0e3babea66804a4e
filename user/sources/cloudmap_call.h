/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to Cloud Map's API: where it goes, and how it is signed and sent. Whoever asks knows
 * when, and reads the answer.
 */
#pragma once

#include "core/quota.h"
#include "io/credentials.h"
#include "io/http.h"
#include "core/quota.h"
#include "sources/source.h"

/* One of the two endpoints. */
struct cloudmap_place {
	char *region, *url;
	bool no_proxy;
};

/* 0; -EINVAL: no region or endpoint is known; -ENOMEM. */
int cloudmap_place_init(struct cloudmap_place *place, const char *region, const char *endpoint);
void cloudmap_place_done(struct cloudmap_place *place);

struct cloudmap_call {
	const struct cloudmap_place *place;
	const char *target; /* CLOUDMAP_WIRE_TARGET(operation) */
	const char *body;
	size_t answer_max; /* octets */
	http_done_fn done;
	void *user;
};

/* Copies what it needs. 0 and *ret; for the errors see http_start. */
int cloudmap_call_start(const struct source_env *env, const struct credentials_set *set,
			const struct cloudmap_call *call, struct http_call **ret);

/* What an error says of the account's quota. */
enum quota_outcome cloudmap_call_outcome(const char *code);

/*
 * A question that was signed while the clock's offset was `offset_s` got this error, in an answer
 * dated `date_s` (0: not). True: the date was to blame, and is corrected from now on, so ask again
 * at once.
 */
bool cloudmap_call_was_misdated(const struct source_env *env, int64_t offset_s, const char *code,
				int64_t date_s);
