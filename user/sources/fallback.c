/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service of Cloud Map for which DNS stands in while the API fails: two sources behind one sink.
 * The API is asked all the time, at its own pace, and its failures are told; once there has been no
 * good answer for the configured time DNS is asked as well, for the first type of record that there
 * is, and its snapshots are told as those of who stands in. The first good answer of the API ends
 * that. Nothing in DNS says nothing: the service may be one without records.
 */
#include <errno.h>

#include "core/substitute.h"
#include "sources/source.h"

/* After DNS had nothing of any type. */
#define TRY_AGAIN_MS 30000
#define NOTE_MAX 384

struct fallback {
	struct source source;
	struct source_env env;
	struct source_sink sink;
	struct source *api;
	struct source *dns; /* NULL: it is not asked */
	char *name;
	bool has_vip;
	struct addr vip;
	uint16_t port;
	size_t type; /* which is asked for: of `types` */
	uint32_t after_ms;
	uint64_t failing_since_ms; /* 0: the API's last answer was good */
	uint64_t not_before_ms;	   /* when DNS may be asked again */
	bool stood_in;		   /* DNS has told something since */
	struct config config;	   /* no more of it than the DNS source reads: values */
	struct endpoints known;	   /* the API's last good answer */
	char code[64];		   /* of its failure */
};

/* The failures that are answers: of the service, not of the API. */
static const char *const answers[] = { "ServiceNotFound", "NamespaceNotFound", "InvalidInput",
				       "ResourceNotFoundException" };

/* SRV first: it tells ports. */
static const enum config_dns_type types[] = { CONFIG_DNS_SRV, CONFIG_DNS_A, CONFIG_DNS_AAAA };

static struct fallback *fallback_of(const struct source *source)
{
	return (struct fallback *)(uintptr_t)source; /* the first member */
}

static void tell_note(struct fallback *s, const char *what, const char *words)
{
	char note[NOTE_MAX];

	(void)snprintf(note, sizeof(note), "%s: %s %s%s%s", what,
		       config_dns_type_name(types[s->type]), s->name, *words ? ": " : "", words);
	if (s->sink.note)
		s->sink.note(s->sink.user, note);
}

/* --- DNS -------------------------------------------------------------------------------------- */

static void dns_begin(struct fallback *s);

static void dns_end(struct fallback *s)
{
	source_stop(TAKE_PTR(s->dns));
	s->type = 0;
}

/* No record of this type: the next type is asked for, in the end none. */
static void take_nothing(struct fallback *s)
{
	source_stop(TAKE_PTR(s->dns));
	if (s->type + 1 < ARRAY_SIZE(types)) {
		s->type++;
		dns_begin(s);
		return;
	}
	tell_note(s, "DNS cannot stand in", "there is nothing, nor of another type");
	s->not_before_ms = uv_now(s->env.loop) + TRY_AGAIN_MS;
	s->type = 0;
}

static void on_dns_snapshot(void *user, const struct source_snapshot *found)
{
	_cleanup_(endpoints_done) struct endpoints endpoints = { 0 };
	struct source_snapshot snapshot = *found;
	struct fallback *s = user;
	char note[NOTE_MAX];

	if (found->endpoints->n == 0) {
		take_nothing(s);
		return;
	}
	if (substitute_make(found->endpoints, &s->known, types[s->type] != CONFIG_DNS_SRV,
			    &endpoints) < 0)
		return; /* what is in force stays */
	(void)snprintf(note, sizeof(note), "DNS stands in, %s %s, because the API fails: %s%s%s",
		       config_dns_type_name(types[s->type]), s->name, s->code,
		       found->note ? "; " : "", found->note ? found->note : "");
	s->stood_in = true;
	snapshot.endpoints = &endpoints;
	snapshot.stands_in = true;
	snapshot.note = note;
	s->sink.snapshot(s->sink.user, &snapshot); /* last: it may stop the source */
}

static void on_dns_failure(void *user, const struct source_failure *failure)
{
	struct fallback *s = user;

	if (!s->stood_in)
		tell_note(s, "DNS cannot stand in", failure->code);
}

static enum pace_rank on_use(void *user)
{
	const struct fallback *s = user;

	return s->sink.use ? s->sink.use(s->sink.user) : PACE_IN_USE;
}

