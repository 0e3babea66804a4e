/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink for tests of sources: counts what it is told and keeps the last as one line of text, such
 * as "10.0.1.1:80*1 10.0.1.2:80*5@zone rejected 1: why", "nothing" or "failed CODE: message".
 * Include after loop.h.
 */
#pragma once

#include "sources/source.h"

struct news {
	uv_loop_t *loop;
	size_t n, awaited;
	bool idle; /* nobody uses the service */
	char last[2048];
	struct source **stop; /* or NULL: stop this source from within, once told */
};

static void news_take(struct news *news)
{
	news->n++;
	if (!news->stop)
		return;
	(*news->stop)->ops->stop(*news->stop);
	*news->stop = NULL;
}

static void news_snapshot(void *user, const struct source_snapshot *snapshot)
{
	struct news *news = user;
	FILE *to = fmemopen(news->last, sizeof(news->last), "w");
	char text[ADDR_PORT_TEXT_MAX];

	for (size_t i = 0; i < snapshot->endpoints->n; i++) {
		const struct endpoint *e = &snapshot->endpoints->list[i];

		assert_int_equal(e->state, STATE_HEALTHY);
		fprintf(to, "%s%s*%u%s%s", i ? " " : "", addr_port_format(&e->at, text), e->weight,
			e->zone[0] ? "@" : "", e->zone);
	}
	if (snapshot->endpoints->n == 0)
		fputs("nothing", to);
	if (snapshot->adds_only)
		fputs(" and more", to);
	if (snapshot->note)
		fprintf(to, " note: %s", snapshot->note);
	if (snapshot->rejected)
		fprintf(to, " rejected %u: %s", snapshot->rejected, snapshot->rejected_why);
	fclose(to);
	news_take(news);
}

static void news_failure(void *user, const struct source_failure *failure)
{
	struct news *news = user;

	snprintf(news->last, sizeof(news->last), "failed %s: %s", failure->code, failure->message);
	news_take(news);
}

static enum pace_rank news_use(void *user)
{
	const struct news *news = user;

	return news->idle ? PACE_IDLE : PACE_IN_USE;
}

static struct source_sink news_sink(struct news *news)
{
	return (struct source_sink){
		.snapshot = news_snapshot, .failure = news_failure, .use = news_use, .user = news
	};
}

static bool news_have_come(void *user)
{
	const struct news *news = user;

	return news->n >= news->awaited;
}

/* Until the sink has been told n times. */
static void news_wait(struct news *news, size_t n)
{
	news->awaited = n;
	loop_wait(news->loop, news_have_come, news);
	assert_int_equal(news->n, n);
}