static void dns_begin(struct fallback *s)
{
	const struct source_sink sink = {
		.snapshot = on_dns_snapshot,
		.failure = on_dns_failure,
		.use = on_use,
		.user = s,
	};
	const struct config_service service = {
		.source = CONFIG_SOURCE_DNS,
		.has_vip = s->has_vip,
		.vip = s->vip,
		.dns = { .name = s->name,
			 .type = types[s->type],
			 .port = substitute_port(&s->known, s->port) },
	};

	if (source_dns.start(&s->env, &s->config, &service, &sink, &s->dns) < 0)
		s->dns = NULL; /* tried again with the next failure of the API */
}

/* --- the API ---------------------------------------------------------------------------------- */

static void take_good_answer(struct fallback *s)
{
	s->failing_since_ms = 0;
	s->not_before_ms = 0;
	s->stood_in = false;
	dns_end(s);
}

static void on_api_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct fallback *s = user;

	if (snapshot->again && s->stood_in) /* no answer of the API */
		return;
	if (!snapshot->again)
		take_good_answer(s);
	if (endpoints_copy(&s->known, snapshot->endpoints) < 0)
		s->known.n = 0;
	s->sink.snapshot(s->sink.user, snapshot);
}

/* What was told last may have been by DNS. */
static void on_api_unchanged(void *user)
{
	const struct source_snapshot snapshot = { .endpoints = &((struct fallback *)user)->known };
	struct fallback *s = user;
	bool stood_in = s->stood_in;

	take_good_answer(s);
	if (stood_in)
		s->sink.snapshot(s->sink.user, &snapshot);
	else if (s->sink.unchanged)
		s->sink.unchanged(s->sink.user);
}

static bool on_api_doubted(void *user)
{
	const struct fallback *s = user;

	return s->sink.doubted && s->sink.doubted(s->sink.user);
}

static bool is_answer(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (streq(code, answers[i]))
			return true;
	}
	return false;
}

static void on_api_failure(void *user, const struct source_failure *failure)
{
	struct fallback *s = user;
	uint64_t now_ms = uv_now(s->env.loop);

	if (is_answer(failure->code)) {
		take_good_answer(s);
	} else {
		(void)util_copy(s->code, sizeof(s->code), failure->code);
		s->failing_since_ms = s->failing_since_ms ? s->failing_since_ms : now_ms;
		if (!s->dns && now_ms - s->failing_since_ms >= s->after_ms &&
		    now_ms >= s->not_before_ms)
			dns_begin(s);
	}
	s->sink.failure(s->sink.user, failure); /* last: it may stop the source */
}

/* --- the source ------------------------------------------------------------------------------- */

static void fallback_stop(struct source *source)
{
	struct fallback *s = fallback_of(source);

	source_stop(s->api);
	source_stop(s->dns);
	endpoints_done(&s->known);
	free(s->name);
	free(s);
}

static void fallback_stop_p(struct fallback **s)
{
	if (*s)
		fallback_stop(&(*s)->source);
}

static int fallback_start(const struct source_env *env, const struct config *config,
			  const struct config_service *service, const struct source_sink *sink,
			  struct source **ret)
{
	_cleanup_(fallback_stop_p) struct fallback *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct fallback){
		.source.ops = &source_fallback,
		.env = *env,
		.sink = *sink,
		.port = service->port,
		.after_ms = service->cloudmap.dns_fallback_after_ms,
		.config = { .dns_ttl = config->dns_ttl, .vips = config->vips },
		.vip = service->vip,
		.has_vip = service->has_vip,
	};
	const struct source_sink api = {
		.snapshot = on_api_snapshot,
		.failure = on_api_failure,
		.unchanged = on_api_unchanged,
		.doubted = on_api_doubted,
		.use = on_use,
		.user = s,
	};

	r = config_fallback_name(&service->cloudmap, &s->name);
	if (r == 0)
		r = source_cloudmap.start(env, config, service, &api, &s->api);
	if (r < 0)
		return r;
	*ret = &TAKE_PTR(s)->source;
	return 0;
}

static void fallback_refresh(struct source *source)
{
	struct fallback *s = fallback_of(source);

	source_refresh(s->api);
	if (s->dns)
		source_refresh(s->dns);
}

static void fallback_wake(struct source *source)
{
	struct fallback *s = fallback_of(source);

	source_wake(s->api);
	if (s->dns)
		source_wake(s->dns);
}

static uint64_t fallback_next_ms(const struct source *source)
{
	return source_next_ms(fallback_of(source)->api);
}

static const char *fallback_lacks(const struct source *source)
{
	return source_lacks(fallback_of(source)->api);
}

const struct source_ops source_fallback = {
	.start = fallback_start,
	.refresh = fallback_refresh,
	.wake = fallback_wake,
	.next_ms = fallback_next_ms,
	.lacks = fallback_lacks,
	.stop = fallback_stop,
};
